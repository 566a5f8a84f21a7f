"""Put a key into one place of another application, and try it there."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from usenet_stack.apps.app import App, Client
from usenet_stack.apps.bazarr import Bazarr
from usenet_stack.apps.registry import open_app
from usenet_stack.apps.seerr import Kind, Seerr
from usenet_stack.apps.servarr import Resource, Servarr, with_field
from usenet_stack.errors import UsenetError
from usenet_stack.keys.containers import stopped
from usenet_stack.keys.holders import exactly
from usenet_stack.keys.keyfile import (
    read_element,
    read_text,
    replace_element,
    rewrite,
)
from usenet_stack.keys.places import Place
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import SecretValue, read_env

SECONDS = 20.0
# Not indexers, whose trackers count questions, and not connections, which
# would send a message to a person.
_TESTED = ("applications", "downloadclient")
# The validation failures of a provider's test that are about the key.
_ABOUT_KEY = re.compile(r"(api_?key|password|username)\b", re.IGNORECASE)


def tell(stack: Stack, place: Place, value: SecretValue) -> None:
    """Make a place hold another key.

    Raises:
        UsenetError: one of app.*, service.unwell.
        OSError: its file could not be written.
    Effects: only the key changes, all else goes back as it came. A place
        in a file that its application rewrites at its end: stopped for it.
    """
    match place.kind:
        case "ini":
            _tell_file(stack, place, value)
        case "text":
            raise ValueError("texts are replaced, not told")
        case _:
            with opened(stack, place) as app:
                _tell_app(app, place, value)


@contextmanager
def opened(stack: Stack, place: Place) -> Iterator[App]:
    """Hand out the client of the application whose place it is."""
    service, env = stack.catalog[place.service], read_env(stack.folder)
    app = open_app(stack, service, env, SECONDS)
    if app is None:
        raise UsenetError("app.no-key", service=place.service)
    with app:
        yield app


def _tell_app(app: App, place: Place, value: SecretValue) -> None:
    cast(Client, app).http.keep_secret(value)
    match place.kind, app:
        case "provider", Servarr():
            item = app.get(place.resource, place.number)
            # Its own test may fail for reasons that were there before.
            changed = with_field(item, place.field, value.reveal())
            app.update(place.resource, changed, forceSave=True)
        case "bazarr", Bazarr():
            name = f"settings-{place.resource}-apikey"
            app.save_settings({name: value.reveal()})
        case "seerr-server", Seerr():
            server = _server(app, place) | {"apiKey": value.reveal()}
            app.update_server(_kind(place), server)
        case "seerr-jellyfin", Seerr():
            _tell_jellyfin(app, value)
        case "mylar-provider", Client():
            arguments = {"name": place.resource, "prov_apikey": value.reveal()}
            app.http.get("/api", cmd="changeProvider", **arguments)


def _tell_jellyfin(app: Seerr, value: SecretValue) -> None:
    known = app.jellyfin()
    names = ("ip", "port", "useSsl", "urlBase")
    settings = {name: known[name] for name in names if name in known}
    app.update_jellyfin(**settings, apiKey=value.reveal())


def _server(app: Seerr, place: Place) -> Resource:
    for server in app.servers(_kind(place)):
        if int(server.get("id") or 0) == place.number:
            return server
    call = f"GET settings/{place.resource}/{place.number}"
    raise UsenetError("app.not-found", service=place.service, call=call)


def _kind(place: Place) -> Kind:
    return "sonarr" if place.resource == "sonarr" else "radarr"


def _tell_file(stack: Stack, place: Place, value: SecretValue) -> None:
    path = stack.config_folder(stack.catalog[place.service]) / place.resource
    with stopped(stack, place.service):
        text = read_text(path)
        new = replace_element(text, "ini", place.field, value.reveal())
        rewrite(path, new)


def held_value(stack: Stack, place: Place) -> SecretValue | None:
    """Return what a place holds now, None where it does not show it.

    Raises:
        UsenetError: one of app.*.
    """
    if place.kind == "ini":
        folder = stack.config_folder(stack.catalog[place.service])
        text = read_text(folder / place.resource)
        found = read_element(text, "ini", place.field)
        return SecretValue(found) if found else None
    with opened(stack, place) as app:
        match place.kind, app:
            case "bazarr", Bazarr():
                found = app.settings().get(place.resource, {}).get("apikey")
                return SecretValue(str(found or ""))
            case "seerr-server", Seerr():
                return SecretValue(str(_server(app, place).get("apiKey")))
            case "seerr-jellyfin", Seerr():
                return SecretValue(str(app.jellyfin().get("apiKey")))
    return None


def try_out(stack: Stack, place: Place) -> bool:
    """Let an application use what it holds, where that is cheap.

    Returns: False when it was still at it when our patience ended.
    Raises:
        UsenetError: keys.holder-refused: it cannot get in with it.
    """
    if place.kind != "seerr-server" and place.resource not in _TESTED:
        return True
    with opened(stack, place) as app:
        try:
            match app:
                case Servarr():
                    item = app.get(place.resource, place.number)
                    app.create(f"{place.resource}/test", item)
                case Seerr():
                    app.test_server(_kind(place), _server(app, place))
        except UsenetError as error:
            if not _is_about_key(error, place):
                return error.code != "app.silent"
            raise UsenetError(
                "keys.holder-refused",
                holder=place.service,
                title=place.title,
                why=error.why,
                details=error.details,
            ) from error
    return True


def _is_about_key(error: UsenetError, place: Place) -> bool:
    if place.kind == "seerr-server":
        return error.code == "app.failing"
    said = (error.why, *error.details)
    return error.code == "app.refused" and any(map(_ABOUT_KEY.match, said))


def replace_in_text(
    stack: Stack, place: Place, old: SecretValue, new: SecretValue
) -> None:
    """Put a key in the place of another one in a file of text.

    Raises:
        OSError: nothing changed.
    """
    folder = stack.config_folder(stack.catalog[place.service])
    path = (folder / place.resource).resolve()
    content = path.read_bytes()
    changed = exactly(old).sub(lambda _: new.reveal().encode(), content)
    if changed != content:
        rewrite(path, changed.decode("utf-8", "surrogateescape"))
