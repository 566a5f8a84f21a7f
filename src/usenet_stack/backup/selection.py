"""What belongs into a backup: the catalogue's rules on real folders."""

import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, NamedTuple

from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service

MAGIC = b"SQLite format 3\0"
STACK_FILES = (
    "stack.toml",
    ".env",
    "compose.yaml",
    "compose.override.yaml",
    "services.d",
)
# They belong to a database and are stale once it is copied.
SIDE_FILES = ("-wal", "-shm", "-journal")

Kind = Literal["file", "database", "skipped"]


class Item(NamedTuple):
    """One file or folder of a backup.

    Args:
        path: where it is.
        name: its name in the archive.
        kind: "database" is copied by SQLite itself; "skipped" is a socket,
            a pipe or a device, which an archive cannot hold.
    """

    path: Path
    name: str
    kind: Kind


def select(stack: Stack) -> list[Item]:
    """Return what a backup of a stack holds, in the archive's order."""
    items: list[Item] = []
    for name in STACK_FILES:
        path = stack.folder / name
        if path.exists():
            items += _walk(path, f"stack/{name}", ())
    for service in stack.services:
        folder = stack.config_folder(service)
        if folder.is_dir():
            patterns = service.backup.regenerable
            items += _walk(folder, f"config/{service.name}", patterns)
    return items


def missing_databases(stack: Stack) -> list[tuple[Service, str]]:
    """Return the databases that the catalogue names and the disk lacks.

    A service that has never written anything lacks nothing.
    """
    return [
        (service, database.path)
        for service in stack.services
        for database in service.backup.databases
        if (folder := stack.config_folder(service)).is_dir()
        and any((folder / keep).exists() for keep in service.backup.keep)
        and not (folder / database.path).exists()
    ]


def _walk(
    path: Path, name: str, patterns: tuple[str, ...], below: str = ""
) -> Iterator[Item]:
    if below and _is_dropped(below, patterns):
        return
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        yield Item(path, name, "file")
        for child in sorted(path.iterdir()):
            inner, full = f"{below}/{child.name}", f"{name}/{child.name}"
            yield from _walk(child, full, patterns, inner)
    elif stat.S_ISLNK(mode):
        yield Item(path, name, "file")
    elif not stat.S_ISREG(mode):
        yield Item(path, name, "skipped")
    elif not _is_side_file(path):
        kind: Kind = "database" if _is_database(path) else "file"
        yield Item(path, name, kind)


def _is_dropped(below: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether an anchored pattern names this path or one above it."""
    return any(
        fnmatchcase(below, pattern.removesuffix("/**")) for pattern in patterns
    )


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _is_side_file(path: Path) -> bool:
    for ending in SIDE_FILES:
        if path.name.endswith(ending):
            main = path.with_name(path.name.removesuffix(ending))
            return main.is_file() and _is_database(main)
    return False
