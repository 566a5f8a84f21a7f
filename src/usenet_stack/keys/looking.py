"""Look into the applications: which places of theirs hold a key."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from usenet_stack.apps.bazarr import Bazarr
from usenet_stack.apps.declared import Declared
from usenet_stack.apps.prowlarr import Prowlarr
from usenet_stack.apps.registry import open_app
from usenet_stack.apps.seerr import Seerr
from usenet_stack.apps.servarr import Servarr, field
from usenet_stack.errors import UsenetError
from usenet_stack.keys.addresses import address_of
from usenet_stack.keys.keyfile import read_element, read_text
from usenet_stack.keys.places import Link, Place
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets, SecretValue
from usenet_stack.stack.service import Service

# What applications of the family know of others, with the word for it.
_PROVIDERS = {
    "applications": "application",
    "downloadclient": "download client",
    "indexer": "indexer",
    "importlist": "import list",
    "notification": "connection",
}
_SECRETS = ("apiKey", "password")
# What a masked secret reads back as.
_STARS = "********"
MYLAR_FILE = "mylar/config.ini"
_MYLAR = {
    "SABnzbd": ("sab_host", "sab_apikey"),
    "Transmission": ("transmission_host", "transmission_password"),
}
# What each kind of application can know of which others.
_KNOWS = {
    "prowlarr": ("servarr", "mylar3", "sabnzbd", "transmission"),
    "servarr": (
        "servarr",
        "prowlarr",
        "sabnzbd",
        "transmission",
        "jellyfin",
    ),
    "bazarr": ("servarr",),
    "seerr": ("servarr", "jellyfin"),
    "mylar3": ("prowlarr", "sabnzbd", "transmission"),
}


def may_hold(holder: Service, service: Service | None = None) -> bool:
    """Return whether an application can hold the key of another one.

    Args:
        service: whose key; None: of anybody.
    """
    knows = _KNOWS.get(_sort(holder), ())
    if service is None:
        return bool(knows)
    return holder.name != service.name and _sort(service) in knows


def _sort(service: Service) -> str:
    return service.name if service.api in ("", "declared") else service.api


def links_of(
    stack: Stack, service: Service, env: Secrets, seconds: float
) -> list[Link]:
    """Return every place of an application that holds a key of another.

    Raises:
        UsenetError: one of app.*: it cannot be asked.
    """
    app = open_app(stack, service, env, seconds)
    if app is None:
        return []
    with app:
        match app:
            case Servarr():
                return list(_providers(app))
            case Bazarr():
                return list(_bazarr(app))
            case Seerr():
                return _seerr(app)
            case Declared() if service.name == "mylar3":
                folder = stack.config_folder(service)
                return [*_mylar_file(folder, service.name), *_mylar(app)]
    return []


def _providers(app: Servarr) -> Iterator[Link]:
    for resource, word in _PROVIDERS.items():
        if resource == "applications" and not isinstance(app, Prowlarr):
            continue
        for item in _listed(app, resource):
            yield from _links_of_item(app, resource, word, item)


def _listed(app: Servarr, resource: str) -> list[dict[str, Any]]:
    try:
        return app.list(resource)
    except UsenetError as error:
        # Not every application of the family knows every kind.
        if error.code != "app.not-found":
            raise
        return []


def _links_of_item(
    app: Servarr, resource: str, word: str, item: Mapping[str, Any]
) -> Iterator[Link]:
    host, port = _address(item)
    for name in _SECRETS:
        value = field(item, name)
        if not value or not isinstance(value, str):
            continue
        title = f'{word} "{item.get("name")}"'
        number = int(item.get("id") or 0)
        place = Place("provider", app.name, resource, title, number, name)
        clear = None if value == _STARS else SecretValue(value)
        yield Link(place, host, port, clear)


def _address(item: Mapping[str, Any]) -> tuple[str, int]:
    url = field(item, "baseUrl")
    if url:
        return address_of(str(url))
    host, port = field(item, "host"), field(item, "port")
    try:
        return str(host or "").lower(), int(port or 0)
    except (TypeError, ValueError):
        return "", 0


def _bazarr(app: Bazarr) -> Iterator[Link]:
    settings = app.settings()
    for name in ("sonarr", "radarr"):
        server = settings.get(name)
        if not isinstance(server, dict) or not server.get("apikey"):
            continue
        place = Place("bazarr", app.name, name, f"its {name.title()} settings")
        yield _link(place, server, "ip", "apikey")


def _link(place: Place, server: Mapping[str, Any], host: str, key: str) -> Link:
    try:
        port = int(server.get("port") or 0)
    except (TypeError, ValueError):
        port = 0
    value = SecretValue(str(server[key]))
    return Link(place, str(server.get(host) or "").lower(), port, value)


def _seerr(app: Seerr) -> list[Link]:
    try:
        return list(_seerr_links(app))
    except UsenetError as error:
        # Nothing is set in it before its first administrator.
        if error.code != "app.setup-pending":
            raise
        return []


def _seerr_links(app: Seerr) -> Iterator[Link]:
    for kind in ("sonarr", "radarr"):
        for server in app.servers(kind):
            title = f'{kind.title()} server "{server.get("name")}"'
            number = int(server.get("id") or 0)
            place = Place("seerr-server", app.name, kind, title, number)
            if server.get("apiKey"):
                yield _link(place, server, "hostname", "apiKey")
    jellyfin = app.jellyfin()
    if jellyfin.get("apiKey"):
        place = Place("seerr-jellyfin", app.name, "jellyfin", "media server")
        yield _link(place, jellyfin, "ip", "apiKey")


def _mylar_file(folder: Path, service: str) -> Iterator[Link]:
    try:
        text = read_text(folder / MYLAR_FILE)
    except FileNotFoundError:
        return
    for section, (host, name) in _MYLAR.items():
        address = read_element(text, "ini", f"{section}.{host}") or ""
        value = read_element(text, "ini", f"{section}.{name}") or ""
        if value and value != "None" and address not in ("", "None"):
            element = f"{section}.{name}"
            title = f"{element} in {MYLAR_FILE}"
            place = Place("ini", service, MYLAR_FILE, title, 0, element)
            yield Link(place, *address_of(address), SecretValue(value))


def _mylar(app: Declared) -> Iterator[Link]:
    answer = app.http.get("/api", cmd="listProviders").record
    data = answer.get("data")
    for kind in ("newznab", "torznab"):
        found = data.get(f"{kind}s") if isinstance(data, dict) else None
        for each in found or ():
            name, value = each.get("Name"), each.get("Apikey")
            if not value:
                continue
            title = f'provider "{name}"'
            place = Place("mylar-provider", app.name, str(name), title)
            host, port = address_of(str(each.get("Host") or ""))
            yield Link(place, host, port, SecretValue(str(value)))
