"""Leave out of programs and libraries what is never loaded.

Debug information and symbol tables stand behind the loaded segments; Python
builds that were made from source carry tens of megabytes of them.

Source: elf(5).
"""

import struct
from pathlib import Path
from typing import NamedTuple

_HEADER_SIZE = 64
_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little endian
_SECTIONS_AT = 40
_SECTION_COUNT_AT = 60


class Loaded(NamedTuple):
    """The part of a program that is loaded.

    Args:
        header: replaces the first bytes: it names no sections.
        size: how many bytes of the file to take, the header included.
    """

    header: bytes
    size: int


def loaded_part(path: Path) -> Loaded:
    """Return what is loaded of a program; other files stay whole."""
    whole = path.stat().st_size
    with path.open("rb") as file:
        header = bytearray(file.read(_HEADER_SIZE))
        if len(header) < _HEADER_SIZE or not header.startswith(_MAGIC):
            return Loaded(bytes(header), whole)
        (table,) = struct.unpack_from("<Q", header, 32)
        entry_size, count = struct.unpack_from("<HH", header, 54)
        file.seek(table)
        entries = file.read(entry_size * count)
    end = table + entry_size * count
    for start in range(0, len(entries), entry_size):
        offset, _, _, size = struct.unpack_from("<QQQQ", entries, start + 8)
        end = max(end, offset + size)
    struct.pack_into("<Q", header, _SECTIONS_AT, 0)
    struct.pack_into("<HH", header, _SECTION_COUNT_AT, 0, 0)
    return Loaded(bytes(header), min(end, whole))
