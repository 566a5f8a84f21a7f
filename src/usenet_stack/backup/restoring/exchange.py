"""Swap two folders, in one move where the file system can.

How far a swap got is told by the folders alone: whoever finds it half done,
after a crash or in the middle of an undo, calls `settle` again.
"""

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from usenet_stack.transaction.durable import sync_folder, write_durably

RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
FUSE = 0x65735546
MARK = ".usenet-restore"
AT_FDCWD = -100
# mergerfs and file systems of old kernels say one of these.
UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


class Pair(NamedTuple):
    """Two places of which one is in use.

    Args:
        live: where a service looks.
        spare: beside it, on the same file system.
    """

    live: Path
    spare: Path

    @property
    def aside(self) -> Path:
        """Where a folder waits between two renames."""
        return self.spare.with_name(f"{self.spare.name}.aside")


def mark(folder: Path, id: str) -> None:
    """Make a new folder known by `identity` where inodes do not last."""
    if _is_fuse(folder):
        write_durably(folder / MARK, id.encode(), 0o600)


def identity(path: Path) -> str:
    """Return what tells a folder from others; "": there is none.

    It is the inode. File systems in user space (mergerfs) make inode numbers
    up, from the path or with each mount: there it is what `mark` wrote.
    """
    try:
        number = path.lstat().st_ino
    except FileNotFoundError:
        return ""
    if not _is_fuse(path):
        return str(number)
    try:
        return (path / MARK).read_text()
    except FileNotFoundError:
        return "not marked"


def _is_fuse(path: Path) -> bool:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    found = ctypes.create_string_buffer(256)  # a struct statfs, and more
    if libc.statfs(os.fsencode(path), found) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(path))
    return ctypes.c_long.from_buffer(found).value == FUSE


def settle(pair: Pair, wanted: str, other: str) -> None:
    """Have one folder live and the other one spare, from wherever they are.

    Args:
        wanted: identity of what is to be live; "": nothing is.
        other: identity of what is to be spare; "": there is no other.

    Raises:
        OSError: it stands still half way; call it again.
    Effects: two folders swap names; `make_durable` makes that last.
    """
    if other and identity(pair.live) == other:
        _make_way(pair, wanted)
    if wanted and not identity(pair.live):
        source = pair.spare if identity(pair.spare) == wanted else pair.aside
        _move(source, pair.live)
    if other and identity(pair.aside) == other:
        _move(pair.aside, pair.spare)
    if identity(pair.live) != wanted:
        raise FileExistsError(
            errno.EEXIST, "it is another folder than before", str(pair.live)
        )


def _make_way(pair: Pair, wanted: str) -> None:
    """Take what is live away; where both are in place, put the other in."""
    if not identity(pair.spare):
        _move(pair.live, pair.spare)
    elif identity(pair.spare) == wanted:
        try:
            _rename(pair.spare, pair.live, RENAME_EXCHANGE)
        except OSError as problem:
            if problem.errno not in UNSUPPORTED:
                raise
            _move(pair.live, pair.aside)


def _move(source: Path, target: Path) -> None:
    try:
        _rename(source, target, RENAME_NOREPLACE)
    except OSError as problem:
        if problem.errno not in UNSUPPORTED:
            raise
        if identity(target):
            raise FileExistsError(
                errno.EEXIST, os.strerror(errno.EEXIST), str(target)
            ) from problem
        source.rename(target)
    # The next one must not become durable before this one.
    sync_folder(target.parent)


def _rename(source: Path, target: Path, flags: int) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.renameat2(
        *(AT_FDCWD, os.fsencode(source)),
        *(AT_FDCWD, os.fsencode(target), flags),
    )
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(target))


def make_durable(pairs: Iterable[Pair]) -> None:
    """Have swaps outlast a power cut."""
    for folder in {pair.live.parent for pair in pairs}:
        sync_folder(folder)
