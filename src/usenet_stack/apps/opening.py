"""How a service's key goes with its requests, as the catalogue has it."""

import base64

from usenet_stack.apps.http import Http
from usenet_stack.apps.wire import Address
from usenet_stack.errors import UsenetError
from usenet_stack.stack.secrets import Secrets, SecretValue
from usenet_stack.stack.service import Key, Service


def open_http(
    service: Service, address: Address, env: Secrets, seconds: float
) -> Http:
    """Return the way to a service, with its key.

    Raises:
        UsenetError: app.no-key: it needs one that `.env` does not have.
    """
    key = service.key
    headers: dict[str, SecretValue] = {}
    query: dict[str, SecretValue] = {}
    secret = env.get(key.secret or api_key_name(service))
    if secret:
        headers, query = carried(key, secret)
    elif key.where in ("env", "file"):
        why = f"{key.secret} is empty or not there"
        raise UsenetError("app.no-key", service=service.name, why=why)
    http = Http(
        service.name,
        address,
        headers=headers,
        query=query,
        seconds=seconds,
        hide=env.masked,
        wrong_key=(401, *(s for s in key.wrong_status if s >= 300)),
    )
    if secret:
        http.keep_secret(secret)
    return http


def api_key_name(service: Service) -> str:
    """Return the name in `.env` of a key that the application made."""
    return f"{service.name.upper().replace('-', '_')}_API_KEY"


def carried(
    key: Key, secret: SecretValue
) -> tuple[dict[str, SecretValue], dict[str, SecretValue]]:
    """Return the headers and the query parameters that carry a key."""
    match key.send:
        case "header":
            return {key.name: filled(key, secret)}, {}
        case "query":
            return {}, {key.name: filled(key, secret)}
        case "basic":
            pair = f"{key.username}:{secret.reveal()}".encode()
            value = f"Basic {base64.b64encode(pair).decode()}"
            return {"Authorization": SecretValue(value)}, {}
        case "none":
            return {}, {}


def filled(key: Key, secret: SecretValue) -> SecretValue:
    """Return the value of the header or parameter."""
    return SecretValue(key.template.replace("{key}", secret.reveal()))
