"""What a drill unpacks, and its databases before and after."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from usenet_stack.backup.copy_databases import check, count_rows
from usenet_stack.backup.drill_report import Tried
from usenet_stack.backup.manifest import FileRecord
from usenet_stack.backup.members import Member
from usenet_stack.backup.placing import Placer
from usenet_stack.backup.proving import prove_database
from usenet_stack.backup.reading import Entry

WAS = "stack.toml.was"


def unpack(members: Iterator[Entry], folder: Path) -> list[FileRecord]:
    """Put settings, databases and keys where a stack has them.

    Returns: the databases, after each was compared with the manifest.
    """
    folder.mkdir(mode=0o700)
    (folder / "config").mkdir()
    placer = Placer(folder)
    databases = []
    for member, record, content in members:
        below = _place_of(member.name)
        if below is None or _leads_out(member):
            continue
        if member.type == "hardlink":
            target = _place_of(member.target)
            if target is not None:
                placer.link(below, target)
            continue
        placer.place(below, member, content)
        if record.kind == "database" and below.startswith(b"config/"):
            prove_database(folder / os.fsdecode(below), record)
            databases.append(record)
    placer.finish()
    return databases


def _place_of(name: bytes) -> bytes | None:
    """Return where a member goes in the sandbox; None: nowhere."""
    if name.startswith(b"config/"):
        return name
    if name == b"stack/.env" or name.startswith(b"stack/services.d"):
        return name.removeprefix(b"stack/")
    if name == b"stack/stack.toml":
        return WAS.encode()
    return None


def _leads_out(member: Member) -> bool:
    """Tell whether a link could lead a deploy out of its service's folder."""
    if member.type != "link":
        return False
    if member.target.startswith(b"/"):
        return True
    # Behind a name ".." could go up from wherever that name leads.
    steps = [
        part for part in member.target.split(b"/") if part not in (b"", b".")
    ]
    up = steps.count(b"..")
    if b".." in steps[up:]:
        return True
    return up > member.name.count(b"/") - 2


def open_again(folder: Path, record: FileRecord) -> Tried:
    """Tell how a database is after its service ran on it."""
    path = folder / os.fsdecode(record.path)
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as base:
            check(base)
            found = count_rows(base)
    except sqlite3.Error as problem:
        return Tried(record.name, False, f"{problem}.")
    for table, rows in (record.rows or {}).items():
        # Services tidy up; one that begins anew has lost what it had.
        if table not in found or (rows and not found[table]):
            why = f"Its service left nothing of the {rows} rows of {table}."
            return Tried(record.name, False, why)
    return Tried(record.name, True)
