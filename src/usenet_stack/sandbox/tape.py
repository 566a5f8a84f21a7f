"""A tar archive as a stream of bytes, in constant memory."""

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from usenet_stack.sandbox.elf import loaded_part

BLOCK = 256 * 1024
RECORD = 512


class Entry(NamedTuple):
    """One entry of the archive; it belongs to root.

    Args:
        path: absolute, inside the image.
        content: bytes; a file of this machine, of which programs lose
            what is never loaded; None for a folder.
        mode: permissions.
        target: where a symbolic link leads; "" for anything else.
    """

    path: str
    content: bytes | Path | None = None
    mode: int = 0o755
    target: str = ""


def write_tape(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Return the archive in pieces of about 256 KiB.

    Raises:
        OSError: a file that cannot be read, or shrinks meanwhile.
    """
    waiting = bytearray()
    for piece in _pieces(entries):
        waiting += piece
        if len(waiting) >= BLOCK:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting) + bytes(2 * RECORD)


def _pieces(entries: Iterable[Entry]) -> Iterator[bytes]:
    for entry in entries:
        if isinstance(entry.content, Path):
            yield from _file(entry, entry.content)
        elif entry.content is not None:
            yield _header(entry, tarfile.REGTYPE, len(entry.content))
            yield entry.content
            yield bytes(-len(entry.content) % RECORD)
        elif entry.target:
            yield _header(entry, tarfile.SYMTYPE, 0)
        else:
            yield _header(entry, tarfile.DIRTYPE, 0)


def _file(entry: Entry, path: Path) -> Iterator[bytes]:
    start, size = loaded_part(path)
    with path.open("rb") as file:
        yield _header(entry, tarfile.REGTYPE, size)
        yield start
        left = size - len(start)
        file.seek(len(start))
        while left:
            block = file.read(min(left, BLOCK))
            if not block:
                raise OSError(f"{path} became shorter while it was read")
            left -= len(block)
            yield block
        yield bytes(-size % RECORD)


def _header(entry: Entry, kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo(entry.path.lstrip("/"))
    info.type, info.size = kind, size
    info.mode, info.linkname = entry.mode, entry.target
    return info.tobuf(tarfile.GNU_FORMAT)
