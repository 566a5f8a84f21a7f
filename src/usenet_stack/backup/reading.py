"""Reads an archive member by member, and believes nothing in it.

Who restores or checks a backup goes through `open_archive`. A member comes
out of it only if its name stays below the place it is unpacked to, all the
folders above it were members themselves (so that none of them is a link),
its name came only once, and the manifest says the same of it. All else is
damage.

    with open_archive(path) as archive:
        archive.manifest
        for member, record, content in archive.members():
            ...                        # content.pieces(), until the next one

When the loop has ended by itself, every byte of the file was compared with
the seal, and every content with its SHA-256.
"""

import errno
import hashlib
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import zstandard

from usenet_stack.backup import manifest as manifests
from usenet_stack.backup.ahead import ReadAhead
from usenet_stack.backup.container import SealedReader, unpacked
from usenet_stack.backup.manifest import FileRecord, Manifest
from usenet_stack.backup.members import (
    BLOCK,
    XATTR,
    Member,
    Type,
    padding,
    unquoted,
)
from usenet_stack.errors import UsenetError
from usenet_stack.transaction.executor import typed

PIECE = 256 * 1024
IN_MEMORY = 4 * 1024 * 1024
MOST_MEMBERS = 1_000_000
LONGEST_NAME, LONGEST_PART = 4096, 255
LARGEST_EXTENDED = 1024 * 1024
ROOTS = (b"stack", b"config")
SET_ID = 0o6000
ZERO_BLOCK = bytes(BLOCK)
TYPES: dict[bytes, Type] = {
    b"0": "file",
    b"1": "hardlink",
    b"2": "link",
    b"5": "folder",
}
KINDS: dict[Type, tuple[str, ...]] = {
    "file": ("file", "database", "live"),
    "hardlink": ("hardlink",),
    "link": ("link", "link-out"),
    "folder": ("folder",),
}
UNREADABLE = (
    ValueError,
    EOFError,
    OSError,
    zlib.error,
    zstandard.ZstdError,
    msgspec.MsgspecError,
)


class Entry(NamedTuple):
    """A member, what the manifest says of it, and its content."""

    member: Member
    record: FileRecord
    content: "Content"


class Whole(NamedTuple):
    """A file that was read and is not compared yet.

    Args:
        name: in the archive.
        sha256: what its content must come to.
    """

    name: bytes
    content: bytes
    sha256: str


class Content:
    """What is in a member, holes filled with zeros; read it once, in order.

    Args:
        stream: stands where the content begins.
        sha256: what it must come to; "" of what has none.
    """

    def __init__(
        self, stream: IO[bytes], member: Member, sha256: str = ""
    ) -> None:
        self._stream = stream
        self._member = member
        self._sha256 = sha256
        self._pieces = self._all()

    def pieces(self) -> Iterator[bytes]:
        """Yield the content; zeros stand for holes.

        Raises:
            ValueError: it is cut off, or not what was packed.
        """
        return self._pieces

    def whole(self) -> Whole:
        """Return all of a file without holes, not compared yet.

        Raises:
            ValueError: it is cut off.
        """
        content = _exactly(self._stream, self._member.size)
        _exactly(self._stream, padding(self._member.stored))
        self._pieces = iter(())
        return Whole(self._member.name, content, self._sha256)

    def finish(self) -> None:
        """Read what the caller has not; it is compared all the same."""
        for _ in self._pieces:
            pass

    def _all(self) -> Iterator[bytes]:
        if not self._sha256:
            return
        digest = hashlib.sha256()
        at = 0
        for offset, length in self._extents():
            yield from _zeros(digest, offset - at)
            left = length
            while left:
                piece = _exactly(self._stream, min(left, PIECE))
                left -= len(piece)
                digest.update(piece)
                yield piece
            at = offset + length
        yield from _zeros(digest, self._member.size - at)
        _exactly(self._stream, padding(self._member.stored))
        if digest.hexdigest() != self._sha256:
            raise changed(self._member.name)

    def _extents(self) -> tuple[tuple[int, int], ...]:
        if self._member.extents is None:
            return ((0, self._member.size),)
        return self._member.extents


def changed(name: bytes) -> ValueError:
    """Return the error that a member is not what was packed."""
    return ValueError(f"{manifests.shown(name)} is not what was packed")


def _zeros(digest: "hashlib._Hash", count: int) -> Iterator[bytes]:
    while count > 0:
        piece = bytes(min(count, PIECE))
        digest.update(piece)
        count -= len(piece)
        yield piece


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) != count:
        raise ValueError("it is cut off")
    return found


class Archive:
    """An open archive; see `open_archive`."""

    def __init__(self, path: Path, ahead: bool = False) -> None:
        self._source = SealedReader(path)
        plain = unpacked(self._source)
        self._stream: IO[bytes] = io.BufferedReader(
            ReadAhead(plain) if ahead else plain, PIECE
        )
        self._listing = tempfile.SpooledTemporaryFile(  # noqa: SIM115
            IN_MEMORY
        )
        self._names: set[bytes] = set()
        self._folders: set[bytes] = set(ROOTS)
        self._links: set[bytes] = set()
        self._size = 0
        self.manifest: Manifest = self._read_manifest()

    @property
    def seal_hex(self) -> str:
        """The digest of the whole file."""
        return self._source.seal.digest.hex()

    def close(self) -> None:
        self._stream.close()
        self._source.close()
        self._listing.close()

    def _read_manifest(self) -> Manifest:
        member = _next_member(self._stream)
        if member is None or member.name != manifests.NAME.encode():
            raise ValueError("it does not begin with a manifest")
        if member.type != "file" or member.extents is not None:
            raise ValueError("its manifest is no plain file")
        left = member.size
        while left:
            piece = _exactly(self._stream, min(left, PIECE))
            self._listing.write(piece)
            left -= len(piece)
        _exactly(self._stream, padding(member.size))
        self._listing.seek(0)
        head = self._listing.readline(manifests.LARGEST_HEAD)
        return manifests.read_head(head)

    def records(self) -> Iterator[FileRecord]:
        """Yield what the manifest says of every member.

        Raises:
            ValueError: a line is not as it was written.
        """
        self._listing.seek(0)
        self._listing.readline(manifests.LARGEST_HEAD)
        limit = manifests.LARGEST_LINE
        lines = iter(lambda: self._listing.readline(limit), b"")
        yield from manifests.read_lines(lines)

    def members(self) -> Iterator[Entry]:
        """Yield every member once; see the module.

        Raises:
            ValueError: damage; the reason.
        """
        for record in self.records():
            member = _next_member(self._stream)
            if member is None:
                raise ValueError(f"{record.name} is missing")
            self._admit(member, record)
            content = Content(self._stream, member, record.sha256)
            yield Entry(member, record, content)
            content.finish()
        self._end()

    def _end(self) -> None:
        if _next_member(self._stream) is not None:
            raise ValueError("it holds more than its manifest names")
        while rest := self._stream.read(PIECE):
            if rest.strip(b"\0"):
                raise ValueError("something stands behind its end")
        self._source.check()
        if len(self._names) != self.manifest.files:
            raise ValueError("its manifest counts other files than it lists")

    # -- what may come out of it -----------------------------------------

    def _admit(self, member: Member, record: FileRecord) -> None:
        name = manifests.shown(member.name)
        if member.name != record.path:
            raise ValueError(f"{name} is not in the manifest")
        if record.kind not in KINDS[member.type]:
            raise ValueError(f"{name} is a {member.type}, no {record.kind}")
        if member.size != record.size:
            raise ValueError(f"{name} is not as large as it was")
        if (member.type == "file") != bool(record.sha256):
            raise ValueError(f"{name} has no SHA-256 to compare")
        self._confine(member, name)
        self._size += member.size
        if self._size > self.manifest.size:
            raise ValueError("it is larger than its manifest says")

    def _confine(self, member: Member, name: str) -> None:
        parts = member.name.split(b"/")
        bad = any(part in (b"", b".", b"..") for part in parts)
        long = any(len(part) > LONGEST_PART for part in parts)
        if bad or long or len(member.name) > LONGEST_NAME:
            raise ValueError(f"{name} is no name that a member can have")
        if b"/".join(parts[:-1]) not in self._folders:
            raise ValueError(f"{name} does not lie in a folder of the archive")
        if member.name in self._names or member.name in ROOTS:
            raise ValueError(f"{name} is in it twice")
        if len(self._names) >= MOST_MEMBERS:
            raise ValueError(f"it has more than {MOST_MEMBERS} members")
        if member.type == "file" and member.mode & SET_ID:
            raise ValueError(f"{name} would run as another user")
        if member.type == "hardlink" and not self._is_file(member.target):
            raise ValueError(f"{name} is linked to what is not in it")
        self._names.add(member.name)
        if member.type == "folder":
            self._folders.add(member.name)
        elif member.type == "link":
            self._links.add(member.name)

    def _is_file(self, name: bytes) -> bool:
        none = name in self._folders or name in self._links
        return name in self._names and not none


@contextmanager
def open_archive(path: Path, *, ahead: bool = False) -> Iterator[Archive]:
    """Open a plain (not encrypted) archive, to be read from front to back.

    Args:
        ahead: unpack in a thread; worth it where all of it is read.

    Raises:
        UsenetError: backup.damaged, also out of the block, for anything in
            the archive that is not as it was written.
    """
    archive = None
    try:
        archive = Archive(path, ahead)
        yield archive
    except UNREADABLE as problem:
        number = problem.errno if isinstance(problem, OSError) else None
        if number not in (None, errno.EIO):
            # The disk is full, or the file may not be read: no damage.
            raise typed(problem) from problem  # type: ignore[arg-type]
        raise damaged(path, str(problem)) from problem
    finally:
        if archive is not None:
            archive.close()


def damaged(path: Path, why: str) -> UsenetError:
    """Return the error that a backup is not whole."""
    return UsenetError("backup.damaged", path=path, why=f"{why}.")


# -- headers -------------------------------------------------------------


def _next_member(stream: IO[bytes]) -> Member | None:
    """Read a member's headers; None at the end of the archive."""
    block = _exactly(stream, BLOCK)
    if block == ZERO_BLOCK:
        return None
    extended: dict[bytes, bytes] = {}
    if block[156:157] == b"x":
        _check_sum(block)
        size = _octal(block[124:136])
        if size > LARGEST_EXTENDED:
            raise ValueError("a header is too large")
        extended = _extended(_exactly(stream, size))
        _exactly(stream, padding(size))
        block = _exactly(stream, BLOCK)
    _check_sum(block)
    return _member(block, extended, stream)


def _check_sum(block: bytes) -> None:
    total = sum(block) - sum(block[148:156]) + 8 * 32
    if _octal(block[148:156]) != total or block[257:263] != b"ustar\0":
        raise ValueError("a header is damaged")


def _octal(field: bytes) -> int:
    digits = field.rstrip(b"\0 ")
    if not digits.isdigit():
        raise ValueError("a header holds no number where one belongs")
    return int(digits, 8)


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _extended(content: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    while content:
        digits, space, _ = content.partition(b" ")
        if not (space and digits.isdigit() and len(digits) < 8):
            raise ValueError("an extended header is damaged")
        length = int(digits)
        record, content = content[:length], content[length:]
        if len(record) != length or not record.endswith(b"\n"):
            raise ValueError("an extended header is damaged")
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if not equals or key in found or not _is_known(key):
            raise ValueError("an extended header says what it must not")
        found[key] = value
    return found


_KEYS = (
    *(b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime"),
    *(b"GNU.sparse.major", b"GNU.sparse.minor"),
    *(b"GNU.sparse.name", b"GNU.sparse.realsize"),
)


def _is_known(key: bytes) -> bool:
    return key in _KEYS or (key.startswith(XATTR) and key != XATTR)


def _number(value: bytes) -> int:
    if not value.isdigit() or len(value) > 18:
        raise ValueError("an extended header holds no number")
    return int(value)


def _member(
    block: bytes, extended: dict[bytes, bytes], stream: IO[bytes]
) -> Member:
    flag = block[156:157]
    if flag not in TYPES:
        raise ValueError(f"it holds a member of the type {flag!r}")
    if block[345:500].strip(b"\0"):
        raise ValueError("a header holds what it must not")
    type = TYPES[flag]
    name = extended.get(b"path", _text(block[:100]))
    if type == "folder":
        name = name.removesuffix(b"/")
    stored = _field(extended, b"size", block[124:136])
    mode = _octal(block[100:108])
    if b"\0" in name or mode > 0o7777 or (type != "file" and stored):
        raise ValueError("a header holds what it must not")
    member = Member(
        name,
        type,
        mode,
        _field(extended, b"uid", block[108:116]),
        _field(extended, b"gid", block[116:124]),
        stored,
        _mtime(extended, block),
        extended.get(b"linkpath", _text(block[157:257])),
        tuple(
            (unquoted(key.removeprefix(XATTR)), value)
            for key, value in extended.items()
            if key.startswith(XATTR)
        ),
    )
    if b"GNU.sparse.realsize" in extended:
        return _sparse(member, extended, stream)
    return member


def _field(extended: dict[bytes, bytes], key: bytes, field: bytes) -> int:
    return _number(extended[key]) if key in extended else _octal(field)


def _mtime(extended: dict[bytes, bytes], block: bytes) -> int:
    text = extended.get(b"mtime")
    if text is None:
        return _octal(block[136:148]) * 1_000_000_000
    whole, _, part = text.removeprefix(b"-").partition(b".")
    found = _number(whole) * 1_000_000_000 + _number(part[:9].ljust(9, b"0"))
    return -found if text.startswith(b"-") else found


def _sparse(
    member: Member, extended: dict[bytes, bytes], stream: IO[bytes]
) -> Member:
    """Read the list of extents that precedes the data."""
    if member.type != "file" or extended.get(b"GNU.sparse.major") != b"1":
        raise ValueError("a sparse file is of another form")
    size = _number(extended[b"GNU.sparse.realsize"])
    name = extended.get(b"GNU.sparse.name", member.name)
    lines, taken = b"", 0
    wanted = 1
    while lines.count(b"\n") < wanted:
        if taken >= min(member.size, LARGEST_EXTENDED):
            raise ValueError("a sparse file's list is damaged")
        lines += _exactly(stream, BLOCK)
        taken += BLOCK
        if b"\n" in lines:
            wanted = 1 + 2 * _number(lines.partition(b"\n")[0])
    numbers = [_number(text) for text in lines.split(b"\n")[1:wanted]]
    extents = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    at = 0
    for offset, length in extents:
        if offset < at or offset + length > size:
            raise ValueError("a sparse file's list is damaged")
        at = offset + length
    found = member._replace(name=name, size=size, extents=extents)
    if found.stored != member.size:
        raise ValueError("a sparse file's list is damaged")
    return found
