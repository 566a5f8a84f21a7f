"""Pieces that are packed and stored by threads, while more are made.

Both is work that Python's lock does not hold up: some threads pack, side by
side, and one stores what they have made, in order.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue, SimpleQueue
from threading import Thread

Pack = Callable[[memoryview], bytes]
# So that no thread waits for the one that makes pieces, or stores them.
SPARE = 2


class PackBehind:
    """Packs what is in rooms, and calls `store` with it, in order.

    Args:
        store: it may raise OSError; nothing more is stored then.
        threads: that pack; one packs in order.
        size: bytes of a room. There are a few more than threads, and each is
            used again: the kernel would clear the memory of a new one.
    """

    def __init__(
        self, store: Callable[[bytes], None], threads: int, size: int
    ) -> None:
        self._store = store
        self._problem: Exception | None = None
        self._rooms: SimpleQueue[bytearray] = SimpleQueue()
        for _ in range(threads + SPARE):
            self._rooms.put(bytearray(size))
        self._packed: Queue[Future[bytes] | None] = Queue(threads + SPARE)
        self._packers = ThreadPoolExecutor(threads)
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def room(self) -> bytearray:
        """Return a room to fill; wait until one is free."""
        return self._rooms.get()

    def put(self, room: bytearray, size: int, pack: Pack) -> None:
        """Have what is in a room packed and stored; wait where many are not.

        Args:
            room: nobody else's from now on.
            size: bytes of it that are filled.

        Raises:
            Exception: what packing or storing earlier ones raised.
        """
        if self._problem:
            raise self._problem
        self._packed.put(self._packers.submit(self._pack, room, size, pack))

    def _pack(self, room: bytearray, size: int, pack: Pack) -> bytes:
        try:
            with memoryview(room) as view:
                return pack(view[:size])
        finally:
            self._rooms.put(room)

    def _run(self) -> None:
        while packed := self._packed.get():
            if self._problem is None:
                try:
                    self._store(packed.result())
                except Exception as problem:  # noqa: BLE001 (raised by put)
                    self._problem = problem

    def finish(self) -> None:
        """Wait until all is stored.

        Raises:
            Exception: what packing or storing raised.
        """
        self.close()
        if self._problem:
            raise self._problem

    def close(self) -> None:
        """Let the threads end with what they have."""
        if self._thread.is_alive():
            self._packed.put(None)
            self._thread.join()
            self._packers.shutdown()
