"""Which client speaks to which service.

Importing this costs next to nothing: a client's module is loaded when the
first service that needs it is opened.
"""

from typing import TYPE_CHECKING

from usenet_stack.apps.app import App

if TYPE_CHECKING:
    from usenet_stack.apps.http import Http
    from usenet_stack.stack.model import Stack
    from usenet_stack.stack.secrets import Secrets, SecretValue
    from usenet_stack.stack.service import Service

SECONDS = 5.0


def open_app(
    stack: "Stack",
    service: "Service",
    env: "Secrets",
    seconds: float = SECONDS,
) -> App | None:
    """Return the client of a service; nothing is sent yet.

    Args:
        env: what the stack's `.env` holds.
        seconds: how long each of its calls may take, `figures` as a whole.

    Returns: None when the service has no API that we know, or publishes
        no port for it.
    Raises:
        UsenetError: app.no-key.
    """
    if not has_api(service):
        return None
    address = stack.address(service, service.health_port)
    if address is None:
        return None
    from usenet_stack.apps.opening import open_http

    return _client(service, open_http(service, address, env, seconds), env)


def has_api(service: "Service") -> bool:
    """Return whether there is a client for the service."""
    return bool(service.api or service.figures)


def _client(service: "Service", http: "Http", env: "Secrets") -> App:
    match service.api:
        case "servarr":
            from usenet_stack.apps.servarr import Servarr

            return Servarr(http, service.api_root or "/api/v3")
        case "prowlarr":
            from usenet_stack.apps.prowlarr import Prowlarr

            return Prowlarr(http, service.api_root or "/api/v1")
        case "sabnzbd":
            from usenet_stack.apps.sabnzbd import Sabnzbd

            return Sabnzbd(http, env.get(service.key.secret))
        case "transmission":
            from usenet_stack.apps.transmission import Transmission

            return Transmission(http)
        case "jellyfin":
            from usenet_stack.apps.jellyfin import Jellyfin

            return Jellyfin(http, service.key, _password(service, env))
        case "seerr":
            from usenet_stack.apps.seerr import Seerr

            return Seerr(http)
        case _:
            return _other_client(service, http, env)


def _other_client(service: "Service", http: "Http", env: "Secrets") -> App:
    match service.api:
        case "bazarr":
            from usenet_stack.apps.bazarr import Bazarr

            return Bazarr(http)
        case "tdarr":
            from usenet_stack.apps.tdarr import Tdarr

            return Tdarr(http)
        case "netdata":
            from usenet_stack.apps.netdata import Netdata

            return Netdata(http)
        case "portainer":
            from usenet_stack.apps.portainer import Portainer

            return Portainer(http, service.key, _password(service, env))
        case "audiobookshelf":
            from usenet_stack.apps.audiobookshelf import Audiobookshelf

            return Audiobookshelf(http, service.key, _password(service, env))
        case _:
            from usenet_stack.apps.declared import Declared

            return Declared(http, service.figures, service.key)


def _password(service: "Service", env: "Secrets") -> "SecretValue | None":
    """Return the administrator's password, where we chose it."""
    names = [secret.name for secret in service.secrets]
    found = (env.get(name) for name in names if name.endswith("PASSWORD"))
    return next((value for value in found if value), None)
