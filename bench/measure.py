"""What the benchmarks share: start a command, time it, weigh it."""

import ctypes
import os
import time
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PYTHON = str(CHECKOUT / ".venv/bin/python")
PROGRAM = (PYTHON, "-I", str(CHECKOUT / "src/usenet_stack/__main__.py"))
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def environment(home: Path) -> dict[str, str]:
    """Return this environment with all of the user's folders in `home`."""
    own = {n: v for n, v in os.environ.items() if not n.startswith("XDG_")}
    return {**own, "HOME": str(home)}


def spawn(
    command: tuple[str, ...], environ: Mapping[str, str] = os.environ
) -> int:
    """Start with nothing on stdin, stdout and stderr; return its id."""
    sink = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, sink, fd) for fd in (0, 1, 2)]
    try:
        return os.posix_spawn(
            command[0], command, environ, file_actions=actions
        )
    finally:
        os.close(sink)


def seconds(
    command: tuple[str, ...], environ: Mapping[str, str] = os.environ
) -> float:
    """Return how long one run takes, from its start to its end."""
    begin = time.perf_counter()
    _, status = os.waitpid(spawn(command, environ), 0)
    taken = time.perf_counter() - begin
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} exits with {code}")
    return taken


def peak_mib(
    command: tuple[str, ...], environ: Mapping[str, str] = os.environ
) -> float:
    """Return the peak resident memory of one run, without its children.

    The kernel counts the memory of the process that spawned it, which is
    this Python. So a shell starts the command, tells its id and ends, and
    the command, now an orphan, becomes a child of ours.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told, tell = os.pipe()
    script = f'"$@" & echo $! >/proc/{os.getpid()}/fd/{tell}'
    spawn(("/bin/sh", "-c", script, "sh", *command), environ)
    orphan = int(os.read(told, 20))
    os.close(told)
    os.close(tell)
    while True:  # its own orphans may end before it
        pid, _, usage = os.wait4(-1, 0)
        if pid == orphan:
            return round(usage.ru_maxrss / 1024, 1)
