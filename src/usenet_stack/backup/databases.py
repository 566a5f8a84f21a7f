"""The parent's end of the process that copies databases."""

import errno
import json
import os
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
AT_ONCE = 16


class Copied(NamedTuple):
    """A database as it was at one moment, checked.

    Args:
        copy: where nobody writes to it.
        rows: by table.
    """

    source: str
    copy: Path
    sha256: str
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
        self._pending: deque[tuple[str, Path]] = deque()
        self._waiting: deque[str] = deque()
        self._count = 0
        program = Path(copy_databases.__file__)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", program, str(busy_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
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
        """Have a database copied; `next` hands the copies out in order."""
        self._count += 1
        target = self._staging / f"database-{self._count}"
        self._pending.append((source, target))
        self._waiting.append(json.dumps([source, str(target)]))
        self._send()

    def _send(self) -> None:
        # Never so many that both pipes could be full.
        assert self._process.stdin is not None
        sent = len(self._pending) - len(self._waiting)
        while self._waiting and sent < AT_ONCE:
            self._process.stdin.write(f"{self._waiting.popleft()}\n")
            sent += 1

    def next(self) -> Copied | None:
        """Wait for the next copy; None: the database has gone meanwhile.

        Raises:
            UsenetError: backup.locked, backup.database.
            OSError: the disk is full, or a file may not be read.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        source, copy = self._pending.popleft()
        self._send()
        if not line:
            if self._process.wait() == -signal.SIGBUS:
                # The disk under a copy that was being read has gone.
                reason = os.strerror(errno.EIO)
                raise OSError(errno.EIO, reason, str(copy))
            why = "The process that copies databases has ended."
            raise UsenetError("backup.database", path=source, why=why)
        found: dict[str, Any] = json.loads(line)
        if "error" not in found:
            return Copied(source, copy, **found)
        if found["error"] == "gone":
            return None
        raise self._problem(source, found["error"], found["why"])

    def _problem(self, source: str, error: str, why: str) -> Exception:
        if error == "SQLITE_FULL":
            reason = os.strerror(errno.ENOSPC)
            return OSError(errno.ENOSPC, reason, str(self._staging / "copy"))
        if error == "locked":
            return UsenetError("backup.locked", path=source, why=f"{why}.")
        return UsenetError("backup.database", path=source, why=f"{why}.")
