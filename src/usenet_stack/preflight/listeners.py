"""Who listens on which port, from /proc."""

import contextlib
import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

Protocol = Literal["tcp", "udp"]
_LISTEN, _UNCONNECTED = "0A", "07"


class Listener(msgspec.Struct, frozen=True):
    """A socket that holds a port.

    Args:
        address: as text, "0.0.0.0" or "::" for all of them.
        inode: of the socket, which names its process.
    """

    protocol: Protocol
    address: str
    port: int
    inode: int


def read_listeners(root: Path = Path("/")) -> list[Listener]:
    """Return all listening TCP and bound UDP sockets, IPv4 and IPv6.

    Source: proc(5), /proc/net/tcp; a missing table (no IPv6) counts as
        empty.
    """
    tables: tuple[tuple[str, Protocol], ...] = (
        ("tcp", "tcp"),
        ("tcp6", "tcp"),
        ("udp", "udp"),
        ("udp6", "udp"),
    )
    found = []
    for name, protocol in tables:
        try:
            text = (root / "proc/net" / name).read_text()
        except OSError:
            continue
        found += parse_listeners(text, protocol)
    return found


def parse_listeners(text: str, protocol: Protocol) -> list[Listener]:
    """Return the listeners of one table of /proc/net."""
    wanted = _LISTEN if protocol == "tcp" else _UNCONNECTED
    found = []
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) > 9 and words[3] == wanted:
            address, _, port = words[1].partition(":")
            where = parse_address(address)
            inode = int(words[9])
            found.append(Listener(protocol, where, int(port, 16), inode))
    return found


def parse_address(text: str) -> str:
    """Return an address of /proc/net: groups of four bytes, turned round."""
    raw = bytes.fromhex(text)
    turned = b"".join(
        raw[start : start + 4][::-1] for start in range(0, len(raw), 4)
    )
    address = ipaddress.ip_address(turned)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def overlaps(one: str, other: str) -> bool:
    """Tell whether two addresses compete for a port.

    "::" takes the IPv4 ports too, as Linux does by default.
    """
    first, second = ipaddress.ip_address(one), ipaddress.ip_address(other)
    if "::" in (one, other):
        return True
    if first.version != second.version:
        return False
    return first == second or "0.0.0.0" in (one, other)


def owners(inodes: Iterable[int], root: Path = Path("/")) -> dict[int, int]:
    """Return the process of each socket, as far as we may look."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, int] = {}
    for process in (root / "proc").glob("[0-9]*") if wanted else ():
        # What fails is another user's, or has ended meanwhile.
        with contextlib.suppress(OSError):
            for link in (process / "fd").iterdir():
                inode = wanted.get(_target(link))
                if inode is not None:
                    found[inode] = int(process.name)
    return found


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def command_name(pid: int, root: Path = Path("/")) -> str:
    """Return the name of a process, "" when it has ended."""
    try:
        text = (root / "proc" / str(pid) / "comm").read_text()
    except OSError:
        return ""
    return re.sub(r"[^\x20-\x7e]", "?", text.strip())
