"""What belongs into a backup: the catalogue's rules on real folders."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from usenet_stack.backup.rules import Rules, Type, rules_of
from usenet_stack.errors import UsenetError
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
STACK = "stack"
# Which drives the pool has; in an archive it lies beside stack.toml.
POOL = ".usenet/pool.json"

ItemType = Literal["file", "folder", "link", "special"]


class Choice(NamedTuple):
    """What a backup is asked to hold.

    Args:
        services: only those; none means all that are on.
    """

    type: Type = "config"
    services: tuple[str, ...] = ()


class Item(NamedTuple):
    """One path of a backup.

    Args:
        path: where it is; a linked database's own place.
        name: its name in the archive.
        type: "special": a socket, a pipe or a device, which an archive
            cannot hold.
        service: whose it is, or "stack".
        below: "/config.xml", as the rules see it.
        named: the catalogue calls it a database.
    """

    path: str
    name: str
    type: ItemType
    service: str
    below: str = ""
    named: bool = False


def chosen(stack: Stack, names: Sequence[str]) -> tuple[Service, ...]:
    """Return the services of a backup: all that are on, or those named.

    Raises:
        UsenetError: service.unknown, service.off.
    """
    if not names:
        return stack.services
    wanted = {stack.resolve(name).name for name in names}
    for name in wanted:
        if not stack.config_folder(stack.resolve(name)).is_dir():
            raise UsenetError("service.off", name=name)
    return tuple(s for s in stack.catalog.values() if s.name in wanted)


def switched_off(stack: Stack) -> list[str]:
    """Return the services that are off and have files of their own."""
    on = {service.name for service in stack.services}
    return [
        service.name
        for service in stack.catalog.values()
        if service.name not in on
        and _has_run(stack.config_folder(service), service)
    ]


def select(stack: Stack, choice: Choice) -> Iterator[Item]:
    """Yield what a backup of a stack holds, folders before their content."""
    for name in (*STACK_FILES, POOL):
        # What the stack is made of counts, also where it is a link.
        path = stack.folder / name
        if path.exists():
            own = rules_of("full", Backup())
            top = str(path.resolve())
            yield from _Walk(top, f"{STACK}/{path.name}", STACK, own).items()
    for service in chosen(stack, choice.services):
        folder = stack.config_folder(service).resolve()
        if folder.is_dir():
            rules = rules_of(choice.type, service.backup)
            name = f"config/{service.name}"
            yield from _Walk(str(folder), name, service.name, rules).items()


class _Walk:
    """One folder and what is in it. Applications write meanwhile: what has
    vanished between two looks was not there."""

    def __init__(self, top: str, name: str, service: str, rules: Rules) -> None:
        self.top = top
        self.name = name
        self.service = service
        self.rules = rules
        self.named = {f"/{d.path}" for d in rules.backup.databases}

    def items(self) -> Iterator[Item]:
        """Yield the top and everything below that is not left out."""
        if stat.S_ISDIR(os.lstat(self.top).st_mode):
            yield Item(self.top, self.name, "folder", self.service)
            yield from self._inside(self.top, "")
        else:
            yield Item(self.top, self.name, "file", self.service)

    def _inside(self, folder: str, below: str) -> Iterator[Item]:
        entries = _entries(folder)
        names = {entry.name for entry in entries}
        for entry in entries:
            path = f"{below}/{entry.name}"
            is_folder = entry.is_dir(follow_symlinks=False)
            if not self.rules.takes(path, is_folder):
                continue
            name = self.name + path
            if is_folder:
                yield Item(entry.path, name, "folder", self.service, path)
                yield from self._inside(entry.path, path)
            elif entry.is_symlink():
                yield self._link(entry.path, name, path)
            elif not entry.is_file(follow_symlinks=False):
                yield Item(entry.path, name, "special", self.service, path)
            elif not _is_side_file(entry, names):
                yield self._file(entry.path, name, path)

    def _file(self, path: str, name: str, below: str) -> Item:
        named = below in self.named
        return Item(path, name, "file", self.service, below, named)

    def _link(self, path: str, name: str, below: str) -> Item:
        if below in self.named and Path(path).is_file():
            return self._file(str(Path(path).resolve()), name, below)
        return Item(path, name, "link", self.service, below)


def leads_out(item: Item, top: str) -> bool:
    """Tell whether a link leads to what is not below its service's folder."""
    # Unlike `Path.resolve` it takes links that lead in a circle.
    return not Path(os.path.realpath(item.path)).is_relative_to(top)


def top_of(item: Item) -> str:
    """Return the folder that an item's `below` starts from."""
    return item.path.removesuffix(item.below)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def _is_side_file(entry: os.DirEntry[str], names: set[str]) -> bool:
    if not entry.name.endswith(SIDE_FILES):
        return False
    main = entry.name[: entry.name.rindex("-")]
    return main in names and is_sqlite(
        entry.path.removesuffix(entry.name) + main
    )


def first_bytes(path: str) -> bytes:
    """Return the head of a file; b"" when it is gone."""
    try:
        with open(path, "rb", 0) as file:  # noqa: PTH123 (bytes would do)
            return file.read(20)
    except FileNotFoundError:
        return b""


def is_sqlite(path: str) -> bool:
    """Tell whether a file is a SQLite database, by its magic bytes."""
    return first_bytes(path).startswith(SQLITE_MAGIC)


def is_bolt(head: bytes) -> bool:
    """Tell whether a file that begins so is a BoltDB database."""
    return head[16:20] == BOLT_MAGIC


def named_databases(
    stack: Stack, choice: Choice
) -> Iterator[tuple[Service, Database, Path]]:
    """Yield the databases that the catalogue names, and their places."""
    if choice.type == "minimal":
        return
    for service in chosen(stack, choice.services):
        for database in service.backup.databases:
            path = stack.config_folder(service) / database.path
            yield service, database, path


def missing_databases(
    stack: Stack, choice: Choice
) -> list[tuple[Service, Database]]:
    """Return the databases that the catalogue names and the disk lacks.

    A service that has never written anything lacks nothing; what deploy
    itself puts into its folder does not count.
    """
    return [
        (service, database)
        for service, database, path in named_databases(stack, choice)
        if not _is_there(path, database)
        and _has_run(stack.config_folder(service), service)
    ]


def _is_there(path: Path, database: Database) -> bool:
    if database.journal in ("wal", "rollback"):
        return is_sqlite(str(path))
    return path.is_file()


def _has_run(folder: Path, service: Service) -> bool:
    seeds = {str(folder / seed.path) for seed in service.seeds}
    return any(
        os.path.join(parent, name) not in seeds  # noqa: PTH118
        for parent, _, names in os.walk(folder)
        for name in names
    )
