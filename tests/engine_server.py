"""A server on a Unix socket that says what a test tells it to say."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PING = "/_ping"


def answer(
    body: bytes | str, status: str = "200 OK", headers: str = ""
) -> bytes:
    """Return a whole HTTP answer."""
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
    return head.encode() + data


class EngineServer:
    """Answers requests by their target; each connection holds one.

    Args:
        path: of the socket.
        api: the version that /_ping tells.
    """

    def __init__(self, path: Path, api: str = "1.41") -> None:
        self.path = path
        self.api = api
        self.answers: dict[str, bytes | Callable[[socket.socket], None]] = {}
        self.asked: list[str] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(16)

    def serve(self) -> None:
        """Answer until the listener is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._one, args=(connection,), daemon=True
            ).start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                block = connection.recv(65536)
                if not block:
                    return
                head += block
            line = head.partition(b"\r\n")[0].decode()
            self.asked.append(line.rpartition(" ")[0])
            target = line.split()[1]
            if target == PING and PING not in self.answers:
                said = f"Api-Version: {self.api}\r\n"
                connection.sendall(answer("OK", headers=said))
                return
            reply = self.answers[target.partition("?")[0]]
            if callable(reply):
                reply(connection)
            else:
                connection.sendall(reply)


@contextmanager
def engine_server(path: Path, api: str = "1.41") -> Iterator[EngineServer]:
    """Serve on a new socket while the block runs."""
    server = EngineServer(path, api)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # A mere close does not wake the thread that accepts.
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(5)
