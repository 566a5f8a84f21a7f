"""An HTTP connection of which every step obeys one deadline."""

import http.client
import io
import select
import socket
import time
from typing import Any

CONNECT_SECONDS = 2.0
Address = tuple[str, int]


class Deadline:
    """A point in time; every wait asks it how long it may take.

    Args:
        seconds: from now.
        step_seconds: the longest single wait.
    """

    def __init__(self, seconds: float, step_seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._step = step_seconds

    def left(self) -> float:
        """Return the seconds that are left, possibly below 0."""
        return self._until - time.monotonic()

    def step(self, limit: float | None = None) -> float:
        """Return how long the next wait may take.

        Raises:
            TimeoutError: none at all.
        """
        left = self.left()
        if left <= 0:
            raise TimeoutError
        return min(left, self._step if limit is None else limit)


class Connection(http.client.HTTPConnection):
    """A connection that can be used again and again.

    http.client gives each `recv` the same time-out: a peer that sends a
    byte now and then would hold it for ever, in the headers as well. Here
    each of them gets what is left of `deadline`.
    """

    def __init__(self, address: Address, deadline: Deadline) -> None:
        super().__init__(*address)
        self.deadline = deadline

    def connect(self) -> None:
        """Connect within the deadline.

        Raises:
            OSError: it cannot be reached; TimeoutError: not in time.
        """
        found = socket.create_connection(
            (self.host, self.port), self.deadline.step(CONNECT_SECONDS)
        )
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock: Any = _TimedSocket(found, self)

    @property
    def open(self) -> bool:
        """Return whether a request can go out without connecting again."""
        return self.sock is not None and not self.sock.ended()


class _TimedSocket:
    """The part of a socket that http.client uses, with the deadline."""

    def __init__(self, sock: socket.socket, owner: Connection) -> None:
        self._sock = sock
        self._owner = owner

    def sendall(self, data: Any) -> None:
        self.arm()
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        raw: io.RawIOBase = self._sock.makefile("rb", buffering=0)
        return io.BufferedReader(_TimedReader(raw, self))

    def arm(self) -> None:
        self._sock.settimeout(self._owner.deadline.step())

    def ended(self) -> bool:
        # Nothing is owed to us between two requests: what can be read then
        # is the end of the connection.
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        self._sock.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: _TimedSocket) -> None:
        self._raw = raw
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.arm()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
