"""Ask a service from outside whether it works."""

import http.client
import json
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

Verdict = Literal["well", "starting", "wrong", "silent", "absent"]
Address = tuple[str, int]

CONNECT_SECONDS = 2.0
# Docker's proxy accepts for a container where nobody listens, and hangs up
# at once: a connection counts when it lives this long.
PROXY_SECONDS = 0.05
BODY_LIMIT = 64 * 1024


class Expected(Protocol):
    """How to ask, and what to hear: `stack.service.Health` has it all."""

    @property
    def kind(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def status(self) -> Sequence[int]: ...
    @property
    def text(self) -> str: ...
    @property
    def starting_text(self) -> str: ...
    @property
    def json(self) -> Mapping[str, Any]: ...


class Answer(NamedTuple):
    """What a service said.

    Args:
        verdict: well; starting: it says so itself; wrong: an answer, but
            not the expected one; silent: none in time; absent: nobody
            listens.
        reason: one clause for the user, "" when it is well.
    """

    verdict: Verdict
    reason: str = ""


class Heard(NamedTuple):
    """An answer as it came.

    Args:
        status: of HTTP; 0 when there was none.
        seconds: how long it took.
    """

    answer: Answer
    status: int
    seconds: float


def probe_once(expected: Expected, address: Address, seconds: float) -> Answer:
    """Ask once; redirects are answers and not followed.

    Args:
        expected: kind http or tcp, and what it should say.
        address: where the host reaches it.
        seconds: how long it may take.
    """
    return listen(expected, address, seconds).answer


def listen(expected: Expected, address: Address, seconds: float) -> Heard:
    """Ask once, as `probe_once`, and tell how the answer came."""
    began = time.monotonic()
    statuses: list[int] = []
    answer = _ask(expected, address, seconds, statuses)
    status = statuses[0] if statuses else 0
    return Heard(answer, status, time.monotonic() - began)


def _ask(
    expected: Expected, address: Address, seconds: float, statuses: list[int]
) -> Answer:
    until = time.monotonic() + seconds
    try:
        if expected.kind == "tcp":
            return _ask_tcp(address, until)
        return _ask_http(expected, address, until, statuses)
    except TimeoutError:
        return Answer("silent", f"gave no answer within {seconds:g} s")
    except ConnectionRefusedError:
        return Answer("absent", f"nothing listens on port {address[1]}")
    except ConnectionError:
        return Answer("absent", f"port {address[1]} hangs up at once")
    except http.client.HTTPException:
        return Answer("wrong", "answers with something that is not HTTP")
    except OSError as problem:
        why = problem.strerror or str(problem)
        return Answer("absent", f"cannot be reached: {why}")


def _ask_tcp(address: Address, until: float) -> Answer:
    with socket.create_connection(address, _connect_limit(until)) as connection:
        connection.settimeout(max(0.01, min(PROXY_SECONDS, _left(until))))
        try:
            if connection.recv(1):
                return Answer("well")
        except TimeoutError:
            # It waits for us to speak first.
            return Answer("well")
    raise ConnectionResetError


def _ask_http(
    expected: Expected, address: Address, until: float, statuses: list[int]
) -> Answer:
    host, port = address
    connection = http.client.HTTPConnection(
        host, port, timeout=_connect_limit(until)
    )
    try:
        connection.connect()
        connection.sock.settimeout(_left(until))
        # Several applications refuse names that they were not told of.
        headers = {"Host": f"127.0.0.1:{port}", "Connection": "close"}
        connection.request(expected.method, expected.path, headers=headers)
        response = connection.getresponse()
        statuses.append(response.status)
        body = _read(response, connection.sock, until)
        return _judge(expected, response, body)
    finally:
        connection.close()


def _read(
    response: http.client.HTTPResponse,
    sock: socket.socket | None,
    until: float,
) -> bytes:
    body = bytearray()
    while len(body) < BODY_LIMIT:
        if sock is not None and sock.fileno() >= 0:
            sock.settimeout(_left(until))
        block = response.read1(BODY_LIMIT - len(body))
        if not block:
            break
        body += block
        _left(until)
    return bytes(body)


def _judge(
    expected: Expected, response: http.client.HTTPResponse, body: bytes
) -> Answer:
    text = body.decode(errors="replace").strip()
    if response.status not in expected.status:
        said = response.headers.get("redirect-reason") or response.reason
        return Answer("wrong", f"answers {response.status} {_short(said)}")
    if expected.starting_text and text == expected.starting_text:
        return Answer("starting", f"says {text}")
    if expected.text and text != expected.text:
        return Answer("wrong", f"says {_short(text)}")
    if expected.json and not _holds(text, expected.json):
        return Answer("wrong", f"says {_short(text)}")
    return Answer("well")


def _holds(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return (
        isinstance(found, dict)
        and wanted.items()
        <= {key: value for key, value in found.items() if key in wanted}.items()
    )


def _short(text: str) -> str:
    line = " ".join(text.split()) or "nothing"
    shown = line if len(line) <= 40 else f"{line[:39]}…"
    return "".join(c if c.isprintable() else "?" for c in shown)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connect_limit(until: float) -> float:
    return min(CONNECT_SECONDS, _left(until))
