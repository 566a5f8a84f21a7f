"""The operations of start, stop and restart."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services.containers import Container, stack_containers
from usenet_stack.services.health import WELL
from usenet_stack.services.waiting import wait_until_well
from usenet_stack.stack.model import load_stack
from usenet_stack.transaction.operation import Before, Context, Operation

AT_ONCE = 8


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
            if name in found and running in (None, found[name].running)
        ]

    def start(self, containers: Iterable[Container]) -> dict[str, str]:
        """Start containers at once; return why not, by service."""
        return _each(containers, Engine().start)

    def stop(self, containers: Iterable[Container]) -> dict[str, str]:
        """Stop containers at once, each in its own time."""
        return _each(containers, Engine().stop)


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
        reasons |= self.start(containers)
        waiting = [name for name in self.services if name not in reasons]
        found = wait_until_well(stack, Engine(), waiting, context.progress)
        reasons |= {
            name: health.reason or health.state
            for name, health in found.items()
            if health.state not in WELL
        }
        _refuse(reasons)

    def undo(self, context: Context, before: Before) -> None:
        old = before["running"]
        _refuse(
            self.stop(c for c in self.containers(True) if c.service not in old)
        )

    def verify(self, context: Context) -> bool:
        return len(self.containers(True)) == len(self.services)

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
        _refuse(
            self.start(c for c in self.containers(False) if c.service in old)
        )

    def verify(self, context: Context) -> bool:
        return not self.containers(True)

    def manual(self, before: Before) -> str:
        return f"usenet services start {' '.join(before['running'])}"


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
        raise UsenetError(
            "service.unwell",
            names=", ".join(reasons),
            first=next(iter(reasons)),
            details=tuple(f"{name}: {why}" for name, why in reasons.items()),
        )
