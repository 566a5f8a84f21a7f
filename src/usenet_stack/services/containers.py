"""What the Engine tells of the containers of a stack."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack

SIMULATED_LABEL = "usenet.simulated"


class Container(NamedTuple):
    """One container, as the list of containers has it.

    Args:
        state: created, running, paused, restarting, exited, dead, removing.
        check: healthy, unhealthy, starting by its own health check, or "".
    """

    id: str
    service: str
    state: str
    check: str
    image: str
    simulated: bool

    @property
    def running(self) -> bool:
        return self.state == "running"


class Details(NamedTuple):
    """What only asking for the one container tells.

    Args:
        seconds: since its last start, 0 when it never was.
        error: why Docker could not start it, "".
    """

    seconds: float
    exit_code: int
    restarts: int
    out_of_memory: bool
    error: str


def stack_containers(engine: Engine, project: str) -> dict[str, Container]:
    """Return the containers of a Compose project by service.

    Raises:
        UsenetError: the Engine does not answer.
    """
    found: dict[str, Container] = {}
    for entry in engine.containers(project):
        container = _container(entry)
        other = found.get(container.service)
        # One-off containers and replaced ones may stand beside the real one.
        if other is None or container.running > other.running:
            found[container.service] = container
    return found


def container_of(stack: Stack, engine: Engine, name: str) -> Container:
    """Return the container of the service of that name or alias.

    Raises:
        UsenetError: service.unknown, service.off, service.absent, or the
            Engine does not answer.
    """
    service = stack.resolve(name).name
    found = stack_containers(engine, stack.project).get(service)
    if found is None:
        code = "absent" if stack.enabled(service) else "off"
        raise UsenetError(f"service.{code}", name=service)
    return found


def _container(entry: dict[str, Any]) -> Container:
    labels: dict[str, str] = entry.get("Labels") or {}
    status = str(entry.get("Status", ""))
    return Container(
        id=str(entry["Id"]),
        service=labels.get(SERVICE_LABEL, ""),
        state=str(entry.get("State", "")),
        check=_check(status),
        image=str(entry.get("Image", "")),
        simulated=labels.get(SIMULATED_LABEL) == "true",
    )


def _check(status: str) -> str:
    # The list has it only here: "Up 2 minutes (health: starting)".
    if not status.endswith(")"):
        return ""
    word = status.rpartition("(")[2].rstrip(")").removeprefix("health: ")
    return word if word in ("healthy", "unhealthy", "starting") else ""


def details(
    engine: Engine,
    container: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Details:
    """Return what the Engine knows of one container.

    Raises:
        UsenetError: the Engine does not answer, or it is gone.
    """
    entry = engine.inspect(container)
    state: dict[str, Any] = entry["State"]
    started = datetime.fromisoformat(str(state["StartedAt"]))
    seconds = (now() - started).total_seconds()
    return Details(
        seconds=seconds if started.year > 1 else 0.0,
        exit_code=int(state["ExitCode"]),
        restarts=int(entry.get("RestartCount", 0)),
        out_of_memory=bool(state["OOMKilled"]),
        error=str(state["Error"]),
    )
