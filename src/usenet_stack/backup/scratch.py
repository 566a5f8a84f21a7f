"""Folders for a moment, which hold databases and keys of services.

Whoever uses one holds its lock. One whose lock is free was left by a process
that was killed: the next who wants one removes it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".usenet-scratch-"
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def scratch(folder: Path | str | None = None) -> Iterator[Path]:
    """Hand out a private folder that is gone afterwards, also after a kill.

    Args:
        folder: where it is made; else where temporary files go.

    Effects: removes what killed processes of this user left there.
    """
    place = Path(folder or tempfile.gettempdir())
    for left in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            _remove_left(left)
    made, lock = _make(place)
    try:
        yield made
    finally:
        shutil.rmtree(made)
        os.close(lock)


def _remove_left(path: Path) -> None:
    """Remove a folder that nobody uses.

    Raises:
        OSError: somebody does, or it is not ours.
    """
    lock = os.open(path, FOLDER)
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path)
    finally:
        os.close(lock)


def _make(place: Path) -> tuple[Path, int]:
    while True:
        made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        # Another one may take it for left before it is locked.
        with suppress(FileNotFoundError):
            lock = os.open(made, FOLDER)
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if made.exists():
                    return made, lock
            os.close(lock)
