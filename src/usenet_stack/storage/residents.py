"""What lives on a drive, by the applications that keep it there."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from usenet_stack.apps.registry import open_app
from usenet_stack.apps.servarr import Servarr
from usenet_stack.apps.transmission import Transmission
from usenet_stack.errors import UsenetError
from usenet_stack.services import ask_all
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.stack.service import MediaType, Service
from usenet_stack.storage.layouts import (
    UNION,
    drive_place,
    is_union,
)
from usenet_stack.storage.mounts import is_below
from usenet_stack.storage.probe import Request, probe

# What each kind is called in the API, and by people.
_ITEMS: dict[MediaType, tuple[str, str]] = {
    "tv": ("series", "series"),
    "movies": ("movie", "movies"),
    "music": ("artist", "artists"),
    "books": ("author", "authors"),
}


class Residents(msgspec.Struct, frozen=True):
    """What one application has on a drive.

    Args:
        what: "series", "movies", "torrents", ...
        names: of them, sorted.
    """

    service: str
    what: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.names[:3])
        more = ", ..." if len(self.names) > 3 else ""
        return f"{self.service}: {len(self.names)} {self.what} ({shown}{more})"


def find_residents(
    stack: Stack, name: str, services: tuple[str, ...], seconds: float
) -> list[Residents]:
    """Return what applications have on a drive of the pool.

    Args:
        name: of the drive.
        services: those that run; others cannot be asked.
        seconds: how long each may take.

    Raises:
        UsenetError: one of app.*: an application does not say.
    """
    asked: dict[str, Callable[[], list[Residents] | UsenetError]] = {
        service.name: partial(_ask, stack, service, name, seconds)
        for service in stack.services
        if service.name in services
        and service.api in ("servarr", "transmission")
    }
    answers = ask_all(asked, 3 * seconds)
    found = []
    for service in asked:
        answer = answers.get(service)
        if answer is None:
            answer = UsenetError(
                "app.silent", service=service, seconds=seconds, call="items"
            )
        if isinstance(answer, UsenetError):
            raise answer
        found += answer
    return found


def _ask(
    stack: Stack, service: Service, drive: str, seconds: float
) -> list[Residents] | UsenetError:
    try:
        app = open_app(stack, service, read_env(stack.folder), seconds)
        if app is None:
            return []
        with app:
            if isinstance(app, Transmission):
                return _torrents(stack, app, drive)
            if isinstance(app, Servarr):
                return _items(stack, app, service, drive)
    except UsenetError as error:
        return [] if error.code == "app.no-key" else error
    return []


def _items(
    stack: Stack, app: Servarr, service: Service, drive: str
) -> list[Residents]:
    found = []
    for media in service.keeps:
        if media not in _ITEMS:
            continue
        resource, what = _ITEMS[media]
        names = _on_drive(stack, app.list(resource), "path", drive)
        if names:
            found.append(Residents(service.name, what, names))
    return found


def _torrents(stack: Stack, app: Transmission, drive: str) -> list[Residents]:
    torrents = app.torrents("name", "downloadDir")
    names = _on_drive(stack, torrents, "downloadDir", drive)
    return [Residents(app.name, "torrents", names)] if names else []


def _on_drive(
    stack: Stack, items: list[dict[str, Any]], key: str, drive: str
) -> tuple[str, ...]:
    """Return the names of the items that lie on a drive."""
    own = f"{stack.media_inside}/{drive}"
    named = [(_name(item), str(item.get(key) or "")) for item in items]
    found = [name for name, path in named if is_below(path, own)]
    if is_union(stack):
        found += _in_union(stack, named, drive)
    return tuple(sorted(found))


def _in_union(
    stack: Stack, named: list[tuple[str, str]], drive: str
) -> list[str]:
    """Return the items of the union of which this drive holds a part."""
    union = f"{stack.media_inside}/{UNION}"
    below = [(n, p) for n, p in named if is_below(p, union) and p != union]
    place = drive_place(stack, drive)
    asked = [
        Request("stat", f"{place}/{path.removeprefix(union).lstrip('/')}")
        for _, path in below
    ]
    return [
        name
        for (name, _), answer in zip(below, probe(asked), strict=True)
        if answer.ok
    ]


def _name(item: dict[str, Any]) -> str:
    for key in ("title", "artistName", "authorName", "name"):
        if isinstance(item.get(key), str):
            return str(item[key])
    return "?"
