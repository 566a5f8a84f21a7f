"""Settings of the media server and its libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes, json_reply
from ..upstream import address, ask
from .wire import client, fail

if TYPE_CHECKING:
    from . import Seerr

ROUTES: Routes[Seerr] = Routes()


@ROUTES.on("GET", "/settings/jellyfin")
def get_jellyfin(app: Seerr, request: Request) -> Reply:
    shown = dict(app.settings["jellyfin"])
    return json_reply({**shown, "hostname": shown["ip"]})


@ROUTES.on("POST", "/settings/jellyfin")
def set_jellyfin(app: Seerr, request: Request) -> Reply:
    merged = {**app.settings["jellyfin"], **request.json()}
    root = address(
        merged["ip"], merged["port"], merged["urlBase"], merged["useSsl"]
    )
    try:
        found = ask(
            f"{root}/System/Info",
            headers={"Authorization": client(merged["apiKey"])},
        )
    except OSError as error:
        raise fail(500, "Unable to connect to Jellyfin.") from error
    if found.status != 200:
        raise fail(500, "Unable to connect to Jellyfin.")
    app.settings["jellyfin"] = merged
    app.save()
    return json_reply(merged)


@ROUTES.on("GET", "/settings/jellyfin/library")
def jellyfin_libraries(app: Seerr, request: Request) -> Reply:
    """Every call without `enable` disables all libraries."""
    stored = app.settings["jellyfin"]
    if request.flag("sync"):
        stored["libraries"] = _read_libraries(stored)
    enabled = request.argument("enable").split(",")
    for each in stored["libraries"]:
        each["enabled"] = each["id"] in enabled
    app.save()
    return json_reply(stored["libraries"])


def _read_libraries(stored: Json) -> list[dict[str, Json]]:
    root = address(
        stored["ip"], stored["port"], stored["urlBase"], stored["useSsl"]
    )
    headers = {"Authorization": client(stored["apiKey"])}
    found = ask(f"{root}/Library/VirtualFolders", headers=headers)
    types = {"movies": "movie", "tvshows": "show"}
    return [
        {
            "id": each["ItemId"],
            "name": each["Name"],
            "enabled": False,
            "type": types[each["CollectionType"]],
        }
        for each in found.json() or []
        if each["CollectionType"] in types
    ]


@ROUTES.on("GET POST", "/settings/jellyfin/sync")
def jellyfin_sync(app: Seerr, request: Request) -> Reply:
    libraries = app.settings["jellyfin"]["libraries"]
    return json_reply(
        {"running": False, "progress": 0, "total": 0, "libraries": libraries}
    )
