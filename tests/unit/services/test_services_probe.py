"""What the probe makes of every kind of answer."""

import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest

from engine_server import answer
from spoken import speaking
from usenet_stack.services.probe import Answer, probe_once
from usenet_stack.stack.service import Health

PING = Health(path="/ping", json={"status": "OK"})
WORDS = Health(path="/health", text="Healthy", starting_text="Degraded")
TCP = Health(kind="tcp")


def asked(expected: Health, reply: bytes) -> Answer:
    with speaking(reply) as server:
        return probe_once(expected, server.address, 2)


@pytest.mark.parametrize(
    ("expected", "reply"),
    [
        (PING, answer('{"status":"OK","more":1}')),
        (WORDS, answer("Healthy")),
        (Health(), answer("<html>anything")),
        (Health(status=(200, 401, 409)), answer("", "409 Conflict")),
        (Health(), b"HTTP/1.0 200 OK\r\n\r\nuntil the end"),
    ],
    ids=["json", "text", "any", "status", "HTTP/1.0"],
)
def test_well(expected: Health, reply: bytes) -> None:
    assert asked(expected, reply) == Answer("well")


@pytest.mark.parametrize(
    ("expected", "reply", "reason"),
    [
        (
            PING,
            answer("", "503 Service Unavailable"),
            "answers 503 Service Unavailable",
        ),
        (
            PING,
            answer(
                "", "303 See Other", "redirect-reason: AdminInitTimeout\r\n"
            ),
            "answers 303 AdminInitTimeout",
        ),
        (PING, answer('{"status":"Error"}'), 'says {"status":"Error"}'),
        (PING, answer("<html>"), "says <html>"),
        (PING, answer('["OK"]'), 'says ["OK"]'),
        (PING, answer(""), "says nothing"),
        (WORDS, answer("Unhealthy"), "says Unhealthy"),
        (
            PING,
            b"\x00\xff no HTTP at all\r\n\r\n",
            "answers with something that is not HTTP",
        ),
        (WORDS, answer("a\x1b[31m\nb" + "c" * 90), f"says a?[31m b{'c' * 31}…"),
    ],
)
def test_wrong(expected: Health, reply: bytes, reason: str) -> None:
    assert asked(expected, reply) == Answer("wrong", reason)


def test_cut_off_body_is_wrong() -> None:
    reply = b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"status":"O'
    assert asked(PING, reply).verdict == "wrong"


def test_application_says_itself_that_it_starts() -> None:
    assert asked(WORDS, answer("Degraded")) == Answer(
        "starting", "says Degraded"
    )


def test_redirects_are_not_followed() -> None:
    moved = answer("", "307 Temporary Redirect", "Location: /sonarr/ping\r\n")
    with speaking(moved) as server:
        found = probe_once(PING, server.address, 2)
        assert len(server.asked) == 1
    assert found == Answer("wrong", "answers 307 Temporary Redirect")


def test_the_host_is_named_as_every_application_allows() -> None:
    with speaking(answer('{"status":"OK"}')) as server:
        probe_once(PING, server.address, 2)
        head = server.asked[0].decode()
    assert head.startswith("GET /ping HTTP/1.1\r\n")
    assert head.count("Host:") == 1
    assert f"Host: 127.0.0.1:{server.port}\r\n" in head


def test_nobody_listens(free_port: Callable[[], int]) -> None:
    port = free_port()
    found = probe_once(PING, ("127.0.0.1", port), 2)
    assert found == Answer("absent", f"nothing listens on port {port}")


def reset(connection: socket.socket) -> None:
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@pytest.mark.parametrize("expected", [PING, TCP], ids=["http", "tcp"])
@pytest.mark.parametrize("act", [reset, lambda _: None], ids=["reset", "end"])
def test_the_proxy_of_a_deaf_container_hangs_up(
    expected: Health, act: Callable[[socket.socket], None]
) -> None:
    with speaking(act) as server:
        assert probe_once(expected, server.address, 2).verdict == "absent"


def test_tcp_that_waits_for_us_is_well() -> None:
    release = threading.Event()
    with speaking(lambda _: bool(release.wait(10)) and None) as server:
        assert probe_once(TCP, server.address, 2) == Answer("well")
        release.set()


def hang(connection: socket.socket) -> None:
    connection.settimeout(10)
    while connection.recv(4096):
        pass


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("act", [hang, drip], ids=["hang", "drip"])
def test_late_is_silent(act: Callable[[socket.socket], None]) -> None:
    began = time.monotonic()
    with speaking(act) as server:
        found = probe_once(PING, server.address, 0.3)
    assert found == Answer("silent", "gave no answer within 0.3 s")
    assert time.monotonic() - began < 2


def test_endless_body_is_not_read_to_its_end() -> None:
    sent: list[int] = []
    done = threading.Event()

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while len(sent) < 10_000:
                sent.append(connection.send(bytes(65536)))
        finally:
            done.set()

    with speaking(flood) as server:
        assert probe_once(Health(), server.address, 5) == Answer("well")
        assert done.wait(5)
    assert sum(sent) < 50_000_000
