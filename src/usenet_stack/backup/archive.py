"""One backup as one file: a manifest first, then plain tar, compressed."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from usenet_stack.backup import copy_databases
from usenet_stack.backup.selection import Item
from usenet_stack.errors import UsenetError

MANIFEST = "manifest.json"
BLOCK = 1024 * 1024


def stage(items: list[Item], staging: Path) -> dict[str, Path]:
    """Copy every file to where it no longer changes.

    Args:
        staging: an empty private folder.

    Returns: the copies, by name in the archive; a file that vanished
        meanwhile has none.
    Raises:
        UsenetError: backup.database, naming one that could not be copied.
    """
    copies: dict[str, Path] = {}
    pairs: list[tuple[str, str]] = []
    for number, item in enumerate(items):
        copy = staging / str(number)
        if item.kind == "database":
            pairs.append((str(item.path), str(copy)))
        elif not _copied(item.path, copy):
            continue
        copies[item.name] = copy
    _copy_databases(pairs)
    return copies


def _copied(path: Path, copy: Path) -> bool:
    try:
        if path.is_symlink() or not path.is_file():
            return False
        shutil.copyfile(path, copy)
    except FileNotFoundError:
        return False
    return True


def _copy_databases(pairs: list[tuple[str, str]]) -> None:
    done = subprocess.run(
        [sys.executable, "-I", copy_databases.__file__],
        input=json.dumps(pairs),
        capture_output=True,
        text=True,
        check=True,
    )
    for source, why in json.loads(done.stdout).items():
        raise UsenetError("backup.database", path=source, why=f"{why}.")


def write_archive(
    target: Path,
    items: list[Item],
    copies: dict[str, Path],
    about: dict[str, Any],
    progress: Callable[[int], None],
) -> dict[str, Any]:
    """Write an archive (0600) and make it durable; return its manifest.

    Args:
        target: a path that does not exist.
        copies: what to pack in place of a live database, by its name.
        about: what the manifest says besides its list of files.
        progress: called with the number of items that are in.
    """
    kept = [item for item in items if _is_kept(item, copies)]
    files = [_described(item, copies.get(item.name)) for item in kept]
    manifest = {**about, "files": files}
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as tar:
            _add_manifest(tar, manifest)
            for number, item in enumerate(kept):
                _add(tar, item, copies.get(item.name))
                progress(number + 1)
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _is_kept(item: Item, copies: dict[str, Path]) -> bool:
    """Leave out what tar cannot hold and what vanished meanwhile."""
    if item.kind == "skipped" or not os.path.lexists(item.path):
        return False
    folder_or_link = item.path.is_symlink() or item.path.is_dir()
    return folder_or_link or item.name in copies


def _described(item: Item, copy: Path | None) -> dict[str, Any]:
    found: dict[str, Any] = {"name": item.name, "kind": item.kind}
    if copy is not None:
        found["size"] = copy.stat().st_size
        found["sha256"] = _digest(copy)
    return found


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _add_manifest(tar: tarfile.TarFile, manifest: dict[str, Any]) -> None:
    content = json.dumps(manifest, indent=1).encode()
    entry = tarfile.TarInfo(MANIFEST)
    entry.size, entry.mode = len(content), 0o600
    tar.addfile(entry, io.BytesIO(content))


def _add(tar: tarfile.TarFile, item: Item, copy: Path | None) -> None:
    entry = tar.gettarinfo(item.path, item.name)
    if copy is None:
        tar.addfile(entry)
        return
    with copy.open("rb") as file:
        # Two names of one file are two files here: each has its content.
        entry.type, entry.linkname = tarfile.REGTYPE, ""
        entry.size = os.fstat(file.fileno()).st_size
        tar.addfile(entry, file)
