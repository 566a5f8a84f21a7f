"""Writing that survives a power cut: temp file, fsync, rename, fsync."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make renames and new names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(folder: Path) -> None:
    """Make a folder and the rest of its file system durable, in one call."""
    import ctypes

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(folder))
    finally:
        os.close(descriptor)


def write_durably(
    path: Path,
    content: bytes,
    mode: int = 0o644,
    owner: tuple[int, int] | None = None,
) -> None:
    """Replace `path` by `content`, all or nothing, also across a crash.

    Args:
        path: the file; its folder exists. A symbolic link is replaced, not
            followed: a folder's owner must not aim root's writes elsewhere.
        content: the whole new content.
        mode: permission bits, set before the content is written.
        owner: (uid, gid), or None to leave it to the system.

    Raises:
        OSError: nothing changed; no temporary file is left.
    """
    with replacing(path) as temporary:
        descriptor = _create_locked(temporary)
        try:
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            _write_all(descriptor, content)
            os.fsync(descriptor)
            temporary.replace(path)
        finally:
            os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Hand out a temporary name beside `path`, to be renamed to it.

    Effects: removes what crashed writers of `path` left; leaves no
        temporary file; makes the rename durable.
    """
    temporary = _temporary(path)
    try:
        remove_leftovers(path)
        yield temporary
    except OSError as problem:
        problem.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _create_locked(temporary: Path) -> int:
    # The lock keeps it from `remove_leftovers` of other processes; one that
    # was quicker than the lock may have removed it.
    while True:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = os.open(temporary, flags, 0o600)
        with suppress(OSError):  # not every file system has flock
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if temporary.exists():
            return descriptor
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files of writers of `path` that were killed.

    A living writer holds a lock on its file; those are left alone.
    """
    example = _temporary(path).name
    start = f".{path.name}."
    with suppress(FileNotFoundError):
        for found in list(path.parent.iterdir()):
            name = found.name
            ours = name.startswith(start) and name.endswith(".tmp")
            if ours and len(name) == len(example):
                _remove_if_abandoned(found)


def _remove_if_abandoned(temporary: Path) -> None:
    if temporary.is_symlink():
        temporary.unlink(missing_ok=True)
        return
    with suppress(OSError):
        descriptor = os.open(temporary, os.O_RDONLY | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.unlink()
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
