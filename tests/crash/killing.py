"""Kill a `usenet` command right after the n-th journal record that it writes.

For tests:

    found = run_killed(["deploy", "--sandbox", "--yes"], after_record=n)
    found.killed    # False: it ended by itself, having written fewer records
    found.records   # how many records it wrote, the plan's included

so that "kill -9 at every record" is

    for n in itertools.count(1):
        found = run_killed(argv, after_record=n, env=env)
        ...                        # recover, and assert that nothing is lost
        if not found.killed:
            break

The command runs unchanged in a process of its own. That process starts in
this file, which wraps two functions of `os` before the package is imported:
a journal appears by `os.replace` and grows by `os.fdatasync`, and after the
n-th of these the process sends itself SIGKILL. What the command started
(docker-compose, containers) lives on, as after a real kill -9.
"""

import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Killed(NamedTuple):
    """What a run left behind.

    Args:
        killed: False when the command ended before the n-th record.
        records: how many journal records it made durable, the first (the
            plan) included; records of all journals count.
        code: its exit code, -9 when it was killed.
        stdout, stderr: all that it printed.
    """

    killed: bool
    records: int
    code: int
    stdout: str
    stderr: str


def run_killed(
    argv: Sequence[str],
    *,
    after_record: int | None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float = 300.0,
    module: str = "usenet_stack",
) -> Killed:
    """Run `python -m module argv...` and kill it after a journal record.

    Args:
        argv: the command's own arguments, as in ["deploy", "--yes"].
        after_record: n from 1; None lets it run to its end and only counts.
        env: the whole environment; None inherits this process's.
        cwd: its working folder.
        timeout_s: seconds until the run counts as hung and is ended.
        module: what runs.

    Raises:
        subprocess.TimeoutExpired: it hung; it was killed.
    """
    with (
        tempfile.TemporaryFile() as count,
        tempfile.TemporaryFile("w+") as stdout,
        tempfile.TemporaryFile("w+") as stderr,
    ):
        # Files, not pipes: what it started may hold on to its streams.
        ended = subprocess.run(
            [
                *(sys.executable, __file__),
                *(str(count.fileno()), str(after_record or 0)),
                *(module, *argv),
            ],
            env=env,
            cwd=cwd,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=[count.fileno()],
            check=False,
        )
        stdout.seek(0)
        stderr.seek(0)
        return Killed(
            ended.returncode == -signal.SIGKILL,
            os.fstat(count.fileno()).st_size,
            ended.returncode,
            stdout.read(),
            stderr.read(),
        )


def is_journal(path: str) -> bool:
    """Tell whether a path is that of a journal."""
    return path.endswith(".jsonl") and "/.usenet/journal/" in path


def arm(count: int, after_record: int, first: int = 0) -> None:
    """Wrap the two functions of `os` in this process.

    Args:
        count: an open file that grows by one byte for every record.
        after_record: the record to die after; 0 is never.
        first: a process that dies before this one; 0 is none.
    """
    replace, fdatasync, write = os.replace, os.fdatasync, os.write

    def written(path: str) -> None:
        if is_journal(path):
            write(count, b".")
            if os.fstat(count).st_size == after_record:
                if first:
                    os.kill(first, signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)

    def counted_replace(source: Any, target: Any, **options: Any) -> None:
        replace(source, target, **options)
        written(os.path.abspath(target))  # noqa: PTH100 (a str, for speed)

    def counted_fdatasync(descriptor: int) -> None:
        fdatasync(descriptor)
        written(str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    os.replace = counted_replace
    os.fdatasync = counted_fdatasync


def main(count: str, after_record: str, module: str, *argv: str) -> None:
    os.set_inheritable(int(count), False)
    sys.path[0] = ""  # as `python -m` has it, not this folder
    sys.argv = [module, *argv]
    arm(int(count), int(after_record))
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
