"""Listeners from recorded tables of /proc/net."""

import pytest

from usenet_stack.preflight.listeners import (
    overlaps,
    parse_address,
    parse_listeners,
)

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n"
REST = "00000000:00000000 00:00000000 00000000  1000        0 4711 1 0\n"


def line(address: str, state: str) -> str:
    return f"   0: {address} 00000000:0000 {state} {REST}"


def test_listening_and_connected_sockets() -> None:
    table = (
        HEAD
        + line("0100007F:231D", "0A")
        + line("0100007F:231E", "01")
        + "broken\n"
    )
    (found,) = parse_listeners(table, "tcp")
    assert (found.address, found.port) == ("127.0.0.1", 8989)
    assert found.inode == 4711


def test_udp_is_bound_when_unconnected() -> None:
    (found,) = parse_listeners(HEAD + line("00000000:C8D5", "07"), "udp")
    assert (found.protocol, found.address, found.port) == (
        "udp",
        "0.0.0.0",
        51413,
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0101A8C0", "192.168.1.1"),
        ("00000000000000000000000000000000", "::"),
        ("00000000000000000000000001000000", "::1"),
        ("0000000000000000FFFF00000100007F", "127.0.0.1"),
    ],
)
def test_addresses(text: str, address: str) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "192.168.1.1", False),
        ("0.0.0.0", "192.168.1.1", True),
        ("192.168.1.1", "0.0.0.0", True),
        ("::", "127.0.0.1", True),
        ("::1", "127.0.0.1", False),
        ("::1", "::1", True),
    ],
)
def test_who_competes(one: str, other: str, expected: bool) -> None:
    assert overlaps(one, other) is expected
