"""Memory and processor of all containers at once, at one moment or between.

Per cent of a processor needs two readings with some time between: those that
the last answer left count, else the questions themselves take long enough.
"""

import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services.asking import ask_all
from usenet_stack.services.containers import Container
from usenet_stack.services.cpu import Reading, cpu_in_sample, cpu_of, percent
from usenet_stack.services.memory import memory_in_sample, memory_of

# A shorter time measures the kernel's own rounding.
SHORTEST = 0.15
# Over a longer one the figure says nothing of now.
LONGEST = 120.0


class Usage(NamedTuple):
    """What a container needs; None where it cannot be told."""

    memory_bytes: int | None = None
    cpu_percent: float | None = None


Readings = dict[str, Reading]


class Meter:
    """Reads what containers use, and remembers it for the next reading.

    Args:
        engine: is asked where the kernel's own files are not in reach.
        earlier: readings of another run, by the container's id.
    """

    def __init__(
        self, engine: Engine, earlier: Mapping[str, Reading] | None = None
    ) -> None:
        self._engine = engine
        self._before: Readings = dict(earlier or {})

    @property
    def readings(self) -> Readings:
        """Return the last reading of each container."""
        return self._before

    def begin(self, containers: Iterable[Container]) -> None:
        """Take the first reading of those that have none of use."""
        now = time.monotonic()
        for container in containers:
            before = self._before.get(container.id)
            if before and SHORTEST <= now - before.at <= LONGEST:
                continue
            self._before.pop(container.id, None)
            used = cpu_of(container.id)
            if used is not None:
                self._before[container.id] = Reading(used, now)

    def measure(
        self, containers: Iterable[Container], seconds: float
    ) -> dict[str, Usage]:
        """Return what each uses, by service.

        Args:
            containers: those that run.
            seconds: how long the Engine may take, where it is asked.

        Effects: waits until the readings are far enough apart.
        """
        chosen = list(containers)
        self._wait(chosen)
        found: dict[str, Usage] = {}
        silent: list[Container] = []
        for container in chosen:
            memory, used = memory_of(container.id), cpu_of(container.id)
            if memory is None and used is None:
                silent.append(container)
                continue
            found[container.service] = self._usage(container.id, memory, used)
        return found | self._from_engine(silent, seconds)

    def _wait(self, containers: list[Container]) -> None:
        ids = [c.id for c in containers if c.id in self._before]
        newest = max((self._before[each].at for each in ids), default=0.0)
        time.sleep(max(0.0, newest + SHORTEST - time.monotonic()))

    def _usage(
        self, container: str, memory: int | None, used: int | None
    ) -> Usage:
        before = self._before.pop(container, None)
        if used is None:
            return Usage(memory)
        after = Reading(used, time.monotonic())
        self._before[container] = after
        return Usage(memory, percent(before, after))

    def _from_engine(
        self, containers: list[Container], seconds: float
    ) -> dict[str, Usage]:
        asked = {c: partial(self._sample, c) for c in containers}
        found = ask_all(asked, seconds)
        return {c.service: found.get(c, Usage()) for c in containers}

    def _sample(self, container: Container) -> Usage:
        try:
            sample = self._engine.stats(container.id)
        except UsenetError:
            return Usage()  # it has gone, or Docker is too busy: no figure
        used = cpu_in_sample(sample)
        return self._usage(container.id, memory_in_sample(sample), used)
