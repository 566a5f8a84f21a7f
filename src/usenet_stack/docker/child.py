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
    assert child.stdout is not None and child.stderr is not None
    output: list[str] = []
    errors: deque[str] = deque(maxlen=KEPT_LINES)
    readers = [
        threading.Thread(target=_collect, args=(child.stdout, output.append)),
        threading.Thread(
            target=_collect,
            args=(child.stderr, lambda line: _note(line, errors, on_line)),
        ),
    ]
    for reader in readers:
        reader.daemon = True
        reader.start()
    timed_out = False
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        _end(child)
    for reader in readers:
        reader.join(GRACE_SECONDS)
    return Finished(child.returncode, "".join(output), list(errors), timed_out)


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


def _note(
    line: str, errors: deque[str], on_line: Callable[[str], None]
) -> None:
    text = line.rstrip()
    if text:
        errors.append(text)
        on_line(text)


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
