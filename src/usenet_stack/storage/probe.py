"""Touch mounts that may hang, from where nothing is ever waited for.

`statvfs` on a dead NFS, rclone or FUSE mount blocks its caller so hard that
not even SIGKILL frees it, and neither threads nor time-outs of `subprocess`
help: the program hangs at its own exit. So every touch happens in a child of
a session of its own, which is killed at the deadline and never waited for.
"""

import marshal
import select
import sys
import time
from typing import Any, NamedTuple

from usenet_stack.storage import probe_worker
from usenet_stack.storage.children import can_fork, fork, spawn

DEADLINE_S = 1.0
# For python to start, on a machine that is busy with other things.
START_WITHIN_S = 10.0


class Request(NamedTuple):
    """One touch.

    Args:
        do: "statvfs", "identify" (with "label" and "uuid" as bytes, where
            the file system tells them), "stat", "nearest" (the path or what
            exists above it), "write" (make a file and remove it), "link"
            (try a hard link from `path` into `target`), "enter" (go through
            a folder), "reach" (from the top, by name) or "read" (the first
            64 KiB of a file).
        path: an absolute path.
        target: the second folder of "link".
        doubtful: it may well hang (network, FUSE): give it its own worker.
    """

    do: str
    path: str
    target: str = ""
    doubtful: bool = False


class Answer(NamedTuple):
    """What came of a touch.

    Args:
        state: "ok", "refused" (the system said no) or "silent" (no answer).
        data: what "statvfs", "identify", "stat" and "nearest" found.
        errno: the error's name ("EXDEV") when refused; `why` in words.
        worker: of a silent one, the process that hangs there.
    """

    state: str
    data: dict[str, Any] = {}  # noqa: RUF012
    errno: str = ""
    why: str = ""
    worker: int = 0

    @property
    def ok(self) -> bool:
        return self.state == "ok"


SILENT = Answer("silent", why="it does not answer")


class _Worker:
    """A child that works through requests until it is done or stuck."""

    def __init__(
        self, numbers: list[int], document: probe_worker.Document
    ) -> None:
        self.numbers = numbers
        self.deadline = time.monotonic() + START_WITHIN_S
        self.buffer = b""
        self.answers: list[Answer] = []
        if can_fork():
            self.child = fork(lambda: probe_worker.serve(document))
            return
        command = [sys.executable, "-I", "-S", probe_worker.__file__]
        # `marshal` carries names of any bytes.
        self.child = spawn(command, marshal.dumps(document).hex().encode())

    def read(self, patience_s: float) -> bool:
        """Take what it wrote; return False at the end of its output."""
        chunk = self.child.read()
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        # An empty line says that it is up: its time begins to count then.
        self.answers += [_answer(line) for line in lines if line]
        if lines:
            self.deadline = time.monotonic() + patience_s
        return bool(chunk) and len(self.answers) < len(self.numbers)


def _answer(line: bytes) -> Answer:
    told: dict[str, Any] = marshal.loads(bytes.fromhex(line.decode()))
    if told.pop("ok"):
        return Answer("ok", told)
    return Answer("refused", errno=told["errno"], why=told["why"])


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
    wishes = [requests[number]._asdict() for number in group]
    return _Worker(group, {"identity": identity, "requests": wishes})


def _gather(workers: list[_Worker], patience_s: float) -> None:
    """Read from all until each is done or past its deadline."""
    waiting = {worker.child.output: worker for worker in workers}
    poll = select.poll()
    for output in waiting:
        poll.register(output, select.POLLIN)
    while waiting:
        wait = min(w.deadline for w in waiting.values()) - time.monotonic()
        ready = [number for number, _ in poll.poll(max(0, 1000 * wait))]
        done = [n for n in ready if not waiting[n].read(patience_s)]
        now = time.monotonic()
        late = [n for n, w in waiting.items() if w.deadline <= now]
        for number in {*done, *late}:
            poll.unregister(number)
            del waiting[number]
    for worker in workers:
        worker.child.leave()


def _collect(worker: _Worker, answers: dict[int, Answer]) -> list[list[int]]:
    """Store a worker's answers; return what is left, each to go alone."""
    count = len(worker.answers)
    answers.update(zip(worker.numbers, worker.answers, strict=False))
    if count == len(worker.numbers):
        return []
    silent = SILENT._replace(worker=worker.child.pid)
    answers[worker.numbers[count]] = silent
    return [[number] for number in worker.numbers[count + 1 :]]
