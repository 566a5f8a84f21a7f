"""Log lines of several services, in the order of time."""

import heapq
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from queue import Empty, Full, Queue
from typing import NamedTuple

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services.containers import (
    Container,
    container_of,
    stack_containers,
)
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


class Wish(NamedTuple):
    """Which lines are wanted.

    Args:
        tail: so many of the last ones of each service that fit the rest.
        since: "10m", "2h", "1d", or an ISO date or time; "" for any.
        grep: a regular expression that a line must hold; without a capital
            letter it finds both cases.
        level: debug, info, warning or error: lines of this level or above,
            each with what belongs to it.
    """

    tail: int = TAIL
    since: str = ""
    grep: str = ""
    level: str = ""


ANY = Wish()


def follow_logs(
    stack: Stack,
    names: Sequence[str],
    wish: Wish = ANY,
    *,
    follow: bool = False,
    engine: Engine | None = None,
) -> Iterator[LogLine]:
    """Return log lines of services, whether they run or not.

    Args:
        names: which; several are interleaved by time.
        follow: go on with new lines until their containers end.

    Raises:
        UsenetError: service.unknown, service.off, service.absent, usage
            (since, grep), or the Engine does not answer; all before a line.
    """
    engine = engine or Engine()
    began = moment(wish.since, time.time())
    pattern = expression(wish.grep)
    containers = {c.service: c.id for c in _containers(stack, engine, names)}
    sources = [
        _Source(engine, name, container, wish, pattern, began)
        for name, container in containers.items()
    ]
    past = heapq.merge(*(s.past() for s in sources), key=lambda x: x.time)
    if not follow:
        return past
    return chain(past, _as_they_come([s.coming for s in sources]))


def with_container(stack: Stack, names: Sequence[str]) -> tuple[str, ...]:
    """Return those of some services that have a container.

    Raises:
        UsenetError: the Engine does not answer.
    """
    found = stack_containers(Engine(), stack.project)
    return tuple(name for name in names if name in found)


def _containers(
    stack: Stack, engine: Engine, names: Sequence[str]
) -> list[Container]:
    return [container_of(stack, engine, name) for name in names]


def expression(text: str) -> re.Pattern[str]:
    """Return a regular expression; without a capital it finds both cases.

    A letter after a backslash is no capital: \\S is a class of characters.

    Raises:
        UsenetError: usage, which shows where it is wrong.
    """
    plain = re.sub(r"\\.", "", text)
    flags = re.NOFLAG if plain != plain.lower() else re.IGNORECASE
    try:
        return re.compile(text, flags)
    except re.error as error:
        where = () if error.pos is None else (text, f"{' ' * error.pos}^")
        raise UsenetError(
            "usage",
            message=f"--grep is no regular expression: {error.msg}.",
            hint="Put a backslash before a character that is meant as it is: "
            "--grep 'disk \\(full'",
            details=where,
        ) from None


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


class _Source:
    """The log of one service: what is there, then what comes."""

    def __init__(
        self,
        engine: Engine,
        service: str,
        container: str,
        wish: Wish,
        pattern: re.Pattern[str],
        since: float | None,
    ) -> None:
        from usenet_stack.services.levels import AtLeast

        self._engine = engine
        self._service = service
        self._container = container
        self._tail = wish.tail
        self._since = since
        self._search = pattern.search
        self._fits = AtLeast(wish.level, seconds_of) if wish.level else None
        self._chosen = bool(wish.level or pattern.pattern)
        self._last = ""

    def past(self) -> Iterator[LogLine]:
        """Yield the last lines that are wanted."""
        if not self._chosen:
            yield from self._read(self._tail, self._since, follow=False)
            return
        lines = self._read(None, self._since, follow=False)
        yield from deque(filter(self._wanted, lines), self._tail)

    def coming(self) -> Iterator[LogLine]:
        """Yield those that come after the last one that was read."""
        since = seconds_of(self._last) if self._last else self._since
        last = self._last
        tail = 0 if self._tail == 0 and not last else None
        for line in self._read(tail, since, follow=True):
            if line.time > last and self._wanted(line):
                yield line

    def _read(
        self, tail: int | None, since: float | None, *, follow: bool
    ) -> Iterator[LogLine]:
        for line in self._engine.logs(
            self._container, tail=tail, since=since, follow=follow
        ):
            self._last = line.time
            yield LogLine(self._service, line.time, line.stream, line.text)

    def _wanted(self, line: LogLine) -> bool:
        # Each line is shown to the levels: some belong to the one before.
        fits = self._fits is None or self._fits(line)
        return fits and bool(self._search(line.text))


def seconds_of(moment: str) -> float:
    """Return the time of a line in seconds since 1970."""
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return 0.0


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
