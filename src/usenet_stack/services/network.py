"""Containers in the network of another one, such as a VPN's.

Docker ties such a container to the id of the other. When that one is made
anew its guest holds a network that is gone, and when it merely restarts the
guest holds one without a connection: only a new guest gets the new network.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from usenet_stack.docker.compose import find_compose
from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import read_env

MODE = "container:"
ONE_OFF = "com.docker.compose.oneoff"
AWAKE = ("running", "restarting")
# What Docker notes of a guest that it could not bring back by itself.
LOST = ("no such container", "cannot join network", "network namespace")


class Guest(NamedTuple):
    """A container that uses the network of another.

    Args:
        host: id or name of the other container.
        host_service: the service of this stack that it is, "" when it is
            gone or of another stack.
        state: as the Engine lists it.
    """

    service: str
    id: str
    host: str
    host_service: str
    state: str


def guests(engine: Engine, project: str) -> dict[str, Guest]:
    """Return the containers without a network of their own, by service.

    It asks the Engine, so that those are among them that a user attached in
    compose.override.yaml.

    Raises:
        UsenetError: the Engine does not answer.
    """
    listed = engine.containers(project)
    names = {str(entry["Id"]): _service(entry) for entry in listed}
    found = {}
    for entry in listed:
        mode = str((entry.get("HostConfig") or {}).get("NetworkMode", ""))
        once = (entry.get("Labels") or {}).get(ONE_OFF) == "True"
        if once or not mode.startswith(MODE):
            continue
        host = mode.removeprefix(MODE)
        guest = Guest(
            _service(entry),
            str(entry["Id"]),
            host,
            names.get(host, ""),
            str(entry["State"]),
        )
        found[guest.service] = guest
    return found


def _service(entry: dict[str, Any]) -> str:
    return str((entry.get("Labels") or {}).get(SERVICE_LABEL, ""))


def host_is_gone(engine: Engine, guest: Guest) -> bool:
    """Tell whether the container is gone whose network a guest wants."""
    return not guest.host_service and _state(engine, guest.host) is None


def lost_guests(engine: Engine, project: str) -> tuple[str, ...]:
    """Return the services that hold a network which is no more.

    One that is stopped is none of them, unless it ended for that reason.

    Raises:
        UsenetError: the Engine does not answer.
    """
    found = guests(engine, project).values()
    return tuple(g.service for g in found if _is_lost(engine, g))


def _is_lost(engine: Engine, guest: Guest) -> bool:
    own = _state(engine, guest.id)
    if own is None:
        return False
    error = str(own.get("Error", "")).lower()
    if guest.state not in AWAKE and not any(word in error for word in LOST):
        return False
    host = _state(engine, guest.host)
    if host is None:
        return True
    # Without its host it has no network in any case: that one comes first.
    return bool(host["Running"]) and _started(host) > _started(own)


def _state(engine: Engine, container: str) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = engine.inspect(container)["State"]
    except UsenetError as error:
        if error.code != "docker.not-found":
            raise
        return None
    return state


def _started(state: dict[str, Any]) -> float:
    return datetime.fromisoformat(str(state["StartedAt"])).timestamp()


def recreate_dependents(
    stack: Stack, engine: Engine | None = None
) -> dict[str, str]:
    """Make those containers anew that hold a network which is no more.

    To be called whenever a container was made anew or restarted. It waits
    for nobody's health, and finds nothing to do when it is called again.

    Returns: for each service "" or why it failed.
    Raises:
        UsenetError: the Engine does not answer.
    """
    return make_anew(stack, lost_guests(engine or Engine(), stack.project))


def make_anew(stack: Stack, names: Iterable[str]) -> dict[str, str]:
    """Let Compose replace the containers of services and start them.

    Returns: for each service "" or why it failed.
    """
    reasons = {}
    redact = read_env(stack.folder).masked
    for name in names:
        words = ("up", "-d", "--no-deps", "--pull", "never")
        try:
            find_compose().run(
                stack.folder,
                stack.project,
                *(*words, "--force-recreate", name),
                redact=redact,
            )
            reasons[name] = ""
        except UsenetError as error:
            reasons[name] = error.why or error.message
    return reasons


def config_hashes(stack: Stack, engine: Engine) -> dict[str, str]:
    """Return the hash that each service's container should be labelled with.

    Compose counts in the id of the container whose network a guest uses, so
    the Engine is asked for it.

    Raises:
        UsenetError: the Engine does not answer, or Compose refuses the file.
    """
    wanted = {*stack.networks, *_attached_by_hand(stack)}
    there = guests(engine, stack.project) if wanted else {}
    return find_compose().config_hashes(
        stack.folder,
        stack.project,
        read_env(stack.folder).masked,
        {name: there[name].host for name in wanted & there.keys()},
    )


def _attached_by_hand(stack: Stack) -> list[str]:
    """Return the services that compose.override.yaml puts into another's
    network.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Knows no tag of Compose's own, such as !reset, and needs none."""

    Loader.add_multi_constructor("!", lambda *_: None)
    try:
        text = stack.override_path.read_text()
        content = yaml.load(text, Loader)
        services = content["services"].items()
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return []
    except yaml.YAMLError:
        return []  # Compose tells what is wrong with it
    return [
        name
        for name, body in services
        if stack.enabled(name)
        and isinstance(body, dict)
        and str(body.get("network_mode", "")).startswith("service:")
    ]
