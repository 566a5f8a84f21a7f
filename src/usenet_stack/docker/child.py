"""Run a program that ends when this process ends, however it ends."""

import ctypes
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, NamedTuple

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 10.0
KEPT_LINES = 200

_LIBC = ctypes.CDLL(None, use_errno=True)


class Finished(NamedTuple):
    """How a program ended.

    Args:
        status: its exit code, negative for a signal.
        output: its whole standard output.
        errors: the last lines of its standard error.
        timed_out: it was stopped because it took too long.
    """

    status: int
    output: str
    errors: list[str]
    timed_out: bool = False


def run_child(
    command: list[str],
    folder: Path,
    environ: Mapping[str, str],
    on_line: Callable[[str], None],
    seconds: float | None,
) -> Finished:
    """Run a program without a terminal and wait for its end.

    Args:
        on_line: called with each line of its standard error, here in a
            thread of its own.
        seconds: the longest it may take.

    Effects: Ctrl-C reaches us alone; we then end the program with SIGTERM,
        after 10 s with SIGKILL, and pass KeyboardInterrupt on.
    """
    timed_out = False
    child = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,
        preexec_fn=_die_with(os.getpid()),
    )
    try:
        heard = _Heard(child, on_line)
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        _end(child)
    heard.finish()
    return Finished(
        child.returncode, "".join(heard.output), list(heard.errors), timed_out
    )


class _Heard:
    """Reads both outputs of a program, so that neither pipe fills up."""

    def __init__(
        self, child: subprocess.Popen[str], on_line: Callable[[str], None]
    ) -> None:
        self.output: list[str] = []
        self.errors: deque[str] = deque(maxlen=KEPT_LINES)
        self._on_line = on_line
        assert child.stdout is not None and child.stderr is not None
        self._readers = [
            threading.Thread(target=_collect, args=pair, daemon=True)
            for pair in (
                (child.stdout, self.output.append),
                (child.stderr, self._note),
            )
        ]
        for reader in self._readers:
            reader.start()

    def _note(self, line: str) -> None:
        text = line.rstrip()
        if text:
            self.errors.append(text)
            self._on_line(text)

    def finish(self) -> None:
        """Wait for what is still in the pipes."""
        for reader in self._readers:
            # A grandchild that lives on may keep them open.
            reader.join(GRACE_SECONDS)


def _die_with(parent: int) -> Callable[[], None]:
    def bind() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return bind


def _collect(stream: IO[str], take: Callable[[str], None]) -> None:
    with stream:
        for line in stream:
            take(line)


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
