"""Child processes that are never waited for: they may hang in the kernel."""

import os
import select
import signal
import sys
import time
from collections.abc import Callable

CHUNK = 65536
# Abandoned ones; taken note of when they have ended, so that a program that
# runs for long gathers no zombies.
_left: list[int] = []


class Child:
    """A process in a session of its own, its output in a pipe.

    Args:
        pid: of the process. `output`: where its output comes from.
    """

    def __init__(self, pid: int, output: int) -> None:
        self.pid = pid
        self.output = output
        _left.append(pid)

    def read(self) -> bytes:
        """Return what it wrote since, b"" at the end of its output."""
        return os.read(self.output, CHUNK)

    def read_until(self, end: float) -> bytes | None:
        """Return all its output, or None when it has not ended in time.

        Args:
            end: by the monotonic clock.
        """
        poll = select.poll()
        poll.register(self.output, select.POLLIN)
        output = b""
        while poll.poll(max(0, 1000 * (end - time.monotonic()))):
            chunk = self.read()
            if not chunk:
                return output
            output += chunk
        return None

    def leave(self) -> None:
        """Abandon it: kill, never wait."""
        if self.pid in _left:
            os.kill(self.pid, signal.SIGKILL)
        os.close(self.output)
        _forget_the_dead()


def spawn(
    command: list[str], document: bytes = b"", *, errors_too: bool = False
) -> Child:
    """Start a program.

    Args:
        command: what to run; looked for on the PATH.
        document: what stands on its stdin; the child reads all of it, or
            it is short.
        errors_too: what it writes on stderr belongs to its output.

    Raises:
        OSError: it cannot be started.
    """
    output, theirs = os.pipe()
    stdin, ours = os.pipe()
    errors = (
        (os.POSIX_SPAWN_DUP2, theirs, 2)
        if errors_too
        else (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
    )
    actions = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, theirs, 1),
        errors,
    ]
    try:
        pid = os.posix_spawnp(
            command[0],
            command,
            os.environ,
            file_actions=actions,
            setsid=True,
            setsigmask=[],
        )
    except OSError:
        os.close(output)
        os.close(ours)
        raise
    finally:
        os.close(stdin)
        os.close(theirs)
    child = Child(pid, output)
    _write(ours, document)
    return child


def can_fork() -> bool:
    """Tell whether this process may be copied: it has no other threads."""
    threading = sys.modules.get("threading")
    return threading is None or threading.active_count() == 1


def fork(work: Callable[[], None]) -> Child:
    """Start a copy of this process, which is much cheaper than a new Python.

    Args:
        work: what it does, its output on descriptor 1. It must touch
            nothing of this process's that lies outside its memory.

    Raises:
        OSError: the system allows no more processes.
    """
    output, theirs = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(output)
        os.close(theirs)
        raise
    if pid:
        os.close(theirs)
        return Child(pid, output)
    status = 1
    try:
        _be_alone(theirs)
        work()
        status = 0
    finally:
        # Neither the caller's clean-up nor its buffers are ours.
        os._exit(status)


def _be_alone(output: int) -> None:
    """Leave all that a copy shares: a stuck one must hold nothing."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(nothing, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def _write(pipe: int, document: bytes) -> None:
    rest = memoryview(document)
    try:
        while rest:
            rest = rest[os.write(pipe, rest) :]
    except BrokenPipeError:
        pass  # it has ended already: its output says so
    finally:
        os.close(pipe)


def _forget_the_dead() -> None:
    for pid in tuple(_left):
        try:
            ended, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            ended = pid  # someone else has waited for all children
        if ended:
            _left.remove(pid)


def ask_programs(
    commands: list[list[str]], deadline_s: float
) -> list[bytes | None]:
    """Return what programs write, without ever waiting for their end.

    Args:
        commands: they run at the same time.
        deadline_s: seconds for all of them.

    Returns: for each, all its output, whatever its exit status (blkid has 2
        when one of many devices told nothing), or None when it is missing
        or not done in time.
    """
    asked = [start(command) for command in commands]
    end = time.monotonic() + deadline_s
    return [None if child is None else finish(child, end) for child in asked]


def start(command: list[str], *, errors_too: bool = False) -> Child | None:
    """Start a program; return None when it is missing."""
    try:
        return spawn(command, errors_too=errors_too)
    except OSError:
        return None


def finish(child: Child, end: float) -> bytes | None:
    """Return all the output of a child, and leave it."""
    try:
        return child.read_until(end)
    finally:
        child.leave()
