"""`usenet keys show`: the one place that hands a key out."""

from usenet_stack.errors import UsenetError
from usenet_stack.keys.ways import (
    has_key,
    is_password,
    missing,
    secret_name,
)
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import read_env


def show_key(stack: Stack, name: str) -> Result:
    """Return the key of a service, in clear.

    Returns: data with service, name (in `.env`), value, username.
    Raises:
        UsenetError: service.unknown, keys.none, keys.by-hand,
            keys.not-set-up, keys.missing.
    """
    service = stack.resolve(name)
    if not has_key(service):
        raise UsenetError("keys.none", service=service.name)
    secret = secret_name(service)
    if not secret:
        raise UsenetError("keys.by-hand", service=service.name)
    value = read_env(stack.folder).get(secret)
    if not value:
        raise missing(stack, service)
    username = service.key.username if is_password(service) else ""
    return Result(
        {
            "service": service.name,
            "name": secret,
            "value": value.reveal(),
            "username": username,
        }
    )
