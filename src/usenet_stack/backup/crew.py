"""Who works while an archive is read on: making files, checking databases.

Making thousands of small files takes the kernel as long as reading them takes
us, so two processes do it; see `making`. SQLite keeps to itself for long, so
databases are checked in a thread.
"""

import errno
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from types import TracebackType

from usenet_stack.backup import making
from usenet_stack.backup.copy_databases import die_with_parent
from usenet_stack.backup.making import Order, packed
from usenet_stack.backup.members import Member
from usenet_stack.backup.placing import Placer
from usenet_stack.backup.reading import Content, changed

MAKERS = 2
SMALL = 256 * 1024
BATCH = 256 * 1024
ROW = 512  # what an empty file takes of a batch
PIPE = 1024 * 1024  # as large as any user may have one


class Crew:
    """Places files; all of them are there after `wait`.

    What it was told last may come first: a file needs its folder before.
    """

    def __init__(self) -> None:
        self._makers = [_Maker() for _ in range(MAKERS)]
        self._turns = cycle(self._makers)
        self._thread = ThreadPoolExecutor(1)
        self._checks: list[Future[None]] = []
        self._batch: list[Order] = []
        self._size = 0

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for maker in self._makers:
            maker.end()
        self._thread.shutdown(cancel_futures=True)

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
        self._batch.append(placer.order(below, member, content.whole()))
        self._size += member.size + ROW
        if self._size >= BATCH:
            self._hand_over()

    def do(self, work: Callable[[], None]) -> None:
        """Have something done that nothing else waits for."""
        self._checks.append(self._thread.submit(work))

    def wait(self) -> None:
        """Wait until all is done.

        Raises:
            ValueError, OSError: what went wrong first.
        """
        self._hand_over()
        for maker in self._makers:
            maker.wait()
        while self._checks:
            self._checks.pop(0).result()

    def _hand_over(self) -> None:
        batch, self._batch, self._size = self._batch, [], 0
        if batch:
            next(self._turns).send(batch)


class _Maker:
    """A process that makes files; see `making`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(making.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            # Ctrl-C is for us to act on.
            process_group=0,
            preexec_fn=die_with_parent,
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        with suppress(OSError):  # it is slower with a small one
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE)

    def send(self, orders: list[Order]) -> None:
        """Hand over what is to be made.

        Raises:
            ValueError, OSError: what went wrong with any before.
        """
        view = memoryview(packed(orders))
        try:
            while view:
                view = view[os.write(self._pipe, view) :]
        except BrokenPipeError:
            self._answer()

    def wait(self) -> None:
        """Wait until all that was sent is made; raises as `send`."""
        self.send([])
        self._answer()

    def _answer(self) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            why = "the process that makes files has ended"
            raise ChildProcessError(errno.ECHILD, why)
        wrong = json.loads(line)
        if "changed" in wrong:
            raise changed(bytes.fromhex(wrong["changed"]))
        if "errno" in wrong:
            number = wrong["errno"]
            raise OSError(number, os.strerror(number), wrong["path"])
        if "why" in wrong:
            raise ValueError(wrong["why"])

    def end(self) -> None:
        """End it; what it has not made yet is not made."""
        self._process.kill()
        self._process.communicate()
