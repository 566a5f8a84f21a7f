"""Containers that get a new environment, or rest while a file changes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from usenet_stack.docker.compose import find_compose
from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services import (
    WELL,
    come_to_rest,
    config_hashes,
    wait_until_well,
)
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets
from usenet_stack.transaction.operation import Progress

HASH_LABEL = "com.docker.compose.config-hash"
ATTEMPTS = 4


def containers(stack: Stack) -> dict[str, str]:
    """Return the ids of the containers that run, by service.

    Raises:
        UsenetError: the Engine does not answer.
    """
    return {
        container["Labels"].get(SERVICE_LABEL, ""): str(container["Id"])
        for container in Engine().containers(stack.project, all=False)
    }


def recreate(
    stack: Stack,
    names: Sequence[str],
    secrets: Secrets,
    progress: Progress,
) -> None:
    """Give containers the environment of compose.yaml and `.env`, and wait.

    One whose environment is the same already stays as it is.

    Args:
        secrets: what must not show in errors.

    Raises:
        UsenetError: compose.failed, service.unwell.
    """
    _bring_up(stack, names, secrets)
    wait(stack, names, progress)


def recreate_after_all(
    stack: Stack,
    names: Sequence[str],
    secrets: Secrets,
    progress: Progress,
) -> None:
    """Do what `recreate` does where a killed run may have done half of it.

    What that asked the Engine for may still happen: a container that seems
    to run is being stopped, one that seems to rest is being started, and a
    spare one stands beside it. So all of them come to rest first, and what
    is there afterwards is looked at.

    Raises:
        UsenetError: compose.failed, service.unwell.
    """
    for attempt in range(ATTEMPTS):
        come_to_rest(stack.project, names)
        try:
            _bring_up(stack, names, secrets)
        except UsenetError as error:
            if error.code != "compose.failed" or attempt == ATTEMPTS - 1:
                raise
            continue
        if _as_wanted(stack, names):
            break
    wait(stack, names, progress)


def _bring_up(stack: Stack, names: Sequence[str], secrets: Secrets) -> None:
    words = ("up", "-d", "--no-deps", "--pull", "never", *names)
    compose = find_compose()
    compose.run(stack.folder, stack.project, *words, redact=secrets.masked)


def _as_wanted(stack: Stack, names: Sequence[str]) -> bool:
    """Tell whether each has one container, which runs as it should."""
    hashes = config_hashes(stack, Engine())
    found = [
        (labels.get(SERVICE_LABEL), labels.get(HASH_LABEL), one["State"])
        for one in Engine().containers(stack.project)
        if (labels := one["Labels"]).get(SERVICE_LABEL) in names
    ]
    wanted = [(name, hashes.get(name), "running") for name in names]
    return sorted(found, key=str) == sorted(wanted, key=str)


def wait(stack: Stack, names: Sequence[str], progress: Progress) -> None:
    """Wait until services are well.

    Raises:
        UsenetError: service.unwell.
    """
    found = wait_until_well(stack, Engine(), names, progress)
    reasons = {
        name: health.reason or health.state
        for name, health in found.items()
        if health.state not in WELL
    }
    if reasons:
        raise UsenetError(
            "service.unwell",
            names=", ".join(reasons),
            first=next(iter(reasons)),
            details=tuple(f"{name}: {why}" for name, why in reasons.items()),
        )


def run_again(stack: Stack, names: Sequence[str], progress: Progress) -> None:
    """Start those of some services that are there and do not run, and wait.

    Raises:
        UsenetError: the Engine does not answer; service.unwell.
    """
    engine = Engine()
    started = []
    for container in engine.containers(stack.project):
        name = container["Labels"].get(SERVICE_LABEL, "")
        if name in names and container["State"] != "running":
            engine.start(str(container["Id"]))
            started.append(name)
    if started:
        wait(stack, started, progress)


@contextmanager
def stopped(
    stack: Stack,
    name: str,
    progress: Progress = lambda _text, _done, _total, _unit: None,
) -> Iterator[None]:
    """Keep a service stopped for the block, then start it and wait.

    One that does not run stays as it is. Whatever happens inside, it is
    started again.

    Raises:
        UsenetError: the Engine does not answer; service.unwell.
    """
    container = containers(stack).get(name)
    if container is None:
        yield
        return
    engine = Engine()
    engine.stop(container)
    try:
        yield
    finally:
        engine.start(container)
    wait(stack, (name,), progress)
