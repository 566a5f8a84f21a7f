"""Kill a `usenet` command at the n-th call that makes something durable.

    found = run_struck(["backup", "create"], at=n, after=True, env=env)
    found.killed    # False: it ended by itself, having made fewer calls
    found.calls     # the names of the calls that it made

As `killing.py`, but for every rename, fsync, link and removal, before or
right after it; also for those that the package makes by the C library, for
want of them in `os`. The command runs unchanged in a process of its own.
"""

import ctypes
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

CALLS = (
    *("rename", "replace", "fsync", "fdatasync"),
    *("unlink", "rmdir", "mkdir", "link"),
)
LIBRARY_CALLS = ("renameat2", "syncfs")


class Struck(NamedTuple):
    """What a run left behind; see the module."""

    killed: bool
    calls: int
    code: int
    stdout: str
    stderr: str


def run_struck(
    argv: Sequence[str],
    *,
    at: int,
    after: bool,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 120.0,
) -> Struck:
    """Run `python -m usenet_stack argv...` and kill it at a call.

    Args:
        at: the call, from 1; 0 is never.
        after: right after the call, else right before it.
    """
    with tempfile.TemporaryFile() as count:
        words = [str(count.fileno()), str(at), "after" if after else "before"]
        ended = subprocess.run(
            [sys.executable, __file__, *words, *argv],
            env=env,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            pass_fds=[count.fileno()],
            check=False,
        )
        return Struck(
            ended.returncode == -signal.SIGKILL,
            os.fstat(count.fileno()).st_size,
            ended.returncode,
            ended.stdout,
            ended.stderr,
        )


def arm(count: int, at: int, after: bool) -> None:
    """Wrap the functions of `os` and of the C library in this process."""
    write = os.write

    def wrapped(real: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            write(count, b".")
            struck = os.fstat(count).st_size == at
            if struck and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return real(*args, **options)
            finally:
                if struck:
                    os.kill(os.getpid(), signal.SIGKILL)

        return call

    for name in CALLS:
        setattr(os, name, wrapped(getattr(os, name)))

    class Library(ctypes.CDLL):
        def __getattr__(self, name: str) -> Any:
            function = super().__getattr__(name)
            if name in LIBRARY_CALLS:
                function = wrapped(function)
                setattr(self, name, function)
            return function

    ctypes.CDLL = Library  # type: ignore[misc]


def main(count: str, at: str, when: str, *argv: str) -> None:
    os.set_inheritable(int(count), False)
    sys.path[0] = ""  # as `python -m` has it, not this folder
    sys.argv = ["usenet", *argv]
    arm(int(count), int(at), when == "after")
    runpy.run_module("usenet_stack", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
