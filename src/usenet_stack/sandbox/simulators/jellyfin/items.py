"""Items found by a scan, and what users did with them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes, json_reply
from .libraries import folders, locations
from .wire import now, refused

if TYPE_CHECKING:
    from . import Jellyfin

ROUTES: Routes[Jellyfin] = Routes()
_MEDIA = {".mkv", ".mp4", ".avi", ".m4v", ".ts", ".flac", ".mp3", ".m4a"}
_PROVIDER = re.compile(r"[\[{](imdb|tmdb|tvdb)(?:id)?[-=](\w+)[\]}]", re.I)
_FRESH = {
    "PlaybackPositionTicks": 0,
    "PlayCount": 0,
    "IsFavorite": False,
    "Played": False,
}


def scan(app: Jellyfin) -> None:
    """Make the items equal to the files.

    Like the application it drops every item whose file is not there, even
    when a whole mount is away.
    """
    found: dict[str, dict[str, Json]] = {}
    for folder in folders(app):
        kinds = [each.stem for each in folder.glob("*.collection")]
        kind = {"tvshows": "Episode", "music": "Audio"}.get(
            kinds[0] if kinds else "", "Movie"
        )
        for location in locations(folder):
            for path in sorted(app.place.path(location).rglob("*")):
                if path.suffix.lower() in _MEDIA:
                    item = _item(app.place.seen(path), kind)
                    found[item["Id"]] = item
    with app.database.transaction():
        app.database.replace("item", list(found.values()))
        app.database.set("scanned", now())


def _item(path: str, kind: str) -> dict[str, Json]:
    providers = {name.title(): value for name, value in _PROVIDER.findall(path)}
    return {
        "Name": Path(path).stem,
        "Id": hashlib.md5(path.encode()).hexdigest(),
        "Type": kind,
        "Path": path,
        "ProviderIds": providers,
    }


def _user(app: Jellyfin, request: Request) -> str:
    wanted = request.argument("userId").replace("-", "")
    for each in app.database.all("user"):
        if each["Id"] == wanted:
            return wanted
    raise refused(404)


def _data(app: Jellyfin, user: str, item: str) -> dict[str, Json]:
    stored = app.database.setting(f"userdata:{user}:{item}", {})
    return {**_FRESH, **stored, "Key": item, "ItemId": item}


@ROUTES.on("POST", "/Library/Refresh")
def refresh(app: Jellyfin, request: Request) -> Reply:
    app.in_background(app.scan)
    return Reply(204)


@ROUTES.on("POST", "/Library/Media/Updated")
def media_updated(app: Jellyfin, request: Request) -> Reply:
    app.in_background(app.scan)
    return Reply(204)


@ROUTES.on("GET", "/Items/Counts")
def counts(app: Jellyfin, request: Request) -> Reply:
    kinds = [each["Type"] for each in app.database.all("item")]
    return json_reply(
        {
            "MovieCount": kinds.count("Movie"),
            "SeriesCount": 0,
            "EpisodeCount": kinds.count("Episode"),
            "SongCount": kinds.count("Audio"),
            "ItemCount": len(kinds),
        }
    )


@ROUTES.on("GET", "/Items")
def list_items(app: Jellyfin, request: Request) -> Reply:
    user = _user(app, request) if request.has_argument("userId") else ""
    kinds = request.argument("includeItemTypes")
    result = []
    for each in app.database.all("item"):
        if kinds and each["Type"] not in kinds.split(","):
            continue
        item = {name: value for name, value in each.items() if name != "id"}
        if user:
            item["UserData"] = _data(app, user, item["Id"])
        result.append(item)
    return json_reply(
        {"Items": result, "TotalRecordCount": len(result), "StartIndex": 0}
    )


def _change(app: Jellyfin, request: Request, values: Json) -> Reply:
    user, item = _user(app, request), request.values["item"]
    data = {**_data(app, user, item), **values}
    app.database.set(f"userdata:{user}:{item}", data)
    return json_reply(data)


@ROUTES.on("GET", "/UserItems/{item}/UserData")
def get_data(app: Jellyfin, request: Request) -> Reply:
    user = _user(app, request)
    return json_reply(_data(app, user, request.values["item"]))


@ROUTES.on("POST", "/UserItems/{item}/UserData")
def set_data(app: Jellyfin, request: Request) -> Reply:
    return _change(app, request, request.json())


@ROUTES.on("POST", "/UserPlayedItems/{item}")
def mark_played(app: Jellyfin, request: Request) -> Reply:
    when = request.argument("datePlayed") or now()
    played = {"Played": True, "PlayCount": 1, "LastPlayedDate": when}
    return _change(app, request, played)


@ROUTES.on("DELETE", "/UserPlayedItems/{item}")
def mark_unplayed(app: Jellyfin, request: Request) -> Reply:
    return _change(app, request, {"Played": False, "PlayCount": 0})
