"""One backup as one file: a manifest first, then plain tar, compressed."""

import gzip
import hashlib
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from usenet_stack.backup.staging import Staged

MANIFEST = "manifest.json"
BLOCK = 1024 * 1024


def write_archive(
    staging: Path,
    staged: list[Staged],
    about: dict[str, Any],
    progress: Callable[[int], None],
) -> Path:
    """Write an archive (0600), make it durable, and return where it is.

    Args:
        staging: holds the copies; the archive comes to lie there.
        about: what the manifest says besides its list of files.
        progress: called with the number of items that are in.
    """
    manifest = _write_manifest(staging, staged, about)
    target = staging / "archive"
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with (
            # No name and no time in its head: they would say nothing.
            gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w") as tar,
        ):
            _add(tar, tarfile.TarInfo(MANIFEST), manifest)
            for number, one in enumerate(staged, 1):
                copy = staging / one.copy if one.copy else None
                _add(tar, one.entry, copy)
                progress(number)
        file.flush()
        os.fsync(file.fileno())
    return target


def _write_manifest(
    staging: Path, staged: list[Staged], about: dict[str, Any]
) -> Path:
    # One file a line, never the whole list: there may be very many.
    path = staging / MANIFEST
    with path.open("w", encoding="ascii") as file:
        file.write(f'{json.dumps(about)[:-1]}, "files": [\n')
        for number, one in enumerate(staged):
            file.write(",\n" if number else "")
            file.write(json.dumps(_described(staging, one)))
        file.write("\n]}\n")
    return path


def _described(staging: Path, one: Staged) -> dict[str, Any]:
    found: dict[str, Any] = {"name": one.entry.name, "kind": one.kind}
    if one.copy:
        copy = staging / one.copy
        found["size"] = copy.stat().st_size
        found["sha256"] = digest_of(copy)
        found["steady"] = one.steady
    return found


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file that nobody writes to, as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _add(
    tar: tarfile.TarFile, entry: tarfile.TarInfo, copy: Path | None
) -> None:
    if copy is None:
        tar.addfile(entry)
    else:
        with copy.open("rb") as file:
            entry.size = os.fstat(file.fileno()).st_size
            tar.addfile(entry, file)
    tar.getmembers().clear()  # it would remember each of them
