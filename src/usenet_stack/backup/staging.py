"""Copies of everything that applications may be writing meanwhile."""

import errno
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from usenet_stack.backup import copy_databases
from usenet_stack.backup.selection import Item, Kind
from usenet_stack.errors import UsenetError

TRIES = 5
PAUSE_S = 0.1


class Staged(NamedTuple):
    """An item as it was at one moment. There are many: it is kept small.

    Args:
        kind: as of `Item`.
        entry: its name, owner, mode, times and, of a link, where it leads.
        copy: the name of its content in the staging folder, where nobody
            writes to it; "" of what has none.
        steady: it did not change while it was read.
    """

    kind: Kind
    entry: tarfile.TarInfo
    copy: str = ""
    steady: bool = True


def stage(
    items: Iterable[Item], staging: Path
) -> tuple[list[Staged], list[str]]:
    """Take hold of every item, so that packing looks at nothing live.

    Args:
        staging: an empty private folder, for the copies.

    Returns: what was taken, in the same order, without what has vanished
        meanwhile; and the names of what an archive cannot hold.
    Raises:
        UsenetError: backup.database, naming one that could not be copied.
        OSError: no space is left, or a file may not be read.
    """
    found: list[Staged] = []
    skipped: list[str] = []
    pairs: list[tuple[str, str]] = []
    with tarfile.open(fileobj=io.BytesIO(), mode="w") as tar:
        for number, item in enumerate(items):
            copy = staging / str(number)
            if item.kind == "skipped":
                skipped.append(item.name)
                continue
            try:
                staged = _take(tar, item, copy)
            except FileNotFoundError:
                copy.unlink(missing_ok=True)
                continue
            if item.kind == "database":
                pairs.append((str(item.path), str(copy)))
            found.append(staged)
    _copy_databases(pairs, staging)
    return found, skipped


def _take(tar: tarfile.TarFile, item: Item, copy: Path) -> Staged:
    entry = tar.gettarinfo(item.path, item.name)
    if not (entry.isreg() or entry.islnk()):
        return Staged(item.kind, entry)
    # Two names of one file are two files here: each has its content.
    entry.type, entry.linkname = tarfile.REGTYPE, ""
    if item.kind == "database":
        return Staged(item.kind, entry, copy.name)
    return Staged(item.kind, entry, copy.name, _copied(item.path, copy))


def _copied(path: Path, copy: Path) -> bool:
    """Copy a file, again while it changes; tell whether it was steady."""
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE_S)  # nothing tells when a writer is done
        before = path.lstat()
        shutil.copyfile(path, copy)
        if _state(before) == _state(path.lstat()):
            return True
    return False


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _copy_databases(pairs: list[tuple[str, str]], staging: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", copy_databases.__file__],
        input=json.dumps(pairs),
        capture_output=True,
        text=True,
        check=True,
    )
    for source, (name, why) in json.loads(done.stdout).items():
        if name == "SQLITE_FULL":
            raise OSError(errno.ENOSPC, "No space left on device", str(staging))
        raise UsenetError("backup.database", path=source, why=f"{why}.")
