"""How much a backup would hold, and of what: preview and size guard."""

import os
from collections import Counter
from typing import Any, NamedTuple

from usenet_stack.backup.rules import Type, rules_of
from usenet_stack.backup.selection import (
    STACK,
    Choice,
    Item,
    chosen,
    is_sqlite,
    select,
)
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Backup

MIB = 1024 * 1024
CULPRITS = 5
# Of a larger selection nothing is kept: some ten megabytes of memory.
MOST_KEPT = 30_000
LARGEST = 10
# What a file's line takes of the compressed manifest: half of it is a hash.
LINE = 64
SPARE = 4096
DUMPED = "PostgreSQL, by pg_dump; its size shows then"


class Sizes(NamedTuple):
    """What a selection adds up to, before compression.

    Args:
        files, size: how many, and the bytes in them.
        folders: bytes by service and the topmost folder in it.
        items: the selection itself, where it is not too large to keep.
    """

    files: int
    size: int
    folders: Counter[str]
    items: list[Item]

    @property
    def room(self) -> int:
        """Bytes that the manifest of it may take."""
        return self.files * LINE + SPARE


def measure(stack: Stack, choice: Choice) -> Sizes:
    """Add up what a backup would hold."""
    folders: Counter[str] = Counter()
    files = 0
    items: list[Item] = []
    for item in select(stack, choice):
        if len(items) <= MOST_KEPT:
            items.append(item)
        if item.type != "file":
            continue
        files += 1
        top = _top(item)
        # A Counter's own look-up of what is not there costs a call.
        folders[top] = folders.get(top, 0) + _size(item.path)
    if len(items) > MOST_KEPT:
        items = []
    return Sizes(files, sum(folders.values()), folders, items)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return 0


def _top(item: Item) -> str:
    first, inner, _ = item.below[1:].partition("/")
    return f"{item.service}/{first}" if inner else item.service


def guard(stack: Stack, type: Type, sizes: Sizes) -> None:
    """Refuse what is larger than stack.toml allows.

    Raises:
        UsenetError: backup.too-large, naming what makes it so.
    """
    limit = getattr(stack.settings.backup.limit, type)
    if sizes.size <= limit * MIB:
        return
    details = tuple(
        f"{name}: {_mebibytes(size)}"
        for name, size in sizes.folders.most_common(CULPRITS)
    )
    raise UsenetError(
        "backup.too-large",
        type=type,
        size=_mebibytes(sizes.size),
        limit=f"{limit} MiB",
        wanted=-(-sizes.size // MIB) * 2,
        details=details,
    )


def _mebibytes(size: int) -> str:
    return f"{size / MIB:.0f} MiB" if size >= MIB else f"{size} bytes"


def preview_backup(
    stack: Stack, type: Type = "config", services: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return what a backup would hold and why, the largest first.

    Returns: `files`, `databases`, `size`; `parts[]` with `service`, `why`,
        `files`, `size`; `largest[]` with `name`, `size`; `skipped[]`.
    """
    parts: dict[tuple[str, str], list[int]] = {}
    largest: list[tuple[int, str]] = []
    skipped: list[str] = []
    databases = 0
    for item in select(stack, Choice(type, services)):
        if item.type == "special":
            skipped.append(item.name)
        if item.type not in ("file", "link"):
            continue
        size, why = _size(item.path), _why(stack, item, type)
        databases += item.type == "file" and is_sqlite(item.path)
        part = parts.setdefault((item.service, why), [0, 0])
        part[0] += 1
        part[1] += size
        largest = sorted([*largest, (size, item.name)], reverse=True)[:LARGEST]
    rows: list[dict[str, Any]] = [
        {"service": service, "why": why, "files": files, "size": size}
        for (service, why), (files, size) in parts.items()
    ]
    if type != "minimal":
        rows += [
            {"service": s.name, "why": DUMPED, "files": 1, "size": 0}
            for s in chosen(stack, services)
            if s.backup.postgres is not None
        ]
    rows.sort(key=lambda row: -row["size"])
    return {
        "files": sum(row["files"] for row in rows),
        "databases": databases,
        "size": sum(row["size"] for row in rows),
        "parts": rows,
        "largest": [{"name": name, "size": size} for size, name in largest],
        "skipped": skipped,
    }


def _why(stack: Stack, item: Item, type: Type) -> str:
    if item.service == STACK:
        return "the stack itself"
    if item.type == "file" and is_sqlite(item.path):
        return "database"
    backup = stack.catalog[item.service].backup if item.service else Backup()
    return rules_of(type, backup).why(item.below)
