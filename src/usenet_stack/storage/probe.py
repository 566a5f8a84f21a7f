"""Touch mounts that may hang, from where nothing is ever waited for.

`statvfs` on a dead NFS, rclone or FUSE mount blocks its caller so hard that
not even SIGKILL frees it, and neither threads nor time-outs of `subprocess`
help: the program hangs at its own exit. So every touch happens in a child of
a session of its own, which is killed at the deadline and never waited for.
"""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

DEADLINE_S = 1.0
# For python to start, on a machine that is busy with other things.
START_WITHIN_S = 10.0
_WORKER = Path(__file__).with_name("probe_worker.py")


class Request(msgspec.Struct, frozen=True):
    """One touch.

    Args:
        do: "statvfs", "stat", "nearest" (the path or what exists above it),
            "write" (make a file and remove it) or "link" (try a hard link
            from `path` into `target`).
        path: an absolute path.
        target: the second folder of "link".
        doubtful: it may well hang (network, FUSE): give it its own worker.
    """

    do: str
    path: str
    target: str = ""
    doubtful: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What came of a touch.

    Args:
        state: "ok", "refused" (the system said no) or "silent" (no answer).
        data: what "statvfs", "stat" and "nearest" found.
        errno: the error's name ("EXDEV") when refused; `why` in words.
    """

    state: str
    data: dict[str, Any] = {}
    errno: str = ""
    why: str = ""

    @property
    def ok(self) -> bool:
        return self.state == "ok"


SILENT = Answer("silent", why="it does not answer")


class _Worker:
    """A child that works through requests until it is done or stuck."""

    def __init__(
        self, numbers: list[int], document: bytes, deadline: float
    ) -> None:
        self.numbers = numbers
        self.deadline = deadline
        self.buffer = b""
        self.answers: list[Answer] = []
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self.process.stdin as pipe:
            pipe.write(document)
        assert self.process.stdout is not None
        self.stdout = self.process.stdout
        os.set_blocking(self.stdout.fileno(), False)

    def read(self, patience_s: float) -> bool:
        """Take what it wrote; return False at the end of its output."""
        chunk = os.read(self.stdout.fileno(), 65536)
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        # An empty line says that it is up: its time begins to count then.
        self.answers += [_answer(json.loads(line)) for line in lines if line]
        if lines:
            self.deadline = time.monotonic() + patience_s
        return bool(chunk) and len(self.answers) < len(self.numbers)

    def leave(self) -> None:
        """Abandon it: kill, never wait."""
        self.process.kill()
        self.stdout.close()
        # Only reaps it when it is dead already; 0 keeps a stuck one from
        # being reported or waited for when this object goes away.
        if self.process.poll() is None:
            self.process.returncode = 0


def _answer(line: dict[str, Any]) -> Answer:
    if line.pop("ok"):
        return Answer("ok", line)
    return Answer("refused", errno=line["errno"], why=line["why"])


def probe(
    requests: list[Request],
    *,
    identity: tuple[int, int] | None = None,
    deadline_s: float = DEADLINE_S,
) -> list[Answer]:
    """Carry out touches of the file system that may hang.

    Args:
        requests: what to do; each answer stands at its request's place.
        identity: (uid, gid) to do it as, when this process is root.
        deadline_s: seconds that one touch may take.

    Returns: one answer for each; "silent" where none came in time.
    Effects: those of the requests; a stuck child stays behind, killed, and
        vanishes when the mount's own server does.
    """
    answers: dict[int, Answer] = {}
    alone = [[n] for n, r in enumerate(requests) if r.doubtful]
    calm = [n for n, r in enumerate(requests) if not r.doubtful]
    groups = [*alone, calm] if calm else alone
    while groups:
        workers = [_start(group, requests, identity) for group in groups]
        _gather(workers, deadline_s)
        groups = []
        for worker in workers:
            groups += _collect(worker, answers)
    return [answers[number] for number in range(len(requests))]


def _start(
    group: list[int],
    requests: list[Request],
    identity: tuple[int, int] | None,
) -> _Worker:
    chosen = [msgspec.to_builtins(requests[number]) for number in group]
    # ASCII escapes carry a name that is no valid UTF-8 as lone surrogates.
    document = json.dumps({"identity": identity, "requests": chosen})
    deadline = time.monotonic() + START_WITHIN_S
    return _Worker(group, document.encode(), deadline)


def _gather(workers: list[_Worker], patience_s: float) -> None:
    """Read from all until each is done or past its deadline."""
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            selector.register(worker.stdout, selectors.EVENT_READ, worker)
        waiting = list(workers)
        while waiting:
            wait = min(worker.deadline for worker in waiting)
            for key, _ in selector.select(max(0, wait - time.monotonic())):
                if not key.data.read(patience_s):
                    selector.unregister(key.fileobj)
                    waiting.remove(key.data)
            now = time.monotonic()
            for worker in [w for w in waiting if w.deadline <= now]:
                selector.unregister(worker.stdout)
                waiting.remove(worker)
    for worker in workers:
        worker.leave()


def _collect(worker: _Worker, answers: dict[int, Answer]) -> list[list[int]]:
    """Store a worker's answers; return what is left, each to go alone."""
    count = len(worker.answers)
    answers.update(zip(worker.numbers, worker.answers, strict=False))
    if count == len(worker.numbers):
        return []
    answers[worker.numbers[count]] = SILENT
    return [[number] for number in worker.numbers[count + 1 :]]


def ask_program(command: list[str], deadline_s: float) -> bytes:
    """Return what a program writes, without ever waiting for its end.

    Returns: b"" when it is missing or not done in time; its exit status is
        no matter (blkid has 2 when one of many devices told nothing).
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return b""
    assert process.stdout is not None
    output, end = b"", time.monotonic() + deadline_s
    with process.stdout as pipe, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(max(0, end - time.monotonic())):
            chunk = os.read(pipe.fileno(), 65536)
            output += chunk
            if not chunk:
                # It closed its output: it ends now, or is as good as stuck.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, end - time.monotonic()))
                    return output
    process.kill()
    process.returncode = 0
    return b""
