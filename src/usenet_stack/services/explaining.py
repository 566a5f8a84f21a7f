"""`usenet services status`: why a service is as it is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.services.asking import ask_all
from usenet_stack.services.containers import Container, stack_containers
from usenet_stack.services.health import DEADLINE_SECONDS, keys_of
from usenet_stack.services.listing import Row, look, warn_of_keys
from usenet_stack.services.next_step import next_step
from usenet_stack.services.page import enabled_service
from usenet_stack.services.particulars import (
    check_facts,
    container_facts,
    environment_names,
    image_facts,
    limit_facts,
    mount_facts,
    network_facts,
    port_facts,
)
from usenet_stack.services.snapshot import totals
from usenet_stack.services.troubles import last_lines, last_troubles
from usenet_stack.services.usage import Meter
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets
from usenet_stack.stack.service import Service

LOG_LINES = 10
Facts = dict[str, Any]


def explain_services(
    stack: Stack,
    names: Sequence[str] = (),
    *,
    engine: Engine | None = None,
    deadline_s: float = DEADLINE_SECONDS,
) -> Result:
    """Return all that is known of services; nothing is changed.

    Args:
        names: which; none means all that are on.
        engine: None is the one of this machine.
        deadline_s: how long a service may take to answer.

    Returns: data with `services`, each a row of `services list` with more,
        and `totals`. Secrets are masked.
    Raises:
        UsenetError: service.unknown, service.off.
    """
    chosen = [enabled_service(stack, name) for name in dict.fromkeys(names)]
    services = chosen or list(stack.services)
    engine = engine or Engine(seconds=deadline_s)
    result = Result()
    warn_of_keys(stack, result)
    try:
        containers = stack_containers(engine, stack.project)
    except UsenetError as error:
        result.warn(f"{error.message} Mend: {error.hint}")
        rows = look(stack, engine, services, None, Meter(engine), deadline_s)
        told: dict[str, Facts] = {}
        mend: str | None = error.hint
        containers = {}
    else:
        rows, told = _both(stack, engine, services, containers, deadline_s)
        mend = None
    full = [
        _complete(stack, row, told.get(row["name"], {}), containers, mend)
        for row in rows
    ]
    result.data = _masked(
        keys_of(stack)[0], {"services": full, "named": bool(names)}
    )
    result.data["totals"] = totals(rows)
    return result


def _both(
    stack: Stack,
    engine: Engine,
    services: Sequence[Service],
    containers: Mapping[str, Container],
    seconds: float,
) -> tuple[list[Row], dict[str, Facts]]:
    """Look at the services and ask the Engine about them, at once."""
    asked = {
        name: partial(_engine, engine, seen)
        for name, seen in containers.items()
        if any(service.name == name for service in services)
    }
    meter = Meter(engine)
    questions: dict[str, Callable[[], Any]] = {
        "rows": partial(
            look, stack, engine, services, containers, meter, seconds
        ),
        "facts": partial(ask_all, asked, seconds + 0.5),
    }
    found = ask_all(questions, 3 * seconds + 5)
    return found["rows"], found["facts"]


def _address(stack: Stack, service: Service) -> str | None:
    """Return where its health is asked."""
    health = service.health
    found = stack.address(service, service.health_port)
    if health.kind == "container" or found is None:
        return None
    host, port = found
    shown = f"[{host}]" if ":" in host else host
    path = health.path.partition("?")[0] if health.kind == "http" else ""
    return f"{health.kind}://{shown}:{port}{path}"


def _engine(engine: Engine, seen: Container) -> Facts:
    try:
        entry = engine.inspect(seen.id)
        return {
            "container": container_facts(entry),
            "check": check_facts(entry),
            "mounts": mount_facts(entry),
            "networks": network_facts(entry),
            "ports": port_facts(entry),
            "environment": environment_names(entry),
            "limits": limit_facts(entry),
            "errors": last_troubles(engine, seen.id),
            "log": last_lines(engine, seen.id, LOG_LINES),
            **image_facts(entry, engine.image(str(entry["Image"]))),
        }
    except UsenetError:
        return {}  # it has gone meanwhile


def _complete(
    stack: Stack,
    row: Row,
    told: Facts,
    containers: Mapping[str, Container],
    mend: str | None,
) -> Row:
    service = stack.catalog[row["name"]]
    empty: Facts = {
        "container": None,
        "check": None,
        "mounts": [],
        "networks": [],
        "ports": [],
        "environment": [],
        "limits": None,
        "errors": [],
        "log": [],
        "image_id": None,
        "image_digest": None,
        "image_created": None,
        "image_age_seconds": None,
    }
    full = row | empty | told
    if full["http"]:
        method = service.health.method if service.health.kind == "http" else ""
        where = {"method": method, "url": _address(stack, service)}
        full["http"] = full["http"] | where
    full["version"] = row["figures"].get("version")
    full["config"] = str(stack.config_folder(service))
    full["changelog"] = service.changelog
    full["needs"] = _neighbours(stack, _needs(stack, service), containers)
    full["needed_by"] = _neighbours(
        stack, [s.name for s in _users(stack, service)], containers
    )
    full["next"] = row["mend"] or mend or next_step(stack, service, full)
    return full


def _needs(stack: Stack, service: Service) -> set[str]:
    lender = stack.networks.get(service.name)
    return {*service.needs, *([lender] if lender else [])}


def _users(stack: Stack, service: Service) -> list[Service]:
    return [s for s in stack.services if service.name in _needs(stack, s)]


def _neighbours(
    stack: Stack, names: Iterable[str], containers: Mapping[str, Container]
) -> list[dict[str, str]]:
    found = []
    for name in sorted(names):
        if stack.enabled(name):
            seen = containers.get(name)
            state = seen.state if seen else "absent"
            found.append({"name": name, "container": state})
    return found


def _masked(secrets: Secrets, found: Any) -> Any:
    if isinstance(found, str):
        return secrets.masked(found)
    if isinstance(found, dict):
        return {key: _masked(secrets, value) for key, value in found.items()}
    if isinstance(found, list):
        return [_masked(secrets, each) for each in found]
    return found
