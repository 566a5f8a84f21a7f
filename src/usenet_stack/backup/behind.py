"""Pieces that are stored in a thread of its own, while more are made.

Writing is work that Python's lock does not hold up; pieces come many at a
time, so that it changes hands seldom.
"""

from collections.abc import Callable
from queue import Queue
from threading import Thread

AHEAD = 4


class WriteBehind:
    """Calls `store` with pieces, in order.

    Args:
        store: it may raise OSError; nothing more is stored then.
    """

    def __init__(self, store: Callable[[list[bytes]], None]) -> None:
        self._store = store
        self._pieces: Queue[list[bytes]] = Queue(AHEAD)
        self._problem: OSError | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while pieces := self._pieces.get():
            if self._problem is None:
                try:
                    self._store(pieces)
                except OSError as problem:
                    self._problem = problem

    def write(self, pieces: list[bytes]) -> None:
        """Have pieces stored; wait only where many are not yet.

        Args:
            pieces: nobody else's from now on.

        Raises:
            OSError: what storing earlier ones raised.
        """
        if self._problem:
            raise self._problem
        if pieces:
            self._pieces.put(pieces)

    def finish(self) -> None:
        """Wait until all is stored.

        Raises:
            OSError: what storing them raised.
        """
        self.close()
        if self._problem:
            raise self._problem

    def close(self) -> None:
        """Let the thread end with what it has."""
        if self._thread.is_alive():
            self._pieces.put([])
            self._thread.join()
