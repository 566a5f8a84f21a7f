"""The containers of one service while its image is exchanged."""

import time
from typing import Any

from usenet_stack.docker.compose import find_compose
from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services import WELL, come_to_rest, wait_until_well
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.transaction.operation import Progress

ONE_OFF = "com.docker.compose.oneoff=False"
LOG_LINES = 8
# Of a service without a port only its container tells: one that ends at
# once has been started again by then.
STAYS_SECONDS = 2.0
# A container in one of these is meant to work.
AWAKE = ("running", "restarting", "paused")


def containers_of(
    engine: Engine, project: str, service: str
) -> list[dict[str, Any]]:
    """Return the containers of a service, the one that is used first.

    A Compose that was cut off while it replaced one leaves two.
    """
    filters = {"label": [f"{SERVICE_LABEL}={service}", ONE_OFF]}
    found = engine.containers(project, filters=filters)
    return sorted(found, key=lambda c: c["State"] not in AWAKE)


def recreate(stack: Stack, service: str, start: bool) -> None:
    """Make a new container from the image that has the service's name.

    Args:
        start: start it; else it is only created.

    Raises:
        UsenetError: compose.failed and its like.
    """
    up = ("up", "-d") if start else ("up", "--no-start")
    options = ("--no-deps", "--pull", "never", "--force-recreate")
    find_compose().run(
        stack.folder,
        stack.project,
        *(*up, *options, service),
        redact=read_env(stack.folder).masked,
    )


def bring_back(
    stack: Stack,
    service: str,
    reference: str,
    before: dict[str, Any],
    start: bool,
) -> None:
    """Let a service run from its old image again, on what it finds.

    Args:
        before: `container` and `image`, ids of what was there.
        start: it ran before.

    Raises:
        UsenetError: the Engine or Compose fails. May be called again.
    """
    engine = Engine()
    rest = come_to_rest(stack.project, (service,))
    found = [str(container["Id"]) for container in rest]
    old = before["container"]
    kept = old if old in found else next(iter(found), "")
    # Two of one service, a Compose that was cut off leaves them, are one too
    # many for the next Compose.
    for other in found:
        if other != kept:
            engine.remove(other)
    if kept != old:
        engine.tag(before["image"], reference)
        recreate(stack, service, start)
    elif start:
        engine.start(old)


def wait_until_it_stays(stack: Stack, service: str, progress: Progress) -> str:
    """Wait for the health of a service after its start.

    Returns: why it did not get well, "" when it did.
    """
    engine = Engine()
    health = wait_until_well(stack, engine, (service,), progress)[service]
    if health.state not in WELL:
        return health.reason or health.state
    if stack.catalog[service].health.kind != "container":
        return ""
    time.sleep(STAYS_SECONDS)
    for container in containers_of(engine, stack.project, service):
        seen = engine.inspect(container["Id"])
        if not seen["State"]["Running"]:
            return f"ended with exit code {seen['State']['ExitCode']}"
        if seen["RestartCount"]:
            return "keeps ending"
    return ""


def last_lines(stack: Stack, service: str) -> tuple[str, ...]:
    """Return the end of a service's log, without secrets."""
    engine = Engine()
    secrets = read_env(stack.folder)
    try:
        (container, *_) = containers_of(engine, stack.project, service)
        lines = list(engine.logs(container["Id"], tail=LOG_LINES))
    except (UsenetError, ValueError):
        return ()
    return tuple(secrets.masked(line.text) for line in lines)
