"""What the Docker daemon behind a socket says of itself."""

from pathlib import Path
from typing import Literal

import msgspec

from usenet_stack.docker.engine import PROJECT_LABEL, Engine
from usenet_stack.errors import UsenetError

State = Literal["running", "stopped", "denied", "silent"]
STATES: dict[str, State] = {
    "docker.not-installed": "stopped",
    "docker.not-running": "stopped",
    "docker.denied": "denied",
    "docker.too-old": "running",
}


class Daemon(msgspec.Struct, frozen=True):
    """What the socket told.

    Args:
        state: "stopped": nobody is behind it; "silent": no sensible answer.
        version, api: of a running one, "" otherwise.
        why: the error's words when it does not run.
    """

    state: State
    version: str = ""
    api: str = ""
    why: str = ""


class Published(msgspec.Struct, frozen=True):
    """A port that Docker publishes, for a container of a project or ""."""

    protocol: str
    address: str
    port: int
    container: str
    project: str


def ask_daemon(socket: Path) -> Daemon:
    """Return the state of the daemon behind a socket; never raises."""
    engine = Engine(socket)
    api = ""
    try:
        api = engine.ping()
        return Daemon("running", str(engine.version().get("Version", "")), api)
    except UsenetError as problem:
        state = STATES.get(problem.code, "silent")
        return Daemon(state, "", api, problem.why or problem.message)


def published_ports(socket: Path) -> list[Published]:
    """Return the ports that running containers publish.

    Source: Engine API, GET /containers/json, `Ports`.
    """
    try:
        told = Engine(socket).containers(all=False)
    except UsenetError:
        return []
    return [
        Published(
            port["Type"],
            port.get("IP") or "0.0.0.0",
            port["PublicPort"],
            container["Names"][0].lstrip("/"),
            (container.get("Labels") or {}).get(PROJECT_LABEL, ""),
        )
        for container in told
        for port in container.get("Ports") or ()
        if "PublicPort" in port
    ]
