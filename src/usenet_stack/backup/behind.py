"""Pieces that are stored in a thread of its own, while more are made.

Hashing and writing is work that Python's lock does not hold up; pieces are
large, so that it changes hands seldom.
"""

from collections.abc import Callable
from queue import Queue
from threading import Thread

PIECES = 4


class WriteBehind:
    """Calls `store` with each piece, in order, nobody else's until `finish`.

    Args:
        store: it may raise OSError; nothing more is stored then.
    """

    def __init__(self, store: Callable[[bytes], None]) -> None:
        self._store = store
        self._pieces: Queue[bytes] = Queue(PIECES)
        self._problem: OSError | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while piece := self._pieces.get():
            if self._problem is None:
                try:
                    self._store(piece)
                except OSError as problem:
                    self._problem = problem

    def write(self, piece: bytes) -> None:
        """Have a piece stored; wait only where several are not yet.

        Raises:
            OSError: what storing an earlier piece raised.
        """
        if self._problem:
            raise self._problem
        if piece:
            self._pieces.put(piece)

    def finish(self) -> None:
        """Wait until all is stored.

        Raises:
            OSError: what storing a piece raised.
        """
        self.close()
        if self._problem:
            raise self._problem

    def close(self) -> None:
        """Let the thread end with what it has."""
        if self._thread.is_alive():
            self._pieces.put(b"")
            self._thread.join()
