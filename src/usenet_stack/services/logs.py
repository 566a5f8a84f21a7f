"""Log lines of several services, in the order of time."""

import heapq
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from queue import Empty, Full, Queue
from typing import NamedTuple

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services.containers import Container, container_of
from usenet_stack.stack.model import Stack

TAIL = 100
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
WAITING_LINES = 1000
CHECK_SECONDS = 0.2


class LogLine(NamedTuple):
    """One line of one service.

    Args:
        time: RFC 3339 in UTC.
        stream: stdout or stderr.
        text: as the application wrote it, without the newline.
    """

    service: str
    time: str
    stream: str
    text: str


def follow_logs(
    stack: Stack,
    names: Sequence[str],
    *,
    follow: bool = False,
    tail: int = TAIL,
    since: str = "",
    grep: str = "",
    engine: Engine | None = None,
) -> Iterator[LogLine]:
    """Return log lines of services, whether they run or not.

    Args:
        names: which; several are interleaved by time.
        follow: go on with new lines until their containers end.
        tail: so many of the last lines of each.
        since: "10m", "2h", "1d", or an ISO date or time.
        grep: only lines that hold this text, in any case.

    Raises:
        UsenetError: service.unknown, service.off, service.absent, usage
            (since), or the Engine does not answer; all before a line.
    """
    engine = engine or Engine()
    began = moment(since, time.time())
    containers = {c.service: c.id for c in _containers(stack, engine, names)}
    sources = [
        partial(_lines, engine, name, container, follow, tail, began)
        for name, container in containers.items()
    ]
    if follow and len(sources) > 1:
        lines = _as_they_come(sources)
    else:
        lines = heapq.merge(*(s() for s in sources), key=lambda x: x.time)
    wanted = grep.casefold()
    return (line for line in lines if wanted in line.text.casefold())


def _containers(
    stack: Stack, engine: Engine, names: Sequence[str]
) -> list[Container]:
    return [container_of(stack, engine, name) for name in names]


def moment(since: str, now: float) -> float | None:
    """Return the time meant, in seconds since 1970; None for "".

    Raises:
        UsenetError: usage.
    """
    if not since:
        return None
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", since):
        return now - float(match[1]) * UNITS[match[2]]
    try:
        return datetime.fromisoformat(since).timestamp()
    except ValueError:
        raise UsenetError(
            "usage",
            message=f"--since {since} is no time.",
            hint="Use 10m, 2h, 1d or a time such as 2026-01-31T18:00",
        ) from None


def _lines(
    engine: Engine,
    name: str,
    container: str,
    follow: bool,
    tail: int,
    since: float | None,
) -> Iterator[LogLine]:
    for line in engine.logs(container, tail=tail, since=since, follow=follow):
        yield LogLine(name, line.time, line.stream, line.text)


def _as_they_come(
    sources: Sequence[Callable[[], Iterator[LogLine]]],
) -> Iterator[LogLine]:
    # The readers are daemons: one that waits for a line of a quiet service
    # must not keep the program from ending.
    lines: Queue[LogLine | None] = Queue(WAITING_LINES)
    left = threading.Event()

    def read(source: Callable[[], Iterator[LogLine]]) -> None:
        try:
            for line in source():
                _hand_over(lines, line, left)
                if left.is_set():
                    return
        except UsenetError:
            pass  # its container is gone: the others go on
        finally:
            _hand_over(lines, None, left)

    for source in sources:
        threading.Thread(target=read, args=(source,), daemon=True).start()
    running = len(sources)
    try:
        while running:
            try:
                # With a limit, so that Ctrl-C is heard on every platform.
                line = lines.get(timeout=CHECK_SECONDS)
            except Empty:
                continue
            if line is None:
                running -= 1
            else:
                yield line
    finally:
        left.set()


def _hand_over(
    lines: Queue[LogLine | None], line: LogLine | None, left: threading.Event
) -> None:
    while not left.is_set():
        try:
            lines.put(line, timeout=CHECK_SECONDS)
        except Full:
            continue
        return
