"""How the key of a service can be changed."""

import os
from typing import Any, Literal

from usenet_stack.apps.opening import api_key_name
from usenet_stack.errors import UsenetError
from usenet_stack.stack.locate import deploy_command
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets
from usenet_stack.stack.service import Secret, Service

Way = Literal["env", "file", "live", "asked", ""]
_WRITABLE = ("ini", "xml", "yaml")


def has_key(service: Service) -> bool:
    """Return whether the service guards its API with a key of ours."""
    return service.key.where != "none"


def way_of(service: Service) -> Way:
    """Return how a new key gets into an application.

    env: with its environment; file: into its file while it is stopped;
    live: by its API, the key of our choice; asked: it makes one itself;
    "": only by hand.
    """
    key = service.key
    if service.api == "sabnzbd":
        return "live"
    if service.api == "jellyfin":
        return "asked"
    if key.where == "env" and key.secret:
        return "env"
    if key.where == "file" and key.secret and key.format in _WRITABLE:
        return "file"
    return ""


def secret_name(service: Service) -> str:
    """Return the name of its key in `.env`, "" when it has none there."""
    if service.key.secret:
        return service.key.secret
    if way_of(service) == "asked":
        return api_key_name(service)
    return ""


def is_password(service: Service) -> bool:
    """Return whether what we call its key is a person's password."""
    return service.key.send == "basic"


def held_in(service: Service) -> str:
    """Return the setting in which other applications hold it."""
    return "password" if is_password(service) else "apiKey"


def declared(service: Service) -> Secret | None:
    """Return how its key is made, None when it makes that itself."""
    name = service.key.secret
    return next((s for s in service.secrets if s.name == name), None)


def check_rotatable(stack: Stack, service: Service, env: Secrets) -> None:
    """Check that a service's key can be changed by us.

    Raises:
        UsenetError: keys.none, keys.by-hand, keys.given, keys.missing.
    """
    name = service.name
    if not has_key(service):
        raise UsenetError("keys.none", service=name)
    way = way_of(service)
    if not way:
        raise UsenetError("keys.by-hand", service=name)
    if way == "asked":
        return
    secret = declared(service)
    if secret is None or secret.kind == "given":
        raise UsenetError(
            "keys.given",
            service=name,
            name=secret_name(service),
            path=stack.env_path,
            deploy=_deploy(stack, service),
        )
    if not env.get(secret.name):
        raise missing(stack, service)


def is_first(service: Service, env: Secrets) -> bool:
    """Return whether an application has yet to make the key for us."""
    return way_of(service) == "asked" and not env.get(secret_name(service))


def missing(stack: Stack, service: Service) -> UsenetError:
    """Return the error for a service whose key `.env` does not have."""
    if way_of(service) == "asked":
        return UsenetError("keys.not-set-up", service=service.name)
    deploy = _deploy(stack, service)
    return UsenetError("keys.missing", service=service.name, deploy=deploy)


def _deploy(stack: Stack, service: Service) -> str:
    command = deploy_command(stack.folder, os.environ)
    return f"{command} --services {service.name}"


def differs(stack: Stack, service: Service) -> UsenetError:
    """Return the error for a service that refuses the key in `.env`."""
    name = service.name
    if service.key.where == "env":
        hint = f"{_deploy(stack, service)}   (gives it that of .env)"
    else:
        hint = (
            f"Put the key that {name} uses into {stack.env_path} as "
            f"{secret_name(service)}, then run it again."
        )
    return UsenetError("keys.differs", service=name, hint=hint)


def dependents(stack: Stack, service: Service) -> tuple[str, ...]:
    """Return the other services whose environment holds the key.

    Those of the catalogue, and those that the user's own compose file
    gives it to.
    """
    mark = f"${{{secret_name(service)}}}"
    found = [
        other.name
        for other in stack.services
        if other.name != service.name
        and any(mark in value for value in other.environment.values())
    ]
    found += _in_override(stack, service, found)
    return tuple(found)


def _in_override(stack: Stack, service: Service, known: list[str]) -> list[str]:
    import yaml

    try:
        text = stack.override_path.read_text("utf-8")
        # Nodes, not values: Compose has tags of its own, such as !reset.
        tables = _members(_members(yaml.compose(text)).get("services"))
    except (OSError, ValueError, yaml.YAMLError):
        return []
    holding = {
        name
        for name, node in tables.items()
        if secret_name(service)
        in text[node.start_mark.index : node.end_mark.index]
    }
    return [
        other.name
        for other in stack.services
        if other.name in holding and other.name not in (service.name, *known)
    ]


def _members(node: Any) -> dict[str, Any]:
    pairs = node.value if getattr(node, "id", "") == "mapping" else ()
    return {key.value: value for key, value in pairs}
