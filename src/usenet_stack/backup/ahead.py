"""A stream that is read in a thread of its own, some pieces ahead.

Unpacking is work that Python's lock does not hold up.
"""

import io
import zlib
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, Protocol

import zstandard

PIECE = 256 * 1024
PIECES = 8
FAILURES = (OSError, ValueError, EOFError, zlib.error, zstandard.ZstdError)


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class ReadAhead(io.RawIOBase):
    """Reads `source`, which is nobody else's until this is closed."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pieces: Queue[bytes | Exception] = Queue(PIECES)
        self._rest = memoryview(b"")
        self._stopped = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        piece = b" "
        try:
            while piece and not self._stopped.is_set():
                piece = self._source.read(PIECE)
                self._pieces.put(piece)
        except FAILURES as problem:
            self._pieces.put(problem)
        finally:
            self._pieces.put(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer as far as one piece goes; 0 at the end.

        Raises:
            OSError, ValueError, EOFError, zlib.error, ZstdError: what
                reading the source raised.
        """
        if not self._rest:
            found = self._pieces.get()
            if isinstance(found, Exception):
                raise found
            if not found:
                self._pieces.put(found)  # it stays at its end
            self._rest = memoryview(found)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Let the thread end; the source may be closed then."""
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._pieces.get(timeout=0.01)
            except Empty:
                continue
        super().close()
