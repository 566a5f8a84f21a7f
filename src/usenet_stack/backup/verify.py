"""Prove that a backup is whole, from its first byte to its last."""

import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import (
    AbstractContextManager,
    closing,
    contextmanager,
    nullcontext,
    suppress,
)
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack.backup.copy_databases import check
from usenet_stack.backup.naming import ENCRYPTED, old_name
from usenet_stack.backup.note import Note, read_note, write_note
from usenet_stack.backup.passphrase import TYPED
from usenet_stack.backup.reading import Archive, Entry, damaged, open_archive
from usenet_stack.backup.scratch import scratch
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result

MEMORY = "/dev/shm"
IN_MEMORY = 128 * 1024 * 1024
# Databases that are unpacked and not checked yet, no more than so many.
AHEAD = 2


@contextmanager
def readable(path: Path, identity: Path | None = None) -> Iterator[Path]:
    """Hand out a plain archive: the file itself, a decrypted copy of it, or
    what an archive of the old shell tool comes to.

    Raises:
        UsenetError: as `encryption.decrypted` and `legacy.converted`.
    """
    opening: AbstractContextManager[Path] = nullcontext(path)
    if old_name(path.name):
        from usenet_stack.backup.legacy import converted

        opening = converted(path)
    elif path.name.endswith(ENCRYPTED):
        from usenet_stack.backup.encryption import decrypted

        opening = decrypted(path, identity, Path(tempfile.gettempdir()))
    with opening as plain:
        try:
            yield plain
        except UsenetError as error:
            if error.code != "backup.damaged" or plain == path:
                raise
            # The user knows the file, not what stood in for it.
            raise damaged(path, error.why.rstrip(".")) from error


def verify_backup(path: Path, identity: Path | None = None) -> Result:
    """Read a whole backup: its seal, every hash, every database.

    Args:
        identity: a file with age identities or the passphrase, for an
            encrypted one. Without, and where no passphrase was typed, only
            the file is compared with its note.

    Returns: `path`, `files`, `databases` that are right, `opened`: False
        where it stayed encrypted.
    Raises:
        UsenetError: backup.damaged, naming the first thing that is wrong;
            backup.locked-up: encrypted, and neither identity nor note.
    Effects: its note tells when it was verified.
    """
    note = read_note(path)
    data: dict[str, Any] = {"path": str(path), "opened": True}
    encrypted = path.name.endswith(ENCRYPTED)
    if encrypted and note.seal:
        _compare_file(path, note)
    closed = identity is None and not TYPED.get()
    if encrypted and closed and note.manifest:
        counts = note.manifest
        data |= {"files": counts.plain_files, "databases": counts.databases}
        data["opened"] = False
    else:
        with readable(path, identity) as plain:
            data |= _check(plain, "" if encrypted else note.seal)
    _remember(path)
    return Result(data)


def _compare_file(path: Path, note: Note) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise damaged(path, str(problem)) from problem
    if found != note.seal:
        raise damaged(path, "it is not the file that was written")


def _check(path: Path, sealed: str) -> dict[str, int]:
    files = databases = 0
    with (
        scratch() as folder,
        scratch(_memory()) as quick,
        ThreadPoolExecutor(1) as threads,
        open_archive(path) as archive,
    ):
        if sealed not in ("", archive.seal_hex):
            raise ValueError("it is not the one that its note describes")
        checks: list[Future[None]] = []
        for entry in archive.members():
            files += entry.record.kind != "folder"
            if entry.record.kind == "database":
                databases += 1
                if len(checks) >= AHEAD:
                    checks[-AHEAD].result()
                small = entry.record.size <= IN_MEMORY
                copy = Path(quick if small else folder, str(databases))
                _unpack(entry, copy)
                name = entry.record.name
                checks.append(threads.submit(_check_database, copy, name))
        for done in checks:
            done.result()
        _agree(archive, databases)
    return {"files": files, "databases": databases}


def _memory() -> str | None:
    """Return where files never go to a disk, which may be slow and busy."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return None
    free = found.f_bavail * found.f_frsize
    usable = free > 4 * IN_MEMORY and os.access(MEMORY, os.W_OK)
    return MEMORY if usable else None


def _agree(archive: Archive, databases: int) -> None:
    if databases != archive.manifest.databases:
        raise ValueError("its manifest counts other databases than it lists")


def _unpack(entry: Entry, copy: Path) -> None:
    with copy.open("xb") as file:
        for piece in entry.content.pieces():
            file.write(piece)


def _check_database(copy: Path, name: str) -> None:
    with closing(sqlite3.connect(copy)) as database:
        try:
            check(database)
        except sqlite3.Error as problem:
            raise ValueError(f"the database {name}: {problem}") from problem
    copy.unlink()


def _remember(path: Path) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    note = read_note(path)  # it may have been pinned meanwhile
    if note.manifest is not None:
        with suppress(OSError):  # a read-only disk
            write_note(path, msgspec.structs.replace(note, verified=now))


def verify_backups(
    paths: Iterable[Path], identity: Path | None = None
) -> Result:
    """Check several backups; one that is damaged does not stop it.

    Returns: `backups[]` with `path`, `ok`, `files`, `databases`, `opened`;
        an error for each that is damaged (exit 3 if others are whole).
    """
    result = Result({"backups": []})
    for path in paths:
        row: dict[str, Any] = {"path": str(path), "ok": True}
        try:
            row |= verify_backup(path, identity).data
        except UsenetError as error:
            row |= {"ok": False, "files": 0, "databases": 0, "opened": False}
            result.errors.append(error)
        result.data["backups"].append(row)
    rows = result.data["backups"]
    result.partial = 0 < len(result.errors) < len(rows)
    return result
