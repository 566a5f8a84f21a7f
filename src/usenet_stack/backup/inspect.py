"""Look into one backup, and prove that it is whole."""

import gzip
import hashlib
import json
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from usenet_stack.backup.archive import BLOCK, MANIFEST, digest_of
from usenet_stack.backup.note import read_note
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result

LARGEST_MANIFEST = 256 * 1024 * 1024
UNREADABLE = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError)


def show_backup(path: Path) -> Result:
    """Return the manifest of a backup.

    Raises:
        UsenetError: backup.damaged.
    """
    try:
        with gzip.open(path) as content, _stream(content) as tar:
            manifest = _manifest(tar)
    except UNREADABLE as problem:
        raise _damaged(path, str(problem)) from problem
    return Result({"path": str(path), **manifest})


def verify_backup(path: Path) -> Result:
    """Read a whole backup: every hash, every database.

    Returns: the number of files and databases that are right.
    Raises:
        UsenetError: backup.damaged, naming the first thing that is wrong.
    """
    try:
        _check_file(path)
        with gzip.open(path) as content, _stream(content) as tar:
            wanted = {f["name"]: f for f in _manifest(tar)["files"]}
            databases = 0
            for entry, copy in _members(tar):
                described = wanted.pop(entry.name)
                _check_content(path, entry.name, copy, described)
                if copy is not None and described["kind"] == "database":
                    _check_database(path, entry.name, copy)
                    databases += 1
            # Behind the last member stands gzip's own sum of it all.
            while content.read(BLOCK):
                pass
    except UNREADABLE as problem:
        raise _damaged(path, str(problem)) from problem
    except KeyError as problem:
        raise _damaged(path, f"{problem} is not in the manifest") from problem
    if wanted:
        raise _damaged(path, f"{next(iter(wanted))} is missing")
    found = show_backup(path)
    files = len(found.data["files"])
    return Result({"path": str(path), "files": files, "databases": databases})


def _check_file(path: Path) -> None:
    # Some bits mean nothing to gzip (the time in its head, how a run of
    # equal bytes is told): only the sum over the file itself covers them.
    written = read_note(path).get("sha256")
    if written is not None and digest_of(path) != written:
        raise ValueError("it is not the file that was written")


def _stream(content: gzip.GzipFile) -> tarfile.TarFile:
    return tarfile.open(fileobj=content, mode="r|")


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    entry = tar.next()
    if entry is None or entry.name != MANIFEST or entry.size > LARGEST_MANIFEST:
        raise ValueError("it does not begin with a manifest")
    content = tar.extractfile(entry)
    assert content is not None
    found: dict[str, Any] = json.loads(content.read())
    return found


def _members(
    tar: tarfile.TarFile,
) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Yield every entry with its content, on disk, at its beginning."""
    while (entry := tar.next()) is not None:
        content = tar.extractfile(entry) if entry.isreg() else None
        if content is None:
            yield entry, None
            continue
        with tempfile.NamedTemporaryFile() as copy:
            while block := content.read(BLOCK):
                copy.write(block)
            copy.flush()
            copy.seek(0)
            yield entry, copy


def _check_content(
    path: Path, name: str, content: IO[bytes] | None, wanted: dict[str, Any]
) -> None:
    found = None
    if content is not None:
        digest = hashlib.sha256()
        while block := content.read(BLOCK):
            digest.update(block)
        found = digest.hexdigest()
    if wanted.get("sha256") != found:
        raise _damaged(path, f"{name} is not what was packed")


def _check_database(path: Path, name: str, content: IO[bytes]) -> None:
    with closing(sqlite3.connect(content.name)) as database:
        try:
            row = database.execute("PRAGMA integrity_check").fetchone()
        except sqlite3.Error as problem:
            row = (str(problem),)
    if row[0] != "ok":
        raise _damaged(path, f"the database {name}: {row[0]}")


def _damaged(path: Path, why: str) -> UsenetError:
    return UsenetError("backup.damaged", path=path, why=f"{why}.")
