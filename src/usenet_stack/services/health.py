"""One definition of health: container, its own check, and our question."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services.asking import ask_all
from usenet_stack.services.containers import (
    Container,
    Details,
    details,
    stack_containers,
)
from usenet_stack.services.probe import Answer, probe_once
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service

State = Literal[
    "ready", "starting", "degraded", "down", "stopped", "timer", "unknown"
]

DEADLINE_SECONDS = 5.0
WELL = ("ready", "timer")
# What a container ends with when it was told to: by itself, by SIGINT,
# SIGKILL or SIGTERM.
STOPPED_CODES = (0, 130, 137, 143)
# Docker starts a broken container again and again, each time later.
RESTARTS = 3
SETTLED_SECONDS = 30.0


class Health(NamedTuple):
    """How a service is.

    Args:
        reason: one clause, "" when there is nothing to say.
        restarts: how often Docker has started it again by itself; 0 when
            it is well.
    """

    state: State
    reason: str = ""
    restarts: int = 0


def probe_services(
    stack: Stack,
    engine: Engine,
    names: Sequence[str],
    deadline_s: float = DEADLINE_SECONDS,
) -> dict[str, Health]:
    """Return how services are; all are asked at once.

    Args:
        names: of services of the catalogue.
        deadline_s: one that takes longer is told as degraded.

    Raises:
        UsenetError: the Engine does not answer.
    """
    containers = stack_containers(engine, stack.project)
    questions = {
        name: partial(
            examine,
            stack,
            engine,
            stack.catalog[name],
            containers.get(name),
            deadline_s,
        )
        for name in names
    }
    found = ask_all(questions, deadline_s + 0.5)
    return with_late(found, names, deadline_s)


def with_late(
    found: Mapping[str, Health], names: Sequence[str], deadline_s: float
) -> dict[str, Health]:
    """Return the health of all: those that are missing were late."""
    late = Health("degraded", f"gave no answer within {deadline_s:g} s")
    return {name: found.get(name, late) for name in names}


def examine(
    stack: Stack,
    engine: Engine,
    service: Service,
    container: Container | None,
    seconds: float,
) -> Health:
    """Return how one service is.

    Args:
        container: its container, None when it has none.
        seconds: how long its answer may take.
    """
    if container is None:
        return Health("stopped", "has no container yet")
    try:
        if not container.running:
            return _idle(container, details(engine, container.id))
        answer = _ask(stack, service, seconds)
        if answer is None or answer.verdict == "well":
            return _running(service, container)
        return _unwell(service, answer, details(engine, container.id))
    except UsenetError as error:
        return Health("unknown", error.message)


def examine_without_engine(
    stack: Stack, service: Service, seconds: float
) -> Health:
    """Return what can be said of a service when Docker does not answer."""
    answer = _ask(stack, service, seconds)
    if answer is None:
        return Health("unknown", "only Docker could tell")
    if answer.verdict == "well":
        return Health("ready")
    return Health("unknown", answer.reason)


def _ask(stack: Stack, service: Service, seconds: float) -> Answer | None:
    if service.health.kind == "container":
        return None
    address = stack.address(service, service.health_port)
    return address and probe_once(service.health, address, seconds)


def _idle(container: Container, known: Details) -> Health:
    match container.state:
        case "restarting":
            return _restarting(known)
        case "paused":
            return Health("degraded", "its container is paused")
        case "created" if known.error:
            return Health("down", f"could not start: {known.error}")
        case "created":
            return Health("stopped", "was never started")
    if known.out_of_memory:
        return Health("down", "ran out of memory")
    if known.error:
        return Health("down", f"could not start: {known.error}")
    if container.state == "exited" and known.exit_code in STOPPED_CODES:
        return Health("stopped")
    return Health("down", f"ended with exit code {known.exit_code}")


def _restarting(known: Details) -> Health:
    reason = f"keeps ending with exit code {known.exit_code}"
    if known.out_of_memory:
        reason = "keeps running out of memory"
    return Health("down", reason, known.restarts)


def _running(service: Service, container: Container) -> Health:
    if container.check == "unhealthy":
        return Health("degraded", "its own health check fails")
    if service.health.kind != "container":
        return Health("ready")
    if container.check == "starting":
        return Health("starting")
    return Health("timer" if runs_by_schedule(service) else "ready")


def runs_by_schedule(service: Service) -> bool:
    """Return whether it works at set times and rests in between."""
    return "CRON_SCHEDULE" in service.environment


def _unwell(service: Service, answer: Answer, known: Details) -> Health:
    if known.restarts >= RESTARTS and known.seconds < SETTLED_SECONDS:
        return _restarting(known)
    young = known.seconds < service.health.limit_seconds
    starts = answer.verdict == "absent" or answer.reason.startswith("answers 5")
    if answer.verdict == "starting" or (young and starts):
        return Health("starting", answer.reason, known.restarts)
    state: State = "down" if answer.verdict == "absent" else "degraded"
    return Health(state, answer.reason, known.restarts)
