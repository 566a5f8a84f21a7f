"""Members of an archive: headers that any tar reads, written fast.

Source: POSIX.1-2017, "pax Interchange Format"; GNU tar's manual on sparse
files (version 1.0) and on `SCHILY.xattr`.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

BLOCK = 512
Type = Literal["file", "folder", "link", "hardlink"]
FLAGS: dict[Type, bytes] = {
    "file": b"0",
    "hardlink": b"1",
    "link": b"2",
    "folder": b"5",
}
LARGEST_OCTAL = 8**11 - 1
LARGEST_ID = 8**7 - 1
SECOND = 1_000_000_000
SHORT_TIMES = 10**10 * SECOND  # ten digits, until the year 2286
XATTR = b"SCHILY.xattr."
# The part of a header that is the same in all: magic, version, no names.
_TAIL = b"ustar\x0000" + bytes(64) + b"0000000\x000000000\x00"
_TAIL_SUM = sum(_TAIL)
Extents = tuple[tuple[int, int], ...]


class Member(NamedTuple):
    """One file, folder or link as an archive holds it.

    Args:
        name: its path, relative, as bytes; without a slash at its end.
        mode: permission bits.
        size: bytes of its content, holes included; 0 of what has none.
        mtime_ns: when it was changed, in nanoseconds.
        target: where a link leads; of a hard link a member's name.
        xattrs: extended attributes.
        extents: (offset, length) of what is no hole; None: it has none.
    """

    name: bytes
    type: Type
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime_ns: int = 0
    target: bytes = b""
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    extents: Extents | None = None

    @property
    def stored(self) -> int:
        """Bytes of its content in the archive."""
        if self.extents is None:
            return self.size
        data = sum(length for _, length in self.extents)
        return len(sparse_map(self)) + data


def padding(size: int) -> int:
    """Return how many zeros follow a content of `size` bytes."""
    return -size % BLOCK


def encode(member: Member) -> bytes:
    """Return the headers of a member: at most one extended, then its own."""
    name = member.name + b"/" if member.type == "folder" else member.name
    extended = _extended(member, name)
    stored = member.stored
    own = _header(
        name[:100],
        FLAGS[member.type],
        member.mode,
        member.uid if member.uid <= LARGEST_ID else 0,
        member.gid if member.gid <= LARGEST_ID else 0,
        stored if stored <= LARGEST_OCTAL else 0,
        _seconds(member.mtime_ns),
        member.target[:100],
    )
    if not extended:
        return own
    size = len(extended)
    return b"".join((_pax_header(size), extended, bytes(padding(size)), own))


@lru_cache(16)  # nearly all are of one size
def _pax_header(size: int) -> bytes:
    return _header(b"././@PaxHeader", b"x", 0o644, 0, 0, size, 0, b"")


def _seconds(mtime_ns: int) -> int:
    return min(max(mtime_ns // SECOND, 0), LARGEST_OCTAL)


def _header(
    name: bytes,
    flag: bytes,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    seconds: int,
    target: bytes,
) -> bytes:
    facts = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        *(mode, uid, gid),
        *(size, seconds),
    )
    # The sum counts its own eight bytes as spaces.
    total = sum(name) + sum(facts) + flag[0] + sum(target)
    front = b"%b%b%06o\0 %b%b%b" % (
        name.ljust(100, b"\0"),
        facts,
        total + _TAIL_SUM + 8 * 32,
        flag,
        target.ljust(100, b"\0"),
        _TAIL,
    )
    return front.ljust(BLOCK, b"\0")


def _extended(member: Member, name: bytes) -> bytes:
    if (
        len(name) <= 100
        and len(member.target) <= 100
        and member.extents is None
        and not member.xattrs
        and member.size <= LARGEST_OCTAL
        and member.uid <= LARGEST_ID
        and member.gid <= LARGEST_ID
        and 0 <= member.mtime_ns < SHORT_TIMES
    ):
        # As nearly every file: nothing but its time.
        parts = divmod(member.mtime_ns, SECOND)
        return b"30 mtime=%010d.%09d\n" % parts if parts[1] else b""
    rows: list[tuple[bytes, bytes]] = []
    if len(name) > 100:
        rows.append((b"path", name))
    if len(member.target) > 100:
        rows.append((b"linkpath", member.target))
    if member.stored > LARGEST_OCTAL:
        rows.append((b"size", b"%d" % member.stored))
    if member.uid > LARGEST_ID:
        rows.append((b"uid", b"%d" % member.uid))
    if member.gid > LARGEST_ID:
        rows.append((b"gid", b"%d" % member.gid))
    if member.mtime_ns != _seconds(member.mtime_ns) * SECOND:
        rows.append((b"mtime", _decimal(member.mtime_ns)))
    if member.extents is not None:
        rows += (
            (b"GNU.sparse.major", b"1"),
            (b"GNU.sparse.minor", b"0"),
            (b"GNU.sparse.name", member.name),
            (b"GNU.sparse.realsize", b"%d" % member.size),
        )
    rows += ((XATTR + quoted(key), value) for key, value in member.xattrs)
    return b"".join(_record(*row) for row in rows)


def quoted(key: bytes) -> bytes:
    """Return the name of an attribute without "=", which ends it."""
    return key.replace(b"%", b"%25").replace(b"=", b"%3D")


def unquoted(key: bytes) -> bytes:
    """Return what `quoted` made of a name."""
    return key.replace(b"%3D", b"=").replace(b"%25", b"%")


def _decimal(mtime_ns: int) -> bytes:
    sign = b"-" if mtime_ns < 0 else b""
    return b"%b%d.%09d" % (sign, *divmod(abs(mtime_ns), SECOND))


def _record(key: bytes, value: bytes) -> bytes:
    # Its length counts its own digits.
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def sparse_map(member: Member) -> bytes:
    """Return the list of extents that precedes a sparse file's data."""
    extents = member.extents or ()
    numbers = [len(extents), *(n for extent in extents for n in extent)]
    text = b"".join(b"%d\n" % number for number in numbers)
    return text + bytes(padding(len(text)))
