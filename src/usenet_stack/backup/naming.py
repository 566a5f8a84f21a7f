"""What backups are called, and where those of a stack lie."""

import os
import re
import time
from pathlib import Path
from typing import NamedTuple

from usenet_stack.backup.container import SUFFIX, Compression
from usenet_stack.backup.rules import Type
from usenet_stack.stack.model import Stack

ENCRYPTED = ".age"
_NAME = re.compile(
    r"usenet-(?P<type>[a-z-]+)-(?P<stamp>\d{8}T\d{6}Z)-(?P<id>[0-9a-f]{4,})"
    r"\.tar\.(?P<compression>zst|gz)(?P<encrypted>\.age)?"
)

# What the shell tool before this program wrote.
_OLD = re.compile(r"usenet-stack-backup-(?P<name>.+)\.tar(\.gz)?")


class BackupName(NamedTuple):
    """A backup's file name, taken apart.

    Args:
        stamp: UTC, as in 20261122T235959Z; names sort by it.
    """

    type: str
    stamp: str
    id: str
    compression: Compression
    encrypted: bool


def new_name(
    type: Type, compression: Compression, *, encrypted: bool = False
) -> str:
    """Return the name of a backup that is made now."""
    now = time.time()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    # Of two that are made in one second the later one is the newer one.
    id = f"{int(now % 1 * 256):02x}{os.urandom(2).hex()}"
    ending = SUFFIX[compression] + (ENCRYPTED if encrypted else "")
    return f"usenet-{type}-{stamp}-{id}{ending}"


def parse_name(name: str) -> BackupName | None:
    """Return what a file name says, or None: it is no backup's."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return BackupName(
        found["type"],
        found["stamp"],
        found["id"],
        "zstd" if found["compression"] == "zst" else "gzip",
        found["encrypted"] is not None,
    )


def old_name(name: str) -> str:
    """Return what an archive of the old shell tool is called; "" if it is
    none."""
    found = _OLD.fullmatch(name)
    return found["name"] if found else ""


def old_backups_in(folder: Path) -> list[Path]:
    """Return the archives of the old shell tool, in the order of names."""
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in sorted(names) if old_name(name)]


def staging_of(path: Path) -> Path:
    """Return where the copies and the unfinished archive of a backup lie."""
    return path.with_name(f".{path.name}.staging")


def backup_folder(stack: Stack) -> Path:
    """Return where the backups of a stack lie, unless told elsewhere."""
    return stack.folder / stack.settings.backup.folder


def backups_in(folder: Path) -> list[Path]:
    """Return the archives in a folder, the newest first."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 (a str, for speed)
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [(parsed, n) for n in names if (parsed := parse_name(n))]
    found.sort(key=lambda pair: (pair[0].stamp, pair[0].id), reverse=True)
    return [folder / name for _, name in found]
