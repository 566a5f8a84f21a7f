"""Copy a folder of files that nobody writes to, with all that they carry."""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

Dropped = Callable[[str], bool]

# linux/fs.h: share the blocks of another file until one of them changes.
FICLONE = 0x40049409
CHUNK = 1 << 30
NOT_HERE = (
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.ENOTTY,
    errno.EPERM,
    errno.EBADF,
)


class Size(NamedTuple):
    """What a copy takes.

    Args:
        bytes: on the disk.
        foreign: a path that belongs to somebody else than who asks, ""
            when there is none.
    """

    bytes: int
    foreign: str


def nothing(_below: str) -> bool:
    """Leave nothing out."""
    return False


def measure(folder: Path, dropped: Dropped = nothing) -> Size:
    """Return what a copy of a folder would take.

    Raises:
        OSError: something in it cannot be read.
    """
    size = 0
    foreign = "" if folder.stat().st_uid == os.geteuid() else str(folder)
    for path, _, status in _walk(folder, "", dropped):
        size += status.st_blocks * 512
        if status.st_uid != os.geteuid():
            foreign = foreign or path
    return Size(size, foreign)


def copy_tree(source: Path, target: Path, dropped: Dropped = nothing) -> None:
    """Copy a folder with owners, modes, times, attributes and hard links.

    Blocks are shared where the file system can. Folders that are left out
    are made empty: a container may be bound to one.

    Args:
        target: is created, or is a folder whose content may be replaced.
        dropped: is told "/logs/a.txt", as seen from `source`.

    Raises:
        OSError: something cannot be read, or there is no room.
    """
    target.mkdir(mode=0o700, exist_ok=True)
    links: dict[tuple[int, int], Path] = {}
    folders = [(source, target)]
    for name, below, status in _walk(source, "", dropped):
        path, copy = Path(name), Path(f"{target}{below}")
        key = (status.st_dev, status.st_ino)
        if stat.S_ISDIR(status.st_mode):
            copy.mkdir(mode=0o700)
            folders.append((path, copy))
        elif key in links:
            os.link(links[key], copy, follow_symlinks=False)
        elif _copy_one(path, copy, status):
            _carry(path, copy)
            if status.st_nlink > 1:
                links[key] = copy
    # Last, and children first: writing into a folder changes its times.
    for path, copy in reversed(folders):
        _carry(path, copy)


def empty(folder: Path) -> None:
    """Remove all that is in a folder; the folder stays."""
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()


def _walk(
    folder: Path | str, below: str, dropped: Dropped
) -> Iterator[tuple[str, str, os.stat_result]]:
    """Yield path, path as seen from the top, and status; folders first."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = f"{below}/{entry.name}"
        status = entry.stat(follow_symlinks=False)
        is_folder = stat.S_ISDIR(status.st_mode)
        out = dropped(name)
        if is_folder or not out:
            yield entry.path, name, status
        if is_folder and not out:
            yield from _walk(entry.path, name, dropped)


def _copy_one(path: Path, copy: Path, status: os.stat_result) -> bool:
    """Copy what is no folder; tell whether there is a copy now."""
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFREG:
        _copy_file(path, copy)
    elif kind == stat.S_IFLNK:
        copy.symlink_to(path.readlink())
    elif kind == stat.S_IFIFO:
        os.mkfifo(copy)
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        os.mknod(copy, status.st_mode, status.st_rdev)
    else:
        return False  # a socket lives and dies with its program
    return True


def _copy_file(path: Path, copy: Path) -> None:
    source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        target = os.open(copy, flags, 0o600)
        try:
            if not _share_blocks(source, target):
                _copy_content(source, target)
        finally:
            os.close(target)
    except OSError as problem:
        problem.filename = str(copy)
        raise
    finally:
        os.close(source)


def _share_blocks(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError as problem:
        if problem.errno not in NOT_HERE:
            raise
        return False
    return True


def _copy_content(source: int, target: int) -> None:
    try:
        while os.copy_file_range(source, target, CHUNK):
            pass
    except OSError as problem:
        if problem.errno not in NOT_HERE:
            raise
    # Goes on where the kernel stopped; some file systems copy nothing.
    while block := os.read(source, 1 << 20):
        view = memoryview(block)
        while view:
            view = view[os.write(target, view) :]


def _carry(path: Path, copy: Path) -> None:
    """Give a copy the owner, mode, times and attributes of its original."""
    status = path.lstat()
    made = copy.lstat()
    if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
        os.chown(copy, status.st_uid, status.st_gid, follow_symlinks=False)
    shutil.copystat(path, copy, follow_symlinks=False)
