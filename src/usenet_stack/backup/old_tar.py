"""Reads a tar that GNU tar wrote, and admits only what a backup may hold.

The archives of the old shell tool are plain output of `tar -cz`: no manifest,
no hashes, names with or without "./", live databases with their side files.
`legacy.py` makes them into what the rest of this room reads.

Source: GNU tar's manual, "Basic Tar Format"; POSIX.1-2017, pax.
"""

from collections.abc import Iterator
from typing import IO, NamedTuple

from usenet_stack.backup.members import BLOCK, Member, Type, padding

LARGEST_NAME = 64 * 1024
LARGEST_PAX = 1024 * 1024
LONGEST_NAME, LONGEST_PART = 4096, 255
# It archived settings; one that holds more is none of its.
MOST_MEMBERS = 200_000
TYPES: dict[bytes, Type] = {
    b"\0": "file",
    b"0": "file",
    b"1": "hardlink",
    b"2": "link",
    b"5": "folder",
}
SET_ID = 0o6000
ZERO = bytes(BLOCK)
MAGICS = (b"ustar\x0000", b"ustar  \0")
REFUSED = {
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"7": "a contiguous file",
    b"S": "a sparse file of another form",
    b"M": "a part of a larger archive",
    b"V": "a volume label",
    b"D": "a list of a folder",
    b"g": "a header for all that follows",
}


class Told(NamedTuple):
    """What precedes a header and counts more than what is in it."""

    name: bytes = b""
    target: bytes = b""
    size: int = -1
    mtime_ns: int | None = None


def read_members(stream: IO[bytes]) -> Iterator[Member]:
    """Yield the members; whoever takes one reads its content at once.

    Raises:
        ValueError: it is damaged, or holds what a backup must not.
    """
    count = 0
    while (block := exactly(stream, BLOCK)) != ZERO:
        told = Told()
        while block[156:157] in (b"L", b"K", b"x"):
            told = _told(block, stream, told)
            block = exactly(stream, BLOCK)
        count += 1
        if count > MOST_MEMBERS:
            raise ValueError(f"it has more than {MOST_MEMBERS} members")
        member = _member(block, told)
        if member.name:  # "./", the folder that all was taken from
            yield member
    while rest := stream.read(1024 * 1024):
        if rest.strip(b"\0"):
            raise ValueError("something stands behind its end")


def exactly(stream: IO[bytes], count: int) -> bytes:
    """Return so many bytes.

    Raises:
        ValueError: there are fewer.
    """
    found = stream.read(count)
    if len(found) != count:
        raise ValueError("it is cut off")
    return found


def _checked(block: bytes) -> None:
    total = sum(block) - sum(block[148:156]) + 8 * 32
    if number(block[148:156]) != total or block[257:265] not in MAGICS:
        raise ValueError("a header is damaged")


def number(field: bytes) -> int:
    """Return a number: octal, or binary where GNU tar found no room.

    Raises:
        ValueError: it is none.
    """
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b"\0 ") or b"0"
    if not digits.isdigit():
        raise ValueError("a header holds no number where one belongs")
    return int(digits, 8)


def _told(block: bytes, stream: IO[bytes], told: Told) -> Told:
    _checked(block)
    kind = block[156:157]
    size = number(block[124:136])
    if size > (LARGEST_PAX if kind == b"x" else LARGEST_NAME):
        raise ValueError("a header is too large")
    content = exactly(stream, size)
    exactly(stream, padding(size))
    if kind == b"L":
        return told._replace(name=content.rstrip(b"\0"))
    if kind == b"K":
        return told._replace(target=content.rstrip(b"\0"))
    return _pax(content, told)


def _pax(content: bytes, told: Told) -> Told:
    while content:
        digits, space, _ = content.partition(b" ")
        if not (space and digits.isdigit() and len(digits) < 8):
            raise ValueError("an extended header is damaged")
        length = int(digits)
        record, content = content[:length], content[length:]
        if len(record) != length or not record.endswith(b"\n"):
            raise ValueError("an extended header is damaged")
        key, _, value = record[len(digits) + 1 : -1].partition(b"=")
        if key == b"path":
            told = told._replace(name=value)
        elif key == b"linkpath":
            told = told._replace(target=value)
        elif key == b"size" and value.isdigit():
            told = told._replace(size=int(value))
        elif key == b"mtime":
            told = told._replace(mtime_ns=_nanoseconds(value))
        elif key.startswith(b"GNU.sparse"):
            raise ValueError(f"it holds {REFUSED[b'S']}")
    return told


def _nanoseconds(value: bytes) -> int:
    whole, _, part = value.partition(b".")
    if not whole.isdigit() or not (part or b"0").isdigit():
        raise ValueError("a header holds no number where one belongs")
    return int(whole) * 10**9 + int(part[:9].ljust(9, b"0"))


def _member(block: bytes, told: Told) -> Member:
    _checked(block)
    kind = block[156:157]
    name = told.name or _ustar_name(block)
    text = name.decode(errors="backslashreplace")
    if kind not in TYPES:
        raise ValueError(f"{text} is {REFUSED.get(kind, 'no file')}")
    type = TYPES[kind]
    if type == "file" and name.endswith(b"/"):
        type = "folder"  # as tars before POSIX wrote them
    size = told.size if told.size >= 0 else number(block[124:136])
    mode = number(block[100:108]) & 0o7777
    if type == "file" and mode & SET_ID:
        raise ValueError(f"{text} would run as another user")
    if type != "file" and size:
        raise ValueError(f"{text} holds what it must not")
    target = told.target or block[157:257].partition(b"\0")[0]
    mtime = told.mtime_ns
    return Member(
        confined(name),
        type,
        mode,
        number(block[108:116]),
        number(block[116:124]),
        size,
        number(block[136:148]) * 10**9 if mtime is None else mtime,
        confined(target) if type == "hardlink" else target,
    )


def _ustar_name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0]
    if block[257:265] == MAGICS[0] and prefix:
        return prefix + b"/" + name
    return name


def confined(name: bytes) -> bytes:
    """Return a name without "./" in front and "/" behind.

    Raises:
        ValueError: it would lead out of where it is unpacked to.
    """
    text = name.decode(errors="backslashreplace")
    if name.startswith(b"/") or b"\0" in name or not name:
        raise ValueError(f"{text or 'an empty name'} is no name in a folder")
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    long = any(len(part) > LONGEST_PART for part in parts)
    if b".." in parts or long or len(name) > LONGEST_NAME:
        raise ValueError(f"{text[:80]} is no name that a member can have")
    return b"/".join(parts)
