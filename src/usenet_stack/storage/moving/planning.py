"""`usenet storage remove --move-to`: what a move would do, and doing it."""

import os
import shlex
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage.layouts import drive_place, is_union
from usenet_stack.storage.mounts import read_mounts
from usenet_stack.storage.moving.applications import (
    TellJellyfin,
    not_told,
    plan_telling,
)
from usenet_stack.storage.moving.copying import equal, first_names
from usenet_stack.storage.moving.mover import OWN
from usenet_stack.storage.moving.operations import (
    CopyContent,
    DeleteOriginals,
)
from usenet_stack.storage.moving.tree import Entry, Tree
from usenet_stack.storage.moving.writers import written_now
from usenet_stack.storage.probe import Request, probe
from usenet_stack.storage.registry import read_registry
from usenet_stack.transaction import SILENT, Observer, Plan, Step, open_session

COMMAND = "storage move"
_SHOWN = 20
# Each file and folder takes a block or two of its own, and a drive that is
# filled to its last byte helps nobody.
_PER_ENTRY = 8192
_SPARE = 64 * 1024**2


class Survey(NamedTuple):
    """What there is to move.

    Args:
        files, size: how many, with their bytes; `done` of them are on the
            target already.
        need: bytes that the target must have free.
        folders: those of the series, films and the like, below the drive.
        outside: files with further names outside of the drive's folder.
    """

    files: int
    size: int
    done: int
    need: int
    folders: tuple[str, ...]
    outside: int


def plan_move(stack: Stack, name: str, target: str) -> Plan:
    """Return what `move_content` would do, after all its checks.

    Reads both drives where they hold the same names; changes nothing.

    Args:
        name: the pool's drive to empty; `target` the one to fill.

    Raises:
        UsenetError: "storage.unknown", "storage.move-same",
            "storage.move-away", "storage.silent", "storage.root-needed",
            "storage.move-busy", "storage.move-conflict",
            "storage.move-odd", "storage.move-room", one of app.*.
    """
    source, goal = _places(stack, name, target)
    survey = _survey(source, goal)
    steps: list[Step] = []
    if survey.files:
        steps.append(
            Step(
                CopyContent(source, goal),
                f"{survey.files - survey.done} files ({survey.size} bytes in "
                f"all {survey.files}) must be whole on {target} before "
                f"anything leaves {name}",
            )
        )
    steps += [] if is_union(stack) else plan_telling(stack, name, target)
    if survey.files:
        steps.append(
            Step(
                DeleteOriginals(source, goal),
                f"you asked to move what is on {name}",
                on_failure="continue",
            )
        )
        inside = stack.media_inside
        tell = TellJellyfin(
            f"{inside}/{name}", f"{inside}/{target}", survey.folders
        )
        if not is_union(stack) and tell.wanted(stack):
            why = "it shows each film once, from where it is now"
            steps.append(Step(tell, why, on_failure="continue"))
    return Plan(COMMAND, tuple(steps), recovery="forward")


def move_content(
    stack: Stack, name: str, target: str, observer: Observer = SILENT
) -> Result:
    """Move all that is on one drive of the pool to another.

    Run again after an interruption it goes on where it was; so does the
    next command that changes the stack.

    Args:
        name: the drive to empty; it stays in the pool.
        target: the drive to fill.
        observer: is told of the steps, and of bytes and files.

    Returns: data {"moved": {"from", "to", "files", "bytes"}}; partial when
        a file stays because it is in use or changed meanwhile.
    Raises:
        UsenetError: as `plan_move`, before anything was changed; exit 13
            when it was undone, 14 when that failed too.
    Effects: the files are on the target, with owner, mode, times, extended
        attributes, hard links and holes; the applications look there.
    Undo: the same with the names swapped.
    """
    if os.geteuid() != 0:
        words = ("sudo", "usenet", "storage", "remove", name)
        raise UsenetError(
            "storage.root-needed",
            what="moving files of other users",
            command=shlex.join([*words, "--move-to", target]),
        )
    with open_session(stack.folder, COMMAND, observer) as session:
        source, goal = _places(stack, name, target)
        survey = _survey(source, goal)
        outcome = session.run(plan_move(stack, name, target))
    result = Result(
        {
            "moved": {
                "from": name,
                "to": target,
                "files": survey.files,
                "bytes": survey.size,
            }
        }
    )
    if survey.outside:
        result.warn(
            f"{survey.outside} files have another name outside of {name} (a "
            "hard link): that name keeps its space."
        )
    others = () if is_union(stack) or not survey.files else not_told(stack)
    if others:
        result.warn(
            f"Not told, because only they know their paths: "
            f"{', '.join(others)}. Where one names {name} in its settings, "
            f"let it name {target}."
        )
    for failure in outcome.failures:
        result.errors.append(failure.error)
        result.partial = True
    return result


def _places(stack: Stack, name: str, target: str) -> tuple[Path, Path]:
    registry = read_registry(stack.folder)
    for each in (name, target):
        if each not in registry:
            known = ", ".join(registry) or "none"
            raise UsenetError("storage.unknown", name=each, known=known)
    if name == target:
        raise UsenetError("storage.move-same", name=name)
    mounted = {mount.target for mount in read_mounts()}
    for each in (name, target):
        place = drive_place(stack, each)
        if str(place) not in mounted:
            source = registry[each].source
            raise UsenetError("storage.move-away", name=each, source=source)
        request = Request("stat", str(place), doubtful=True)
        (answer,) = probe([request])
        if not answer.ok:
            raise UsenetError("storage.silent", path=place)
    one, other = (Path(registry[each].source) for each in (name, target))
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise UsenetError("storage.move-same", name=name)
    return drive_place(stack, name), drive_place(stack, target)


def _survey(source: Path, goal: Path) -> Survey:
    with Tree(source) as here, Tree(goal) as there:
        entries = here.entries(OWN)
        _refuse_written(here, entries)
        done = _compare(here, there, entries)
    firsts = first_names(entries)
    files = [entry for entry in entries if entry.kind != "folder"]
    missing = [
        entry
        for entry in files
        if entry.path not in done and entry.path not in firsts
    ]
    need = sum(_allocated(entry) for entry in missing)
    _refuse_full(goal, need + len(missing) * _PER_ENTRY)
    # A series or film each, however many folders it has.
    tops = {"/".join(entry.path.split("/")[:-1][:2]) for entry in files}
    names = Counter(entry.inode for entry in files)
    return Survey(
        files=len(files),
        size=sum(e.status.st_size for e in files if e.kind == "file"),
        done=len(done),
        need=need,
        folders=tuple(sorted(tops - {""})),
        outside=sum(
            entry.status.st_nlink > names[entry.inode]
            for entry in files
            if entry.kind == "file" and entry.status.st_nlink > 1
        ),
    )


def _allocated(entry: Entry) -> int:
    # Less than its size where there are holes, which stay holes.
    if entry.kind == "link":
        return 0
    return min(entry.status.st_size, entry.status.st_blocks * 512)


def _refuse_written(here: Tree, entries: list[Entry]) -> None:
    writing = written_now(here.root)
    found = [
        f"{here.shown(entry.path)}: {writing[entry.inode]}"
        for entry in entries
        if entry.kind == "file" and entry.inode in writing
    ]
    if found:
        raise UsenetError(
            "storage.move-busy",
            count=len(found),
            path=here.root,
            first=found[0],
            details=tuple(found[:_SHOWN]),
        )


def _compare(here: Tree, there: Tree, entries: list[Entry]) -> set[str]:
    """Return what the target has already.

    Raises:
        UsenetError: "storage.move-conflict", with all that differ.
    """
    done: set[str] = set()
    conflicts: list[str] = []
    covered: list[str] = []
    for entry in entries:
        if any(entry.path.startswith(f"{each}/") for each in covered):
            continue  # a file stands where its folder should
        if there.look(entry.path) is None:
            continue
        if not equal(here, there, entry.path):
            conflicts.append(there.shown(entry.path))
            if entry.kind == "folder":
                covered.append(entry.path)
        elif entry.kind != "folder":
            done.add(entry.path)
    if conflicts:
        raise UsenetError(
            "storage.move-conflict",
            count=len(conflicts),
            path=conflicts[0],
            details=tuple(conflicts[:_SHOWN]),
        )
    return done


def _refuse_full(goal: Path, need: int) -> None:
    (answer,) = probe([Request("statvfs", str(goal), doubtful=True)])
    if answer.state == "silent":
        raise UsenetError("storage.silent", path=goal)
    free = int(answer.data.get("free", 0))
    spare = min(_SPARE, free // 100)
    if need and free < need + spare:
        raise UsenetError(
            "storage.move-room",
            name=goal.name,
            need=_amount(need + spare),
            free=_amount(free),
            path=goal,
        )


def _amount(count: int) -> str:
    return f"{count / 1024**2:.1f} MiB"
