"""The operations of start, stop and restart."""

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import ClassVar

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services.containers import Container, stack_containers
from usenet_stack.services.health import WELL
from usenet_stack.services.network import (
    guests,
    host_is_gone,
    lost_guests,
    make_anew,
)
from usenet_stack.services.resting import come_to_rest
from usenet_stack.services.starting import (
    Reviver,
    port_is_taken,
    start_patiently,
)
from usenet_stack.services.waiting import wait_until_well
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.transaction.operation import (
    Before,
    Context,
    Operation,
    Progress,
)

AT_ONCE = 8
# Docker may be about to start a container again that keeps ending.
AWAKE = ("running", "restarting", "paused")


class _Services(Operation, frozen=True):
    """Services that are started or stopped together.

    Args:
        project: their Compose project.
        services: their names.
    """

    project: str
    services: tuple[str, ...]

    def prepare(self, context: Context) -> Before:
        return {"running": [c.service for c in self.containers(True)]}

    def containers(self, running: bool | None = None) -> list[Container]:
        """Return those that are there; `running` chooses among them."""
        found = stack_containers(Engine(), self.project)
        return [
            found[name]
            for name in self.services
            if name in found and running in (None, found[name].state in AWAKE)
        ]

    def start(self, containers: Iterable[Container]) -> dict[str, str]:
        """Start containers at once; return why not, by service."""
        return _each(containers, partial(start_patiently, Engine()))

    def stop(self, containers: Iterable[Container]) -> dict[str, str]:
        """Stop containers at once, each in its own time."""
        return _each(containers, Engine().stop)

    def _rest(self, names: Collection[str]) -> None:
        """Stop services, whatever the Engine was asked for before."""
        _refuse(self.stop(c for c in self.containers() if c.service in names))
        come_to_rest(self.project, names)


class StartServices(_Services, frozen=True):
    """Start containers and wait until the services answer."""

    kind: ClassVar[str] = "service.start"

    def describe(self) -> str:
        return f"start {', '.join(self.services)} and wait for their health"

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        containers = self.containers()
        there = {container.service for container in containers}
        reasons = {
            name: "has no container yet"
            for name in self.services
            if name not in there
        }
        context.progress("starting", 0, len(self.services), "services")
        engine = Engine()
        known = guests(engine, self.project)
        anew = [
            name
            for name in there & set(known)
            if host_is_gone(engine, known[name])
        ]
        reasons |= _failed(make_anew(stack, anew))
        containers = [c for c in containers if c.service not in anew]
        reasons |= self.start(containers)
        count = len(self.services)
        context.progress("starting", count, count, "services")
        waiting = [name for name in self.services if name not in reasons]
        reviver = Reviver(engine, containers)
        _refuse(reasons | _unwell(stack, waiting, context.progress, reviver))

    def undo(self, context: Context, before: Before) -> None:
        old = before["running"]
        self._rest([name for name in self.services if name not in old])

    def verify(self, context: Context) -> bool:
        found = self.containers()
        return len(found) == len(self.services) and all(
            container.running for container in found
        )

    def manual(self, before: Before) -> str:
        new = [n for n in self.services if n not in before["running"]]
        return f"usenet services stop {' '.join(new)}"


class StopServices(_Services, frozen=True):
    """Stop containers; each gets its time to write what it holds."""

    kind: ClassVar[str] = "service.stop"

    def describe(self) -> str:
        return f"stop {', '.join(self.services)}"

    def do(self, context: Context, before: Before) -> None:
        _refuse(self.stop(self.containers(True)))

    def undo(self, context: Context, before: Before) -> None:
        old = before["running"]
        # One that is being stopped runs still: it is stopped to the end, or
        # what was asked for comes true after it was started again.
        self._rest(old)
        _refuse(
            self.start(c for c in self.containers(False) if c.service in old)
        )

    def verify(self, context: Context) -> bool:
        return not self.containers(True)

    def manual(self, before: Before) -> str:
        return f"usenet services start {' '.join(before['running'])}"


class ReconnectServices(_Services, frozen=True):
    """Make containers anew that hold a network which is no more."""

    kind: ClassVar[str] = "service.reconnect"

    def describe(self) -> str:
        return f"recreate {', '.join(self.services)} and wait for their health"

    def do(self, context: Context, before: Before) -> None:
        stack, engine = load_stack(context.stack_folder), Engine()
        lost = set(lost_guests(engine, self.project)) & set(self.services)
        context.progress("recreating", 0, len(lost), "services")
        reasons = _failed(make_anew(stack, sorted(lost)))
        context.progress("recreating", len(lost), len(lost), "services")
        waiting = [
            name
            for name in self.services
            if name not in reasons and name in stack.catalog
        ]
        reviver = Reviver(engine, ())
        _refuse(reasons | _unwell(stack, waiting, context.progress, reviver))

    def undo(self, context: Context, before: Before) -> None:
        """The new containers do what the old ones did."""

    def verify(self, context: Context) -> bool:
        lost = lost_guests(Engine(), self.project)
        return not set(lost) & set(self.services)


def _failed(reasons: dict[str, str]) -> dict[str, str]:
    return {name: why for name, why in reasons.items() if why}


def _unwell(
    stack: Stack, names: list[str], progress: Progress, reviver: Reviver
) -> dict[str, str]:
    """Wait for services; return why not, for those that do not get well."""

    def tell(text: str, done: int | None, total: int | None, unit: str) -> None:
        reviver.look()
        progress(text, done, total, unit)

    found = wait_until_well(stack, Engine(), names, tell)
    return {
        name: health.reason or health.state
        for name, health in found.items()
        if health.state not in WELL
    }


def _each(
    containers: Iterable[Container], change: Callable[[str], None]
) -> dict[str, str]:
    def attempt(container: Container) -> str:
        try:
            change(container.id)
        except UsenetError as error:
            return error.why or error.message
        return ""

    from concurrent.futures import ThreadPoolExecutor

    chosen = list(containers)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        reasons = threads.map(attempt, chosen)
    return {
        container.service: reason
        for container, reason in zip(chosen, reasons, strict=True)
        if reason
    }


def _refuse(reasons: dict[str, str]) -> None:
    if reasons:
        taken = [name for name, why in reasons.items() if port_is_taken(why)]
        raise UsenetError(
            "service.port-taken" if taken else "service.unwell",
            names=", ".join(reasons),
            first=next(iter(taken or reasons)),
            details=tuple(f"{name}: {why}" for name, why in reasons.items()),
        )
