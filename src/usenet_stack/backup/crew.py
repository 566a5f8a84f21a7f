"""Threads that do while an archive is read on: making files, checking them.

Making thousands of small files is work for the kernel, which Python's lock
does not hold up: two threads do it beside the one that reads and compares.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from usenet_stack.backup.members import Member
from usenet_stack.backup.placing import Placer
from usenet_stack.backup.reading import Content, Whole

THREADS = 2
SMALL = 256 * 1024
BATCH, BATCH_FILES = 1024 * 1024, 32
AHEAD = 8

_Small = tuple[Placer, bytes, Whole]


class Crew:
    """Places files; all of them are there after `wait`.

    What it was told last may come first: a file needs its folder before.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS)
        self._under_way: deque[Future[None]] = deque()
        self._batch: list[_Small] = []
        self._size = 0

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    def place(
        self, placer: Placer, below: bytes, member: Member, content: Content
    ) -> None:
        """Make a member, or have it made.

        Raises:
            ValueError, OSError: as `Placer.place`, also of one before.
        """
        if member.type != "file" or member.size > SMALL or member.extents:
            placer.place(below, member, content)
            return
        self._batch.append(
            (placer, below, content.whole()._replace(member=member))
        )
        self._size += member.size
        if len(self._batch) >= BATCH_FILES or self._size >= BATCH:
            self._hand_over()

    def do(self, work: Callable[[], None]) -> None:
        """Have something done that nothing else waits for."""
        self._hand_over()
        self._submit(work)

    def wait(self) -> None:
        """Wait until all is done.

        Raises:
            ValueError, OSError: what went wrong first.
        """
        self._hand_over()
        while self._under_way:
            self._under_way.popleft().result()

    def _hand_over(self) -> None:
        batch, self._batch, self._size = self._batch, [], 0
        if batch:
            self._submit(lambda: _make(batch))

    def _submit(self, work: Callable[[], None]) -> None:
        while len(self._under_way) >= AHEAD:
            self._under_way.popleft().result()
        self._under_way.append(self._threads.submit(work))


def _make(batch: list[_Small]) -> None:
    for placer, below, whole in batch:
        placer.put(below, whole)
