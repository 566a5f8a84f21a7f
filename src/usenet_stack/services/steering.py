"""`usenet services start`, `stop` and `restart`: tier by tier."""

from collections.abc import Iterable, Sequence

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.services.containers import stack_containers
from usenet_stack.services.health import WELL, probe_services
from usenet_stack.services.operations import StartServices, StopServices
from usenet_stack.stack.model import Stack, tiers
from usenet_stack.stack.service import Service
from usenet_stack.transaction import SILENT, Observer, Plan, Step, open_session

Names = Sequence[str]
Batches = Iterable[tuple[Service, ...]]


def start(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
    observer: Observer = SILENT,
) -> Result:
    """Start services that do not run and wait for their health.

    Args:
        names, group, all: which; one of the three.

    Returns: data with `services`: name, state and reason of each.
    Raises:
        UsenetError: service.unknown, service.off, group.unknown, lock.held,
            or the Engine does not answer.
    Effects: containers run; one journal. A service that is not well does
        not keep the others from starting: exit 3.
    """
    chosen = select(stack, names, group, all)
    return _run(stack, _start(stack, chosen), chosen, observer)


def stop(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
    observer: Observer = SILENT,
) -> Result:
    """Stop services; each gets its time to write what it holds.

    Args, Returns, Raises: as `start`.
    Effects: they stay stopped until they are started or deployed.
    """
    chosen = select(stack, names, group, all)
    return _run(stack, _stop(stack, chosen), chosen, observer, ("stopped",))


def restart(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
    observer: Observer = SILENT,
) -> Result:
    """Stop services and start them again, in the order of their tiers.

    Args, Returns, Raises, Effects: as `start`. One that the crash of this
        program leaves stopped is started by the next run.
    """
    chosen = select(stack, names, group, all)
    return _run(stack, _restart(stack, chosen), chosen, observer)


def plan_start(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
) -> Plan:
    """Return what `start` would do."""
    return _start(stack, select(stack, names, group, all))


def plan_stop(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
) -> Plan:
    """Return what `stop` would do."""
    return _stop(stack, select(stack, names, group, all))


def plan_restart(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
) -> Plan:
    """Return what `restart` would do."""
    return _restart(stack, select(stack, names, group, all))


def select(
    stack: Stack, names: Names, group: str | None, all: bool
) -> tuple[Service, ...]:
    """Return the services that were asked for, in the order of their start.

    Raises:
        UsenetError: service.unknown, service.off, group.unknown.
    """
    if all:
        return stack.services
    for name in names:
        service = stack.resolve(name)
        if not stack.enabled(service.name):
            raise UsenetError("service.off", name=service.name)
    return stack.select(names, (group,) if group else ())


def _start(stack: Stack, chosen: tuple[Service, ...]) -> Plan:
    running = _running(stack)
    wanted = [s for s in chosen if s.name not in running]
    steps = _start_steps(stack, tiers(wanted), "it does not run")
    return Plan("services start", tuple(steps), "forward")


def _stop(stack: Stack, chosen: tuple[Service, ...]) -> Plan:
    running = _running(stack)
    wanted = [s for s in chosen if s.name in running]
    steps = _stop_steps(stack, tiers(wanted), "you asked for it")
    return Plan("services stop", tuple(steps), "forward")


def _restart(stack: Stack, chosen: tuple[Service, ...]) -> Plan:
    running = _running(stack)
    stopping = [s for s in chosen if s.name in running]
    steps = _stop_steps(stack, tiers(stopping), "it starts again afterwards")
    steps += _start_steps(stack, tiers(chosen), "you asked for it")
    return Plan("services restart", tuple(steps), "forward")


def _running(stack: Stack) -> set[str]:
    containers = stack_containers(Engine(), stack.project)
    return {name for name, seen in containers.items() if seen.running}


def _start_steps(stack: Stack, batches: Batches, why: str) -> list[Step]:
    return [
        Step(StartServices(stack.project, _names(batch)), why, "continue")
        for batch in batches
    ]


def _stop_steps(stack: Stack, batches: Batches, why: str) -> list[Step]:
    return [
        Step(StopServices(stack.project, _names(batch)), why, "continue")
        for batch in reversed(list(batches))
    ]


def _names(batch: Iterable[Service]) -> tuple[str, ...]:
    return tuple(service.name for service in batch)


def _run(
    stack: Stack,
    plan: Plan,
    chosen: tuple[Service, ...],
    observer: Observer,
    wanted: tuple[str, ...] = WELL,
) -> Result:
    with open_session(stack.folder, plan.command, observer) as session:
        outcome = session.run(plan)
    found = probe_services(stack, Engine(), _names(chosen))
    rows = [
        {"name": name, "state": health.state, "reason": health.reason}
        for name, health in found.items()
    ]
    errors = [failure.error for failure in outcome.failures]
    some = any(row["state"] in wanted for row in rows)
    return Result(
        {"services": rows, "journal": outcome.journal},
        errors=errors,
        partial=bool(errors) and some,
    )
