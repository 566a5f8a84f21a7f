"""What belongs into a backup: the catalogue's rules on real folders."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from usenet_stack.backup.rules import is_dropped
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Backup, Database, Service

SQLITE_MAGIC = b"SQLite format 3\0"
# The first meta page of a BoltDB file, little-endian, behind its page head.
BOLT_MAGIC = 0xED0CDAED.to_bytes(4, "little")
STACK_FILES = (
    "stack.toml",
    ".env",
    "compose.yaml",
    "compose.override.yaml",
    "services.d",
)
# They belong to a database and are stale once it is copied.
SIDE_FILES = ("-wal", "-shm", "-journal")

Kind = Literal["file", "database", "live", "link-out", "skipped"]


class Item(NamedTuple):
    """One file, folder or link of a backup.

    Args:
        path: where it is.
        name: its name in the archive.
        kind: "database": SQLite, copied by SQLite itself; "live": a
            database that only its application can copy, taken as a file
            while it is open; "link-out": a link to what is not in the
            backup; "skipped": a socket, a pipe or a device, which an
            archive cannot hold.
    """

    path: Path
    name: str
    kind: Kind


def select(stack: Stack) -> Iterator[Item]:
    """Yield what a backup of a stack holds, in the archive's order."""
    for name in STACK_FILES:
        # What the stack is made of counts, also where it is a link.
        path = stack.folder / name
        if path.exists():
            yield from _Walk(path.resolve(), f"stack/{name}", Backup()).items()
    for service in stack.services:
        folder = stack.config_folder(service).resolve()
        if folder.is_dir():
            walk = _Walk(folder, f"config/{service.name}", service.backup)
            yield from walk.items()


def missing_databases(stack: Stack) -> list[tuple[Service, Database]]:
    """Return the databases that the catalogue names and the disk lacks.

    A service that has never written anything lacks nothing; what deploy
    itself puts into its folder does not count.
    """
    return [
        (service, database)
        for service in stack.services
        for database in service.backup.databases
        if not _is_there(stack.config_folder(service) / database.path, database)
        and _has_run(stack.config_folder(service), service)
    ]


def _is_there(path: Path, database: Database) -> bool:
    if database.journal in ("wal", "rollback"):
        return kind_of(path) == "database"
    return path.is_file()


def _has_run(folder: Path, service: Service) -> bool:
    seeds = {folder / seed.path for seed in service.seeds}
    return any(
        Path(parent, name) not in seeds
        for parent, _, names in os.walk(folder)
        for name in names
    )


def kind_of(path: Path) -> Kind:
    """Return what a file is by its first bytes; "file" when it is gone."""
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except FileNotFoundError:
        return "file"
    if head.startswith(SQLITE_MAGIC):
        return "database"
    return "live" if head[16:20] == BOLT_MAGIC else "file"


class _Walk:
    """One folder and what is in it. Applications write meanwhile: what has
    vanished between two looks was not there."""

    def __init__(self, top: Path, name: str, rules: Backup) -> None:
        self.top = top
        self.name = name
        self.rules = rules
        self.named = {d.path: d for d in rules.databases}

    def items(self) -> Iterator[Item]:
        """Yield the top and everything below that is not left out."""
        return self._walk(self.top, "")

    def _walk(self, path: Path, below: str) -> Iterator[Item]:
        if below and is_dropped(below, self.rules):
            return
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return
        name = self.name + below
        if stat.S_ISDIR(mode):
            yield Item(path, name, "file")
            for child in _children(path):
                yield from self._walk(child, f"{below}/{child.name}")
        elif stat.S_ISLNK(mode):
            yield self._link(path, name, below)
        elif not stat.S_ISREG(mode):
            yield Item(path, name, "skipped")
        elif not _is_side_file(path):
            yield Item(path, name, self._kind(path, below))

    def _kind(self, path: Path, below: str) -> Kind:
        kind = kind_of(path)
        named = below[1:] in self.named
        return "live" if named and kind == "file" else kind

    def _link(self, path: Path, name: str, below: str) -> Item:
        target = path.resolve()
        if below[1:] in self.named and target.is_file():
            return Item(target, name, self._kind(target, below))
        inside = target.is_relative_to(self.top)
        return Item(path, name, "file" if inside else "link-out")


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _is_side_file(path: Path) -> bool:
    for ending in SIDE_FILES:
        if path.name.endswith(ending):
            main = path.with_name(path.name.removesuffix(ending))
            return kind_of(main) == "database"
    return False
