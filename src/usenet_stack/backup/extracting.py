"""`usenet backup extract`: one file or folder out of a backup."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from usenet_stack.backup.manifest import FileRecord
from usenet_stack.backup.placing import Placer
from usenet_stack.backup.reading import (
    LONGEST_PART,
    Archive,
    Entry,
    open_archive,
)
from usenet_stack.backup.scratch import scratch
from usenet_stack.backup.verify import readable
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.transaction.executor import typed

NEAR = 10


def extract_path(
    stack: Stack,
    backup: Path,
    wanted: str,
    to: Path,
    identity: Path | None = None,
) -> Result:
    """Take a file, or a folder with all that is in it, out of a backup.

    Args:
        wanted: its name as `backup show --files` prints it, or without the
            "config/" or "stack/" in front.
        to: the new path, or a folder that exists and gets it.
        identity: for an encrypted backup.

    Returns: `backup`, `name` in it, `path`, `files`, `size`.
    Raises:
        UsenetError: backup.no-member; backup.in-the-way: there is something
            at the target; backup.damaged: anything in the backup is not as
            it was written, and nothing is left at the target.
    Effects: a file or folder with the modes, times, attributes and (as root)
        owners that were backed up.
    """
    with readable(backup, identity) as plain:
        found = _find(stack, backup, plain, wanted, to)
        name, target = found.record.path, found.target
        try:
            with scratch(target.parent) as place:
                placer = Placer(place)
                late = _take(plain, name, placer)
                if late:
                    _take_late(plain, late, placer)
                placer.finish()
                _settle(place / "0", target)
        except OSError as problem:
            raise typed(problem) from problem
    return Result(
        {
            "backup": str(backup),
            "name": found.record.name,
            "path": str(target),
            "files": placer.files,
            "size": placer.size,
        }
    )


class Found(NamedTuple):
    """What is meant, and where it would go."""

    record: FileRecord
    target: Path


def find_member(
    stack: Stack,
    backup: Path,
    wanted: str,
    to: Path,
    identity: Path | None = None,
) -> Found:
    """Return what `extract_path` would take, and where it would put it.

    Raises:
        UsenetError: as `extract_path`.
    """
    with readable(backup, identity) as plain:
        return _find(stack, backup, plain, wanted, to)


def _find(
    stack: Stack, backup: Path, plain: Path, wanted: str, to: Path
) -> Found:
    with open_archive(plain) as archive:
        record = resolve(stack, backup, archive, wanted)
    try:
        return Found(record, _target(to, os.fsdecode(record.path)))
    except OSError as problem:
        raise typed(problem) from problem


def resolve(
    stack: Stack, backup: Path, archive: Archive, wanted: str
) -> FileRecord:
    """Return the member that the user means.

    Raises:
        UsenetError: backup.no-member, with names that are near.
    """
    asked = wanted.removeprefix("./").strip("/")
    own, slash, below = asked.partition("/")
    spellings = [asked, f"config/{asked}", f"stack/{asked}"]
    with suppress(UsenetError):
        spellings.append(f"config/{stack.resolve(own).name}{slash}{below}")
    encoded = [os.fsencode(spelling) for spelling in spellings]
    found: dict[bytes, FileRecord] = {}
    names = []
    for record in archive.records():
        names.append(record.name)
        if record.path in encoded or record.name in spellings:
            found.setdefault(record.path, record)
    parts = os.fsencode(asked).split(b"/")
    if any(p in (b"", b".", b"..") or len(p) > LONGEST_PART for p in parts):
        found.clear()  # whatever a hostile manifest lists
    for spelling in encoded:
        if spelling in found:
            return found[spelling]
    if found:
        return next(iter(found.values()))
    near = tuple(_near(names, asked))
    raise UsenetError(
        "backup.no-member",
        name=wanted,
        backup=backup.name,
        why="It has these:" if near else "",
        details=near,
    )


def _near(names: list[str], asked: str) -> list[str]:
    """Return names that end as what was asked for, else that hold it."""
    last = asked.rpartition("/")[2].lower()
    if not last:
        return []
    same = [n for n in names if n.rpartition("/")[2].lower() == last]
    return (same or [n for n in names if last in n.lower()])[:NEAR]


def _target(to: Path, name: str) -> Path:
    target = to / name.rpartition("/")[2] if to.is_dir() else to
    target = target.absolute()
    if target.is_symlink() or target.exists():
        raise UsenetError("backup.in-the-way", path=target)
    if not target.parent.is_dir():
        raise UsenetError("backup.no-folder", path=target.parent)
    return target


def _take(plain: Path, top: bytes, placer: Placer) -> dict[bytes, list[bytes]]:
    """Place what is wanted; read all of the rest, which the seal covers.

    Returns: hard links to what is not wanted, by what they lead to.
    """
    late: dict[bytes, list[bytes]] = {}
    with open_archive(plain) as archive:
        for entry in archive.members():
            if (below := _below(entry, top)) is None:
                continue
            target = _inside(entry.member.target, top)
            if entry.member.type != "hardlink":
                placer.place(below, entry.member, entry.content)
            elif target is not None and entry.member.target not in late:
                placer.link(below, target)
            else:
                late.setdefault(entry.member.target, []).append(below)
    return late


def _take_late(
    plain: Path, late: dict[bytes, list[bytes]], placer: Placer
) -> None:
    with open_archive(plain) as archive:
        for entry in archive.members():
            belows = late.get(entry.member.name, [])
            for below in belows[:1]:
                placer.place(below, entry.member, entry.content)
            for below in belows[1:]:
                placer.link(below, belows[0])


def _below(entry: Entry, top: bytes) -> bytes | None:
    return _inside(entry.member.name, top)


def _inside(name: bytes, top: bytes) -> bytes | None:
    """Return where a member goes: what is wanted is "0" in its folder."""
    if name == top:
        return b"0"
    if name.startswith(top + b"/"):
        return b"0" + name.removeprefix(top)
    return None


def _settle(made: Path, target: Path) -> None:
    if target.is_symlink() or target.exists():
        raise UsenetError("backup.in-the-way", path=target)
    made.rename(target)
