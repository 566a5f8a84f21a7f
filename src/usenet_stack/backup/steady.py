"""Reads files that may change meanwhile, again until they rested."""

import errno
import os
import time
from pathlib import Path

from usenet_stack.backup.members import Extents

TRIES = 5
PAUSE_S = 0.1
TICK_NS = 20_000_000
SPAN = 64 * 1024 * 1024
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_found(path: str) -> int:
    """Open a file or folder that was found, but no link.

    Raises:
        FileNotFoundError: it is not there any more.
    """
    try:
        return os.open(path, FLAGS)
    except OSError as problem:
        # It has become a link, or what lay above it has become a file.
        if problem.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
            raise FileNotFoundError(*problem.args) from problem
        raise


def _rested(before: os.stat_result, looked: int, after: os.stat_result) -> bool:
    """Tell whether a file was left alone between two looks.

    Args:
        looked: when the first look was, in nanoseconds since 1970.
    """
    # The kernel's clock for files ticks every few milliseconds: what was
    # written in one tick with the first look would have the same time.
    age = looked - before.st_mtime_ns
    return _state(before) == _state(after) and not 0 <= age < TICK_NS


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def read_steady(
    descriptor: int, before: os.stat_result
) -> tuple[bytes, int, bool]:
    """Read a small file, again while it changes.

    Returns: its content, when it was changed, whether it rested.
    """
    content = b""
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE_S)  # nothing tells when a writer is done
            before = os.fstat(descriptor)
        looked = time.time_ns()
        content = os.pread(descriptor, before.st_size + 1, 0)
        if _rested(before, looked, os.fstat(descriptor)):
            return content, before.st_mtime_ns, True
    return content, before.st_mtime_ns, False


def copy_steady(path: str, copy: Path) -> tuple[Extents | None, int, bool]:
    """Copy a large file, again while it changes.

    Returns: its extents if it has holes, its size, whether it rested.
    """
    extents: Extents | None = None
    size = 0
    for number in range(TRIES):
        if number:
            time.sleep(PAUSE_S)
        source = open_found(path)
        try:
            before, looked = os.fstat(source), time.time_ns()
            size = before.st_size
            extents = _extents(source, before)
            _copy(source, copy, extents or ((0, size),), size)
            if _rested(before, looked, os.fstat(source)):
                return extents, size, True
        finally:
            os.close(source)
    return extents, size, False


def _extents(descriptor: int, found: os.stat_result) -> Extents | None:
    if found.st_blocks * 512 >= found.st_size:
        return None
    extents = []
    at = 0
    while at < found.st_size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError as problem:
            if problem.errno == errno.ENXIO:
                break  # nothing but a hole
            return None
        at = os.lseek(descriptor, start, os.SEEK_HOLE)
        extents.append((start, at - start))
    # GNU tar ends the list with where the file ends.
    if not extents or sum(extents[-1]) < found.st_size:
        extents.append((found.st_size, 0))
    return tuple(extents)


def _copy(source: int, copy: Path, extents: Extents, size: int) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
    target = os.open(copy, flags, 0o600)
    try:
        for offset, length in extents:
            os.lseek(target, offset, os.SEEK_SET)
            at = offset
            while at < offset + length:
                left = offset + length - at
                done = os.sendfile(target, source, at, min(left, SPAN))
                if not done:
                    break  # it was cut off: zeros take its place
                at += done
        os.ftruncate(target, size)
    finally:
        os.close(target)
