"""`usenet services top`: what each service uses, moment by moment."""

import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from usenet_stack.docker.engine import Engine
from usenet_stack.services.containers import Container, stack_containers
from usenet_stack.services.control_groups import process_of
from usenet_stack.services.health import WELL
from usenet_stack.services.listing import list_services
from usenet_stack.services.usage import Meter, Usage
from usenet_stack.stack.model import Stack

PROC = Path("/proc")
# How often health is asked anew, beside the cheap figures.
HEALTH_SECONDS = 15.0
ENGINE_SECONDS = 5.0

Row = dict[str, Any]


class Traffic(NamedTuple):
    """Bytes that a container has received and sent since it started."""

    received: int
    sent: int
    at: float


class Top:
    """Looks at a stack again and again.

    Health is asked in a thread beside it, so that a service that hangs
    holds up nothing.

    Args:
        stack: the stack; `engine` None is the one of this machine.
    """

    def __init__(self, stack: Stack, engine: Engine | None = None) -> None:
        self._stack = stack
        self._engine = engine or Engine(seconds=ENGINE_SECONDS)
        self._meter = Meter(self._engine)
        self._traffic: dict[str, Traffic] = {}
        self._states: dict[str, str] = {}
        self._asked = 0.0
        self._asking: threading.Thread | None = None

    def rows(self) -> list[Row]:
        """Return a row for each service that is on.

        Raises:
            UsenetError: the Engine does not answer.
        """
        self._ask_health()
        seen = stack_containers(self._engine, self._stack.project)
        names = [service.name for service in self._stack.services]
        running = [
            seen[name] for name in names if name in seen and seen[name].running
        ]
        self._meter.begin(running)
        usage = self._meter.measure(running, ENGINE_SECONDS)
        return [
            self._row(name, seen.get(name), usage.get(name, Usage()))
            for name in sorted(names)
        ]

    def _row(self, name: str, seen: Container | None, usage: Usage) -> Row:
        received, sent = self._rates(seen)
        return {
            "name": name,
            "state": self._state(name, seen),
            "memory_bytes": usage.memory_bytes,
            "cpu_percent": usage.cpu_percent,
            "down_bytes_s": received,
            "up_bytes_s": sent,
        }

    def _state(self, name: str, seen: Container | None) -> str:
        if seen is None or not seen.running:
            # Older than this look, it may tell of one that ran then.
            found = self._states.get(name, "stopped")
            return "stopped" if found in ("starting", *WELL) else found
        found = self._states.get(name, "unknown")
        return "starting" if found == "stopped" else found

    def _ask_health(self) -> None:
        busy = self._asking is not None and self._asking.is_alive()
        if busy or time.monotonic() - self._asked < HEALTH_SECONDS:
            return
        self._asked = time.monotonic()
        self._asking = threading.Thread(target=self._learn, daemon=True)
        self._asking.start()
        if not self._states:
            # Most services have answered before the first page is drawn.
            self._asking.join(1.0)

    def _learn(self) -> None:
        found = list_services(self._stack, engine=self._engine)
        rows = found.data["services"]
        self._states = {row["name"]: row["state"] for row in rows}

    def _rates(self, seen: Container | None) -> tuple[int | None, int | None]:
        if seen is None or not seen.running:
            return None, None
        before = self._traffic.get(seen.id)
        after = traffic_of(seen.id)
        if after is None:
            return None, None
        self._traffic[seen.id] = after
        if before is None or after.at <= before.at:
            return None, None
        passed = after.at - before.at
        received = max(0, after.received - before.received)
        sent = max(0, after.sent - before.sent)
        return round(received / passed), round(sent / passed)


def traffic_of(container: str, proc: Path = PROC) -> Traffic | None:
    """Return what went over a container's network, its own loop left out.

    Returns: None when that cannot be seen from here.
    Source: proc(5), /proc/net/dev: bytes received are the first figure,
        bytes sent the ninth.
    """
    process = process_of(container)
    if process is None:
        return None
    try:
        text = (proc / str(process) / "net/dev").read_text()
    except OSError:
        return None
    received = sent = 0
    for line in text.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        figures = numbers.split()
        if name.strip() != "lo" and len(figures) > 8:
            received, sent = received + int(figures[0]), sent + int(figures[8])
    return Traffic(received, sent, time.monotonic())


def ordered(rows: list[Row], by: str) -> list[Row]:
    """Return rows by name, or the largest first by cpu or memory."""
    if by == "name":
        return sorted(rows, key=lambda row: str(row["name"]))
    key = {"cpu": "cpu_percent", "memory": "memory_bytes"}[by]
    return sorted(rows, key=lambda row: (-(row[key] or 0), str(row["name"])))


def top_once(stack: Stack, seconds: float, by: str) -> list[Row]:
    """Return the rows of one look, over a little time.

    Raises:
        UsenetError: the Engine does not answer.
    """
    top = Top(stack)
    top.rows()
    time.sleep(seconds)
    return ordered(top.rows(), by)
