"""When a call is sent again, and after which pause."""

import http.server
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from usenet_stack.apps.http import Http
from usenet_stack.apps.message import Raw, Request
from usenet_stack.apps.retry import Patience, asked_pause
from usenet_stack.errors import UsenetError

NOW = 1_700_000_000.0


def answer(status: int, **headers: str) -> Raw:
    names = {k.replace("_", "-"): v for k, v in headers.items()}
    return Raw(status, names, b"{}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("005", 5.0),
        ("120", 120.0),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        ("9" * 40, 999_999_999.0),
    ],
)
def test_retry_after_is_read(text: str, seconds: float) -> None:
    assert asked_pause(answer(429, retry_after=text), NOW) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "²", "x" * 9999])
def test_what_retry_after_does_not_say(text: str) -> None:
    assert asked_pause(answer(429, retry_after=text), NOW) is None


def test_pauses_double_and_never_leave_their_bounds() -> None:
    least = Patience(first_seconds=0.1, jitter=lambda: 0.0)
    most = Patience(first_seconds=0.1, jitter=lambda: 1.0)
    pauses = [(least.pause(n, None), most.pause(n, None)) for n in (1, 2, 3)]
    assert pauses == [(0.05, 0.1), (0.1, 0.2), (0.2, 0.4)]


def test_pauses_differ_from_one_to_the_next() -> None:
    patience = Patience()
    assert len({patience.pause(1, None) for _ in range(20)}) > 1


def test_never_sooner_than_asked() -> None:
    assert Patience().pause(1, 7.0) == 7.0
    assert Patience(jitter=lambda: 1.0).pause(3, 0.0) == 0.4


@pytest.mark.parametrize(
    ("request_", "safe"),
    [
        (Request("GET", "/"), True),
        (Request("HEAD", "/"), True),
        (Request("POST", "/"), False),
        (Request("PUT", "/"), False),
        (Request("DELETE", "/"), False),
        (Request("POST", "/", repeatable=True), True),
        (Request("GET", "/", repeatable=False), False),
    ],
)
def test_what_may_be_repeated(request_: Request, safe: bool) -> None:
    assert request_.safe is safe


# A success after which the connection ends without a word about it.
CLOSES = -200


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers with the statuses of a script, then 200."""

    protocol_version = "HTTP/1.1"
    script: list[int]
    seen: list[str]
    peers: set[object]

    def reply(self) -> None:
        self.seen.append(self.command)
        self.peers.add(self.client_address)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = self.script.pop(0) if self.script else 200
        if not status:
            self.close_connection = True
            return
        self.close_connection = status == CLOSES
        self.send_response(abs(status))
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"{}")

    do_GET = do_HEAD = do_POST = do_PUT = reply

    def log_message(self, format: str, *args: object) -> None:
        pass


Served = Callable[..., tuple[Http, type[Scripted]]]


@contextmanager
def scripted(*script: int, **more: object) -> Iterator[tuple[Http, type]]:
    handler = type(
        "Handler",
        (Scripted,),
        {"script": list(script), "seen": [], "peers": set()},
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    client = Http("x", ("127.0.0.1", server.server_port), **more)  # type: ignore[arg-type]
    try:
        yield client, handler
    finally:
        client.close()
        server.shutdown()
        thread.join()
        server.server_close()


QUICK = Patience(first_seconds=0.01)


@pytest.mark.parametrize("status", [0, 429, 502, 503, 504])
def test_reading_is_repeated(status: int) -> None:
    with scripted(status, status, patience=QUICK) as (client, server):
        assert client.get("/").data == {}
        assert server.seen == ["GET"] * 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_answers_are_not_asked_for_again(status: int) -> None:
    with scripted(status, patience=QUICK) as (client, server):
        with pytest.raises(UsenetError):
            client.get("/")
        assert server.seen == ["GET"]


@pytest.mark.parametrize("status", [0, 429, 502, 503, 504])
def test_changes_are_sent_once(status: int) -> None:
    with scripted(status, patience=QUICK) as (client, server):
        with pytest.raises(UsenetError):
            client.send("POST", "/", {"a": 1})
        assert server.seen == ["POST"]


def test_the_connection_is_used_again() -> None:
    with scripted() as (client, server):
        for _ in range(5):
            client.get("/")
        client.send("POST", "/", {"a": 1})
        assert len(server.peers) == 1


def test_a_connection_that_ended_is_not_used_for_a_change() -> None:
    with scripted(CLOSES, patience=QUICK) as (client, server):
        client.get("/")
        connection = client._connection
        assert connection is not None
        # Its end has arrived; http.client does not look.
        select.select([connection.sock._sock], [], [], 10)
        assert client.send("POST", "/", {"a": 1}).data == {}
        assert server.seen == ["GET", "POST"]
        assert len(server.peers) == 2


def test_calls_together_share_their_time() -> None:
    patience = Patience(attempts=50, first_seconds=0.01)
    with scripted(*[503] * 99, seconds=0.3, patience=patience) as (client, _):
        began = time.monotonic()
        with client.together():
            for _ in range(4):
                with pytest.raises(UsenetError):
                    client.get("/")
        assert time.monotonic() - began < 0.3 + 1.0


def test_the_last_failure_is_told_when_time_is_up() -> None:
    slow = Patience(attempts=9, first_seconds=60)
    with scripted(503, seconds=5, patience=slow) as (client, server):
        began = time.monotonic()
        with pytest.raises(UsenetError) as caught:
            client.get("/")
        assert caught.value.code == "app.failing"
        assert time.monotonic() - began < 4
        assert server.seen == ["GET"]
