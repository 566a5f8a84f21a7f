"""Containers of the stack: bring a tier up, wait for it, take it down."""

from concurrent.futures import ThreadPoolExecutor

from usenet_stack.docker.compose import Compose, find_compose
from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services import (
    WELL,
    recreate_dependents,
    wait_until_well,
)
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.transaction.operation import Progress

AT_ONCE = 8
LOG_LINES = 5


def tier_containers(
    engine: Engine, project: str, services: tuple[str, ...]
) -> dict[str, str]:
    """Return the ids of the containers of some services of a project."""
    found = {
        container["Labels"].get(SERVICE_LABEL, ""): str(container["Id"])
        for container in engine.containers(project)
    }
    return {name: found[name] for name in services if name in found}


def remove_containers(engine: Engine, containers: list[str]) -> None:
    """Stop containers, each in its own time, and remove them; data stays."""

    def remove(container: str) -> None:
        engine.stop(container)
        engine.remove(container)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(remove, containers))


def start_tier(
    stack: Stack, services: tuple[str, ...], progress: Progress
) -> None:
    """Bring services up and wait until each answers or has had its time.

    A service that cannot be created does not keep the others from it. Those
    that use the network of one that was made anew are made anew as well.

    Raises:
        UsenetError: deploy.services-failed, naming each with its reason.
    """
    engine = Engine()
    reasons = _bring_up(stack, find_compose(), services, progress)
    anew = recreate_dependents(stack, engine)
    reasons |= {name: why for name, why in anew.items() if why}
    unchanged = tuple(reasons)
    on = {service.name for service in stack.services}
    waiting = tuple(
        name
        for name in dict.fromkeys((*services, *anew))
        if name not in reasons and name in on
    )
    for name, health in wait_until_well(
        stack, engine, waiting, progress
    ).items():
        if health.state not in WELL:
            reasons[name] = health.reason or health.state
    if reasons:
        raise UsenetError(
            "deploy.services-failed",
            services=", ".join(reasons),
            count=len(reasons),
            first=next(iter(reasons)),
            details=tuple(f"{name}: {why}" for name, why in reasons.items()),
            reasons=reasons,
            unchanged=unchanged,
        )


def _bring_up(
    stack: Stack,
    compose: Compose,
    services: tuple[str, ...],
    progress: Progress,
) -> dict[str, str]:
    """Create and start; return why it failed, by service."""
    progress("creating containers", 0, len(services), "services")
    secrets = read_env(stack.folder)

    def up(*names: str) -> None:
        words = ("up", "-d", "--no-deps", "--pull", "never", *names)
        compose.run(stack.folder, stack.project, *words, redact=secrets.masked)

    try:
        up(*services)
        return {}
    except UsenetError as error:
        if error.code != "compose.failed":
            raise
    # One of them is at fault: find out which, the others come up.
    reasons = {}
    for name in services:
        try:
            up(name)
        except UsenetError as error:
            reasons[name] = error.why or error.message
    return reasons


def last_lines(stack: Stack, service: str) -> tuple[str, ...]:
    """Return the end of a service's log, without secrets."""
    container = f"{stack.project}-{service}-1"
    secrets = read_env(stack.folder)
    try:
        lines = list(Engine().logs(container, tail=LOG_LINES))
    except UsenetError:
        return ()
    return tuple(secrets.masked(line.text) for line in lines)
