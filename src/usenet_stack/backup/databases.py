"""The parent's end of the process that copies databases."""

import errno
import json
import os
import select
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from usenet_stack.backup import copy_databases
from usenet_stack.errors import UsenetError

BUSY_SECONDS = copy_databases.BUSY_SECONDS
# Bytes of copies that wait on the disk at a time, where one is not more.
MOST_WAITING = 512 * 1024 * 1024


class Copied(NamedTuple):
    """A database as it was at one moment, checked.

    Args:
        copy: where nobody writes to it.
        rows: by table.
    """

    source: str
    copy: Path
    size: int
    rows: dict[str, int]


class DatabaseCopier:
    """Copies databases one after the other while the caller goes on.

    Args:
        staging: a private folder for the copies.
        busy_seconds: how long a database may stay locked.
    """

    def __init__(
        self, staging: Path, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        self._staging = staging
        self._copies: dict[str, Path] = {}
        self._sizes: dict[str, int] = {}
        self._count = 0
        self._waiting: deque[str] = deque()
        self._begun: deque[str] = deque()
        self._answers: dict[str, bytes] = {}
        program = Path(copy_databases.__file__)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", program, str(busy_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            process_group=0,  # Ctrl-C is for us to act on
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()

    def ask(self, source: str) -> None:
        """Have a database copied; `copied` hands the copy out."""
        if source not in self._copies:
            self._count += 1
            self._copies[source] = self._staging / f"database-{self._count}"
            self._waiting.append(source)
            self._go_on()

    @property
    def is_full(self) -> bool:
        """Whether copies must be taken before more are made."""
        return bool(self._waiting)

    def finished(self) -> list[str]:
        """Return whose copies can be had without waiting for them."""
        while self._begun and self._has_answered():
            self._receive()
        return list(self._answers)

    def copied(self, source: str) -> Copied | None:
        """Wait for the copy of a database; it is the caller's then.

        Returns: None: the database has gone meanwhile.
        Raises:
            UsenetError: backup.locked, backup.database.
            OSError: the disk is full, or a file may not be read.
        """
        self.ask(source)
        if source in self._waiting:
            self._waiting.remove(source)
            self._begin(source)
        while source not in self._answers:
            self._receive()
        found: dict[str, Any] = json.loads(self._answers.pop(source))
        copy = self._copies.pop(source)
        del self._sizes[source]
        self._go_on()
        if "error" not in found:
            return Copied(source, copy, **found)
        if found["error"] == "gone":
            return None
        raise self._problem(source, found["error"], found["why"])

    def _go_on(self) -> None:
        while self._waiting:
            more = _size(self._waiting[0])
            if self._sizes and sum(self._sizes.values()) + more > MOST_WAITING:
                break
            self._begin(self._waiting.popleft())

    def _begin(self, source: str) -> None:
        assert self._process.stdin is not None
        # Else both could wait for the other to read.
        self.finished()
        self._sizes[source] = _size(source)
        words = json.dumps([source, str(self._copies[source])])
        self._process.stdin.write(f"{words}\n".encode())
        self._begun.append(source)

    def _has_answered(self) -> bool:
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def _receive(self) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        source = self._begun.popleft()
        if not line:
            if self._process.wait() == -signal.SIGBUS:
                # The disk under a copy that was being read has gone.
                reason, copy = os.strerror(errno.EIO), self._copies[source]
                raise OSError(errno.EIO, reason, str(copy))
            why = "The process that copies databases has ended."
            raise UsenetError("backup.database", path=source, why=why)
        self._answers[source] = line

    def _problem(self, source: str, error: str, why: str) -> Exception:
        if error == "SQLITE_FULL":
            reason = os.strerror(errno.ENOSPC)
            return OSError(errno.ENOSPC, reason, str(self._staging / "copy"))
        if error == "locked":
            return UsenetError("backup.locked", path=source, why=f"{why}.")
        return UsenetError("backup.database", path=source, why=f"{why}.")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 (a path of text)
    except OSError:
        return 0  # it has gone, which is told once it is copied
