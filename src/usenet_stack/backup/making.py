"""Makes files with all that was kept of them; as a program, many small ones.

Python's lock makes threads that create files wait for each other at every
call of the kernel, so thousands of small ones are made in processes. Run as a
program: on stdin batches of `Order`s, each with its length in front; an empty
one asks for an answer. On stdout an empty object for that, or one that tells
what went wrong, after which nothing more is made: {"errno", "path"},
{"changed"} or {"why"}, as JSON. It knows nothing but Python's own library.
"""

import errno
import hashlib
import json
import marshal
import os
import sys
from collections.abc import Iterable, Iterator
from typing import IO

# What a member has besides its content: mode (None of a link), owners (None:
# as they come), time of change in nanoseconds, extended attributes.
Traits = tuple[
    int | None,
    tuple[int, int] | None,
    int,
    tuple[tuple[bytes, bytes], ...],
]
# Its name in the archive, its path, its content and what that must come to.
Order = tuple[bytes, bytes, bytes, str, Traits]
FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A file system without attributes; attributes that only root may set.
NO_ATTRIBUTES = (errno.EOPNOTSUPP, errno.EPERM, errno.EACCES)
LENGTH = 8
PIECE = 1024 * 1024


def make_file(
    path: bytes, pieces: Iterable[bytes], traits: Traits, size: int = -1
) -> None:
    """Make a file that is not there yet.

    Args:
        size: of one with holes, whose zeros are left out; -1: it has none.

    Raises:
        ValueError: an owner or a time is none.
        OSError: the disk is full.
    """
    descriptor = os.open(path, FLAGS, 0o600)
    try:
        at = 0
        for piece in pieces:
            # Holes come as pieces of their own.
            if size < 0 or piece.strip(b"\0"):
                _write_all(descriptor, piece, at)
            at += len(piece)
        if size >= 0:
            os.ftruncate(descriptor, size)
        adorn(descriptor, traits)
    except OSError as problem:
        # A descriptor has no name that a person could use.
        if not isinstance(problem.filename, str):
            problem.filename = os.fsdecode(path)
        raise
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes, at: int) -> None:
    view = memoryview(content)
    while view:
        done = os.pwrite(descriptor, view, at)
        at += done
        view = view[done:]


def adorn(where: bytes | int, traits: Traits) -> None:
    """Give a file, a folder or a link what it had.

    Raises:
        ValueError: an owner or a time is none.
    """
    mode, owners, mtime_ns, xattrs = traits
    follow = isinstance(where, int)
    try:
        if owners is not None:
            os.chown(where, *owners, follow_symlinks=follow)
        for key, value in xattrs:
            _set_attribute(where, key, value, follow)
        if mode is not None:
            os.chmod(where, mode)  # noqa: PTH101
        os.utime(where, ns=(mtime_ns, mtime_ns), follow_symlinks=follow)
    except OverflowError as problem:
        raise ValueError("an owner or a time is no such thing") from problem


def _set_attribute(
    where: bytes | int, key: bytes, value: bytes, follow: bool
) -> None:
    try:
        os.setxattr(where, key, value, follow_symlinks=follow)
    except OSError as problem:
        if problem.errno not in NO_ATTRIBUTES:
            raise


# -- the program ---------------------------------------------------------


def packed(orders: list[Order]) -> bytes:
    """Return a batch as the program reads it."""
    content = marshal.dumps(orders)
    return len(content).to_bytes(LENGTH, "little") + content


def _batches(stream: IO[bytes]) -> Iterator[list[Order]]:
    while front := stream.read(LENGTH):
        content = stream.read(int.from_bytes(front, "little"))
        yield marshal.loads(content)


def _make(orders: list[Order]) -> dict[str, str | int]:
    """Make files; return what went wrong."""
    for name, path, content, sha256, traits in orders:
        if hashlib.sha256(content).hexdigest() != sha256:
            return {"changed": name.hex()}
        try:
            make_file(path, (content,), traits)
        except OSError as problem:
            number = problem.errno or errno.EIO
            return {"errno": number, "path": os.fsdecode(path)}
        except ValueError as problem:
            return {"why": str(problem)}
    return {}


def main() -> None:
    with open(0, "rb", PIECE, closefd=False) as stream:
        for orders in _batches(stream):
            wrong = _make(orders)
            if wrong or not orders:
                sys.stdout.write(json.dumps(wrong) + "\n")
                sys.stdout.flush()
            if wrong:
                return


if __name__ == "__main__":
    main()
