"""`usenet services list`: one row a service, all asked at once."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.services import snapshot
from usenet_stack.services.containers import Container, stack_containers
from usenet_stack.services.cpu import Reading
from usenet_stack.services.drives import pool_drives
from usenet_stack.services.health import (
    DEADLINE_SECONDS,
    Health,
    asking,
    examine_all,
    keys_of,
)
from usenet_stack.services.probe import Heard
from usenet_stack.services.usage import Meter, Readings, Usage
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import GROUPS, Service

Containers = Mapping[str, Container]
Row = dict[str, Any]


def list_services(
    stack: Stack,
    *,
    group: str | None = None,
    engine: Engine | None = None,
    deadline_s: float = DEADLINE_SECONDS,
) -> Result:
    """Return the services that are on, and how they are.

    Args:
        group: only those of this group; all are asked in any case.
        engine: None is the one of this machine.
        deadline_s: how long a service may take to answer.

    Returns: data with `services`, ordered by group and name, `groups`,
        `totals`, `checked_at` and `age_seconds`. Without an Engine the
        states are what the ports tell, without a sound `.env` the APIs
        are not asked, and a warning says so.
    Raises:
        UsenetError: group.unknown.
    Effects: keeps the answer for the next command, see `snapshot`.
    """
    if group:
        stack.catalog.in_group(group)
    stamps = snapshot.stamps(stack.folder)
    engine = engine or Engine(seconds=deadline_s)
    result = Result()
    try:
        containers: Containers | None = stack_containers(engine, stack.project)
    except UsenetError as error:
        containers = None
        result.warn(f"{error.message} Mend: {error.hint}")
    warn_of_keys(stack, result)
    warn_of_drives(stack, result)
    meter = Meter(engine, _earlier(stack))
    rows = look(stack, engine, stack.services, containers, meter, deadline_s)
    data = {
        "services": rows,
        "groups": _groups(rows),
        "totals": snapshot.totals(rows),
        "checked_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    if not result.messages:
        readings = [[key, *value] for key, value in meter.readings.items()]
        kept = snapshot.Snapshot(
            stamps, deadline_s, time.time(), readings, data
        )
        snapshot.keep(stack.folder, kept)
    result.data = snapshot.part(data, group or "") | {"age_seconds": 0.0}
    return result


def warn_of_keys(stack: Stack, result: Result) -> None:
    """Tell of a `.env` for which no API that needs a key is asked."""
    problem = keys_of(stack)[1]
    if problem is not None:
        result.warn(
            f"{problem.message} So no API was asked that needs a key. "
            f"Mend: {problem.hint}"
        )


def warn_of_drives(stack: Stack, result: Result) -> None:
    """Tell of drives that the pool has and that are not mounted."""
    away = pool_drives(stack.folder, stack.media_root).away
    if away:
        are = "is" if len(away) == 1 else "are"
        result.warn(
            f"{', '.join(away)} of the pool {are} not mounted. "
            "Mend: usenet storage apply"
        )


def _earlier(stack: Stack) -> Readings:
    kept = snapshot.read_snapshot(stack.folder)
    if kept is None:
        return {}
    return {key: Reading(used, at) for key, used, at in kept.readings}


def look(
    stack: Stack,
    engine: Engine,
    chosen: Sequence[Service],
    containers: Containers | None,
    meter: Meter,
    seconds: float,
) -> list[Row]:
    """Return a row for each service, in the order of groups and names.

    Args:
        containers: of the stack by service, None without an Engine.
        seconds: how long a service may take to answer.
    """
    services = sorted(chosen, key=lambda s: (GROUPS.index(s.group), s.name))
    names = {service.name for service in services}
    seen = {n: c for n, c in (containers or {}).items() if n in names}
    running = [c for c in seen.values() if c.running]
    began = time.monotonic()
    meter.begin(running)
    ask = asking(stack, None if containers is None else engine, seconds)
    health = examine_all(ask, services, seen)
    left = max(0.0, seconds - (time.monotonic() - began))
    usage = meter.measure(running, left)
    drives = pool_drives(stack.folder, stack.media_root).attached
    return [
        _row(stack, s, health[s.name], seen.get(s.name), drives)
        | usage.get(s.name, Usage())._asdict()
        for s in services
    ]


def _row(
    stack: Stack,
    service: Service,
    health: Health,
    seen: Container | None,
    drives: list[str],
) -> Row:
    port = service.ports[0] if service.ports else None
    shares = any(volume.kind == "data" for volume in service.volumes)
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
        "api": health.api,
        "figures": health.figures,
        "drives": drives if shares else [],
        "restarts": health.restarts,
        "mend": health.mend,
        "http": _heard(health.heard),
        "simulated": seen.simulated if seen else stack.sandbox,
        "image": seen.image if seen else service.image,
        "deprecated": service.deprecated,
        "replacement": service.replacement,
    }


def _heard(heard: Heard | None) -> dict[str, Any] | None:
    if heard is None:
        return None
    return {
        "verdict": heard.answer.verdict,
        "status": heard.status or None,
        "milliseconds": round(heard.seconds * 1000, 1),
    }


def _groups(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found = []
    for group in GROUPS:
        own = [row for row in rows if row["group"] == group]
        if own:
            well = snapshot.healthy(own)
            found.append({"name": group, "services": len(own), "healthy": well})
    return found
