"""An application that goes wrong in one way, on a raw socket."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

LARGE = 10 * 2**20
DRIP_SECONDS = 0.05


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    text: str

    def has(self, text: str) -> bool:
        return text in self.text.lower()


Answer = bytes | None
# Called with the connection; what it returns is sent, None: it did that.
Fault = Callable[["FaultServer", socket.socket, Asked], Answer]


def response(
    status: int, body: bytes | str, *headers: str, length: int | None = None
) -> bytes:
    """Return a response; `length` is what it says of its body."""
    data = body.encode() if isinstance(body, str) else body
    size = len(data) if length is None else length
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {size}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + data


def spoken(data: Any, *headers: str) -> bytes:
    """Return a success with JSON."""
    return response(200, json.dumps(data), *headers)


class FaultServer:
    """Answers what `good` holds, except where the fault says otherwise.

    Args:
        good: JSON by path, without the query.
        at: the path that is wrong; "": all of them.
        times: how many requests are answered wrongly; -1: all.
    """

    def __init__(
        self, good: dict[str, Any], fault: Fault, at: str = "", times: int = -1
    ) -> None:
        self.good = good
        self.asked: list[Asked] = []
        self.stopping = threading.Event()
        self._fault = fault
        self._at = at
        self._left = times
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(
                    target=self._talk, args=[connection], daemon=True
                ).start()

    def _talk(self, connection: socket.socket) -> None:
        # The client goes when it has had enough.
        with suppress(OSError), connection:
            while asked := _receive(connection):
                self.asked.append(asked)
                answer = self._answer(connection, asked)
                if answer is None:
                    return
                connection.sendall(answer)

    def _answer(self, connection: socket.socket, asked: Asked) -> Answer:
        path = asked.path.partition("?")[0]
        if self._left and self._at in ("", path):
            self._left -= 1
            return self._fault(self, connection, asked)
        if path == "/transmission/rpc" and not asked.has("session-id"):
            return response(409, "", "X-Transmission-Session-Id: one")
        return spoken(self.good[path])

    def close(self) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _receive(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(65536)
        if not block:
            return None
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    length = 0
    for line in text.splitlines()[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    method, path, _ = text.splitlines()[0].split(" ")
    return Asked(method, path, f"{text}\n{body.decode()}")


# -- the faults --------------------------------------------------------------


def hang(server: FaultServer, sock: socket.socket, asked: Asked) -> Answer:
    """Never say anything."""
    server.stopping.wait(30)
    return None


def _drip(server: FaultServer, sock: socket.socket, data: bytes) -> None:
    for byte in data:
        if server.stopping.wait(DRIP_SECONDS):
            return
        sock.sendall(bytes([byte]))


def drip_headers(
    server: FaultServer, sock: socket.socket, asked: Asked
) -> Answer:
    """Send the headers one byte at a time."""
    _drip(server, sock, response(200, "{}", "X-Long: " + "x" * 2000))
    return None


def drip_body(server: FaultServer, sock: socket.socket, asked: Asked) -> Answer:
    """Send the body one byte at a time."""
    sock.sendall(response(200, "", length=2000))
    _drip(server, sock, b"[" * 2000)
    return None


def reset(server: FaultServer, sock: socket.socket, asked: Asked) -> Answer:
    """Tear the connection down in the middle of the body."""
    sock.sendall(response(200, '{"half":', length=1000))
    linger = struct.pack("ii", 1, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    sock.close()
    return None


def hang_up(server: FaultServer, sock: socket.socket, asked: Asked) -> Answer:
    """Close the connection in the middle of the body."""
    sock.sendall(response(200, '{"half":', length=1000))
    sock.close()
    return None


def garbage(server: FaultServer, sock: socket.socket, asked: Asked) -> Answer:
    """Speak another protocol."""
    sock.sendall(b"\x00\x01SSH-2.0-OpenSSH\r\n\r\n")
    sock.close()
    return None


def says(answer: bytes) -> Fault:
    """Answer with these bytes."""
    return lambda server, sock, asked: answer


def echo(status: int) -> Fault:
    """Fail, and tell everything that was asked, keys included."""

    def fault(server: FaultServer, sock: socket.socket, asked: Asked) -> Answer:
        lines = [f"{asked.method} {asked.path}", *asked.text.splitlines()]
        errors = [{"propertyName": "X", "errorMessage": x} for x in lines]
        return response(status, json.dumps(errors))

    return fault


def large(server: FaultServer, sock: socket.socket, asked: Asked) -> Answer:
    """Send a text of 10 MB that does not say how long it is."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    sock.sendall(_LARGE_TEXT)
    sock.close()
    return None


_LARGE_TEXT = b'"' + b"x" * LARGE + b'"'


# -- nobody at home ----------------------------------------------------------


@contextmanager
def refusing() -> Iterator[int]:
    """Give a port at which nobody listens, and nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


@contextmanager
def overrun() -> Iterator[int]:
    """Give a port whose queue is full: connections are not even refused."""
    waiting = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = int(listener.getsockname()[1])
        try:
            for _ in range(3):
                sock = socket.socket()
                sock.setblocking(False)
                waiting.append(sock)
                with suppress(BlockingIOError):
                    sock.connect(("127.0.0.1", port))
            yield port
        finally:
            for sock in waiting:
                sock.close()
