"""`usenet services start`, `stop` and `restart`: tier by tier."""

from collections.abc import Sequence

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.services.containers import stack_containers
from usenet_stack.services.health import WELL, probe_services
from usenet_stack.services.network import guests, lost_guests
from usenet_stack.services.operations import AWAKE
from usenet_stack.services.planning import (
    Seen,
    already,
    remarks_on_start,
    remarks_on_stop,
    restart_plan,
    start_plan,
    stop_plan,
)
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service
from usenet_stack.transaction import SILENT, Observer, Plan, open_session

Names = Sequence[str]


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
    return _steer("start", stack, select(stack, names, group, all), observer)


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
    return _steer("stop", stack, chosen, observer, ("stopped",))


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
    return _steer("restart", stack, select(stack, names, group, all), observer)


def plan_start(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
) -> Plan:
    """Return what `start` would do."""
    return start_plan(stack, select(stack, names, group, all), _observe(stack))


def plan_stop(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
) -> Plan:
    """Return what `stop` would do."""
    return stop_plan(stack, select(stack, names, group, all), _observe(stack))


def plan_restart(
    stack: Stack,
    names: Names = (),
    *,
    group: str | None = None,
    all: bool = False,
) -> Plan:
    """Return what `restart` would do."""
    return restart_plan(
        stack, select(stack, names, group, all), _observe(stack)
    )


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


def _observe(stack: Stack) -> Seen:
    engine = Engine()
    containers = stack_containers(engine, stack.project)
    found = guests(engine, stack.project)
    attached = {
        name: guest.host_service
        for name, guest in found.items()
        if guest.host_service
    }
    return Seen(
        frozenset(n for n, seen in containers.items() if seen.running),
        frozenset(n for n, seen in containers.items() if seen.state in AWAKE),
        {**stack.networks, **attached},
        frozenset(lost_guests(engine, stack.project) if found else ()),
        frozenset(containers),
    )


_PLANNERS = {"start": start_plan, "stop": stop_plan, "restart": restart_plan}


def _remarks(
    verb: str, stack: Stack, chosen: tuple[Service, ...], seen: Seen
) -> list[str]:
    if verb == "stop":
        return list(remarks_on_stop(stack, chosen, seen))
    return list(remarks_on_start(stack, chosen, seen))


def _steer(
    verb: str,
    stack: Stack,
    chosen: tuple[Service, ...],
    observer: Observer,
    wanted: tuple[str, ...] = WELL,
) -> Result:
    # Looked at under the lock: what another run changed before counts.
    with open_session(stack.folder, f"services {verb}", observer) as session:
        seen = _observe(stack)
        plan = _PLANNERS[verb](stack, chosen, seen)
        outcome = session.run(plan)
    result = Result({"journal": outcome.journal})
    result.data["services"] = _rows(stack, chosen, plan)
    if same := already(verb, chosen, seen):
        result.info(same)
    for text in _remarks(verb, stack, chosen, seen):
        result.warn(text)
    result.errors = [failure.error for failure in outcome.failures]
    some = any(row["state"] in wanted for row in result.data["services"])
    result.partial = bool(result.errors) and some
    return result


def _rows(
    stack: Stack, chosen: tuple[Service, ...], plan: Plan
) -> list[dict[str, str]]:
    """Return how those are that were chosen, or changed with them."""
    names = {service.name for service in chosen}
    for step in plan.steps:
        names |= set(getattr(step.operation, "services", ()))
    affected = [s.name for s in stack.services if s.name in names]
    found = probe_services(stack, Engine(), affected)
    return [
        {"name": name, "state": health.state, "reason": health.reason}
        for name, health in found.items()
    ]
