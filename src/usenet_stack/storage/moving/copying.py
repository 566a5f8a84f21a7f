"""Copies one entry so that it is there whole, proven and durable, or not.

The copy grows under a name of its own beside its place, is synced, dropped
from the page cache, read back and compared; only then it gets its name.
"""

import ctypes
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from usenet_stack.errors import UsenetError
from usenet_stack.storage.moving.tree import Entry, Tree

Tick = Callable[[int], None]

_BLOCK = 1 << 20
_TRIES = 3
_RENAME_NOREPLACE = 1
# A drive may come without owners, modes, xattrs or links (exFAT, NTFS).
_UNKNOWN = (errno.EPERM, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
_NO_LINKS = (*_UNKNOWN, errno.EMLINK, errno.EXDEV)
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_libc = ctypes.CDLL(None, use_errno=True)


def temporary_name(path: str) -> str:
    """Return the name under which the copy of an entry grows.

    Always the same, so that the next run finds what a killed one left.
    """
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()
    return f".{digest[:24]}.usenet-part"


def copy_file(
    source: Tree, target: Tree, path: str, tick: Tick, *, over: bool = False
) -> str:
    """Copy a file with its attributes, prove the copy, and name it.

    Args:
        tick: is told how many bytes were copied more.
        over: an older copy of ours may be replaced.

    Returns: the SHA-256 of its content.
    Raises:
        UsenetError: "storage.move-changing", "storage.move-torn".
        OSError: FileExistsError when something else took the place.
    """
    for _ in range(_TRIES):
        name, at = source.place(path)
        descriptor = os.open(name, _READ, dir_fd=at)
        try:
            before = os.fstat(descriptor)
            digest = _copied(source, target, path, descriptor, tick)
            if same_state(before, os.fstat(descriptor)):
                put_in_place(target, path, over=over)
                return digest
        finally:
            os.close(descriptor)
            remove_temporary(target, path)
    raise UsenetError("storage.move-changing", path=source.shown(path))


def _copied(
    source: Tree, target: Tree, path: str, original: int, tick: Tick
) -> str:
    _, at = target.place(path)
    remove_temporary(target, path)
    copy = os.open(temporary_name(path), _NEW, 0o600, dir_fd=at)
    try:
        digest = _fill(original, copy, tick)
        _attributes(original, copy)
        os.fsync(copy)
        os.posix_fadvise(copy, 0, 0, os.POSIX_FADV_DONTNEED)
        if digest_of(copy) != digest:
            shown = target.shown(path)
            raise UsenetError("storage.move-torn", path=shown)
        os.posix_fadvise(original, 0, 0, os.POSIX_FADV_DONTNEED)
        return digest
    finally:
        os.close(copy)


def _fill(original: int, copy: int, tick: Tick) -> str:
    """Copy the data, holes as holes; return the checksum of all of it."""
    whole = hashlib.sha256()
    size = os.fstat(original).st_size
    for start, end in _extents(original, size):
        if start < 0:
            _hash_zeros(whole, end)
            tick(end)
            continue
        position = start
        while position < end:
            block = os.pread(original, min(_BLOCK, end - position), position)
            if not block:
                break  # it was cut meanwhile: seen by its state
            whole.update(block)
            _write(copy, block, position)
            position += len(block)
            tick(len(block))
    os.ftruncate(copy, size)
    return whole.hexdigest()


def _write(descriptor: int, block: bytes, position: int) -> None:
    while block:
        done = os.pwrite(descriptor, block, position)
        block, position = block[done:], position + done


def _extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of data and (-1, length) of holes, in order."""
    position = 0
    while position < size:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as problem:
            if problem.errno == errno.ENXIO:
                yield -1, size - position
                return
            yield position, size  # it knows no holes
            return
        if start > position:
            yield -1, start - position
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end
        position = end


def _hash_zeros(whole: "hashlib._Hash", length: int) -> None:
    zeros = bytes(_BLOCK)
    while length > 0:
        whole.update(zeros[: min(length, _BLOCK)])
        length -= _BLOCK


def digest_of(descriptor: int) -> str:
    """Return the SHA-256 of an open file's content."""
    whole = hashlib.sha256()
    position = 0
    while block := os.pread(descriptor, _BLOCK, position):
        whole.update(block)
        position += len(block)
    return whole.hexdigest()


def _attributes(original: int, copy: int) -> None:
    """Keep owner, mode, extended attributes and times, where there are."""
    status = os.fstat(original)
    with _if_known():
        os.fchown(copy, status.st_uid, status.st_gid)
    for name in _names(original):
        with _if_known():
            os.setxattr(copy, name, os.getxattr(original, name))
    with _if_known():
        os.fchmod(copy, stat.S_IMODE(status.st_mode))
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))


def _names(descriptor: int) -> list[str]:
    try:
        return os.listxattr(descriptor)
    except OSError as problem:
        if problem.errno not in _UNKNOWN:
            raise
        return []


@contextmanager
def _if_known() -> Iterator[None]:
    """Let pass that the drive does not have such a thing."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in _UNKNOWN:
            raise


def same_state(one: os.stat_result, other: os.stat_result) -> bool:
    """Tell whether a file was not touched between two looks."""
    return state_of(one) == state_of(other)


def state_of(status: os.stat_result) -> list[int]:
    """Return what changes whenever a file's content does."""
    return [
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    ]


def copy_link(source: Tree, target: Tree, path: str) -> None:
    """Copy a symbolic link, as it is, and name it.

    Raises:
        OSError: FileExistsError when something else took the place.
    """
    name, at = source.place(path)
    status = os.stat(name, dir_fd=at, follow_symlinks=False)
    goal = os.readlink(name, dir_fd=at)
    temporary = temporary_name(path)
    remove_temporary(target, path)
    _, there = target.place(path)
    os.symlink(goal, temporary, dir_fd=there)
    try:
        owner = (status.st_uid, status.st_gid)
        with _if_known():
            os.chown(temporary, *owner, dir_fd=there, follow_symlinks=False)
        times = (status.st_atime_ns, status.st_mtime_ns)
        with _if_known():
            os.utime(temporary, ns=times, dir_fd=there, follow_symlinks=False)
        put_in_place(target, path, over=False)
    finally:
        remove_temporary(target, path)


def copy_hard_link(target: Tree, first: str, path: str) -> bool:
    """Give the copy of `first` a second name, as the original has.

    Returns: False where the drive has no hard links: copy it.
    Raises:
        OSError: FileExistsError when something else took the place.
    """
    remove_temporary(target, path)
    name, at = target.place(first)
    temporary = temporary_name(path)
    try:
        _, there = target.place(path)
        os.link(
            name,
            temporary,
            src_dir_fd=at,
            dst_dir_fd=there,
            follow_symlinks=False,
        )
    except OSError as problem:
        if problem.errno not in _NO_LINKS:
            raise
        return False
    try:
        put_in_place(target, path, over=False)
    finally:
        remove_temporary(target, path)
    return True


def make_folder(source: Tree, target: Tree, path: str) -> None:
    """Make a folder; its times are set by `finish_folder`, at the end."""
    name, there = target.place(path)
    status = source.look(path)
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=there)
    if status is None:
        return
    _attributes(source.folder(path), target.folder(path))


def finish_folder(source: Tree, target: Tree, path: str) -> None:
    """Give a copied folder the attributes of the original once more."""
    if source.look(path) is not None:
        _attributes(source.folder(path), target.folder(path))


def put_in_place(target: Tree, path: str, *, over: bool) -> None:
    """Rename the finished copy to its place, never over anything else.

    Raises:
        OSError: FileExistsError when something is there.
    """
    temporary = temporary_name(path)
    name, at = target.place(path)
    if over:
        os.replace(temporary, name, src_dir_fd=at, dst_dir_fd=at)
        return
    done = _libc.renameat2(
        at, os.fsencode(temporary), at, os.fsencode(name), _RENAME_NOREPLACE
    )
    if done == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
        raise OSError(number, os.strerror(number), target.shown(path))
    # FUSE and old kernels: nobody else knows this place yet.
    if target.look(path) is not None:
        raise FileExistsError(
            errno.EEXIST, os.strerror(errno.EEXIST), target.shown(path)
        )
    os.rename(temporary, name, src_dir_fd=at, dst_dir_fd=at)


def remove_temporary(target: Tree, path: str) -> None:
    """Remove what a copy that was cut off left."""
    with suppress(FileNotFoundError):
        _, at = target.place(path)
        os.unlink(temporary_name(path), dir_fd=at)


def equal(source: Tree, target: Tree, path: str) -> bool:
    """Tell whether both trees hold the same there, content and all."""
    ours, theirs = source.look(path), target.look(path)
    if ours is None or theirs is None:
        return False
    if stat.S_IFMT(ours.st_mode) != stat.S_IFMT(theirs.st_mode):
        return False
    if stat.S_ISDIR(ours.st_mode):
        return True
    if stat.S_ISLNK(ours.st_mode):
        return _goal(source, path) == _goal(target, path)
    if ours.st_size != theirs.st_size:
        return False
    return _read_digest(source, path) == _read_digest(target, path)


def _goal(tree: Tree, path: str) -> str:
    name, at = tree.place(path)
    return os.readlink(name, dir_fd=at)


def _read_digest(tree: Tree, path: str) -> str:
    name, at = tree.place(path)
    descriptor = os.open(name, _READ, dir_fd=at)
    try:
        # What another program wrote may still be in memory alone.
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return digest_of(descriptor)
    finally:
        os.close(descriptor)


def first_names(entries: list[Entry]) -> dict[str, str]:
    """Return for each further name of a file its first one."""
    seen: dict[tuple[int, int], str] = {}
    found = {}
    for entry in entries:
        if entry.kind == "file" and entry.status.st_nlink > 1:
            first = seen.setdefault(entry.inode, entry.path)
            if first != entry.path:
                found[entry.path] = first
    return found
