"""A port of 127.0.0.1 that says what a test wants it to say."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Act = bytes | Callable[[socket.socket], None]


class Spoken:
    """One listening port.

    Args:
        act: what it sends after a request; a function gets the connection
            as soon as it is there.
    """

    def __init__(self, act: Act) -> None:
        self.act = act
        self.asked: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.listener.getsockname()

    @property
    def port(self) -> int:
        return self.address[1]

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
        # A client that has heard enough hangs up: that is no failure.
        with connection, suppress(OSError):
            if callable(self.act):
                self.act(connection)
                return
            self.asked.append(connection.recv(65536))
            connection.sendall(self.act)


@contextmanager
def speaking(act: Act) -> Iterator[Spoken]:
    """Listen on a free port while the block runs."""
    server = Spoken(act)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(5)
