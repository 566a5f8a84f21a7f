"""Who is connected to a service: file shares have no API that tells it.

Source: proc(5), /proc/net/tcp: addresses in hexadecimal, each group of four
bytes in the order of this machine; state 01 is ESTABLISHED.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from usenet_stack.services.control_groups import ROOT, process_of

PROC = Path("/proc")
ESTABLISHED = "01"
V4_IN_V6 = bytes(10) + b"\xff\xff"


def clients_of(
    container: str, port: int, root: Path = ROOT, proc: Path = PROC
) -> int | None:
    """Return from how many other addresses a container is in use.

    Args:
        container: its whole id.
        port: on which it listens, inside.

    Returns: None when that cannot be seen from here.
    """
    process = process_of(container, root)
    if process is None:
        return None
    try:
        return len(set(_remotes(proc / str(process) / "net", port)))
    except (OSError, ValueError):
        return None


def _remotes(folder: Path, port: int) -> Iterator[bytes]:
    yield from _in_table((folder / "tcp").read_text(), port)
    try:
        six = (folder / "tcp6").read_text()
    except FileNotFoundError:
        return  # a kernel without IPv6
    yield from _in_table(six, port)


def _in_table(text: str, port: int) -> Iterator[bytes]:
    for line in text.splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        if state != ESTABLISHED or int(local.rpartition(":")[2], 16) != port:
            continue
        address = _address(remote.rpartition(":")[0])
        if not _is_loopback(address):
            yield address


def _address(text: str) -> bytes:
    raw = bytes.fromhex(text)
    if sys.byteorder == "little":
        words = [raw[at : at + 4][::-1] for at in range(0, len(raw), 4)]
        raw = b"".join(words)
    return raw.removeprefix(V4_IN_V6)


def _is_loopback(address: bytes) -> bool:
    # Its own health check, for example.
    if len(address) == 4:
        return address[0] == 127
    return address == bytes(15) + b"\x01"
