"""`usenet services list`: one row a service, all asked at once."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.services.asking import ask_all
from usenet_stack.services.containers import (
    Container,
    stack_containers,
)
from usenet_stack.services.health import (
    DEADLINE_SECONDS,
    Health,
    examine,
    examine_without_engine,
    with_late,
)
from usenet_stack.services.memory import memory_in_sample, memory_of
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import GROUPS, Service

Containers = dict[str, Container]
Row = dict[str, Any]


def list_services(
    stack: Stack,
    *,
    group: str | None = None,
    engine: Engine | None = None,
    deadline_s: float = DEADLINE_SECONDS,
) -> Result:
    """Return the services that are on, with state and memory.

    Args:
        group: only those of this group.
        engine: None is the one of this machine.
        deadline_s: how long a service may take to answer.

    Returns: data with `services`, ordered by group and name, and `totals`.
        Without an Engine the states are what the ports tell, and a warning
        says so.
    Raises:
        UsenetError: group.unknown.
    """
    engine = engine or Engine(seconds=deadline_s)
    chosen = _chosen(stack, group)
    result = Result()
    try:
        containers: Containers | None = stack_containers(engine, stack.project)
    except UsenetError as error:
        containers = None
        result.warn(f"{error.message} Mend: {error.hint}")
    states, memory = _ask(stack, engine, chosen, containers, deadline_s)
    rows = [
        _row(stack, s, states[s.name], (containers or {}).get(s.name))
        | {"memory_bytes": memory.get(s.name)}
        for s in chosen
    ]
    result.data = {"services": rows, "totals": _totals(rows)}
    return result


def _chosen(stack: Stack, group: str | None) -> list[Service]:
    services = stack.select((), (group,) if group else ())
    return sorted(services, key=lambda s: (GROUPS.index(s.group), s.name))


def _ask(
    stack: Stack,
    engine: Engine,
    services: list[Service],
    containers: Containers | None,
    seconds: float,
) -> tuple[dict[str, Health], dict[str, int | None]]:
    health: dict[tuple[str, str], Callable[[], Health | int | None]] = {}
    memory: dict[tuple[str, str], Callable[[], Health | int | None]] = {}
    for service in services:
        name = service.name
        if containers is None:
            health["health", name] = partial(
                examine_without_engine, stack, service, seconds
            )
            continue
        seen = containers.get(name)
        health["health", name] = partial(
            examine, stack, engine, service, seen, seconds
        )
        if seen is not None and seen.running:
            memory["memory", name] = partial(_memory, engine, seen.id)
    answers = ask_all(health | memory, seconds + 0.5)
    states: dict[str, Health] = {}
    used: dict[str, int | None] = {}
    for (_, name), answer in answers.items():
        if isinstance(answer, Health):
            states[name] = answer
        else:
            used[name] = answer
    names = [service.name for service in services]
    return with_late(states, names, seconds), used


def _memory(engine: Engine, container: str) -> int | None:
    used = memory_of(container)
    if used is not None:
        return used
    try:
        return memory_in_sample(engine.stats(container))
    except UsenetError:
        return None  # it has gone, or Docker is too busy: no figure


def _row(
    stack: Stack, service: Service, health: Health, seen: Container | None
) -> Row:
    port = service.ports[0] if service.ports else None
    return {
        "name": service.name,
        "title": service.title,
        "group": service.group,
        "state": health.state,
        "reason": health.reason,
        "port": stack.host_port(service, port) if port else None,
        "url": stack.url(service),
        "memory_bytes": None,
        "cpu_percent": None,
        "simulated": seen.simulated if seen else stack.sandbox,
        "image": seen.image if seen else service.image,
    }


def _totals(rows: list[Row]) -> dict[str, Any]:
    states = Counter(str(row["state"]) for row in rows)
    return {
        "services": len(rows),
        "healthy": states["ready"] + states["timer"],
        "states": dict(states),
        "memory_bytes": sum(row["memory_bytes"] or 0 for row in rows),
    }
