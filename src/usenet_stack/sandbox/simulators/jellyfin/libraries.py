"""Libraries: folders under /config/root/default are the truth."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes, json_reply
from .wire import now, refused

if TYPE_CHECKING:
    from . import Jellyfin

ROUTES: Routes[Jellyfin] = Routes()
_ROOT = "/config/root/default"
_SCAN = hashlib.md5(b"RefreshLibrary").hexdigest()
_TWICE_A_DAY = [{"Type": "IntervalTrigger", "IntervalTicks": 432000000000}]


def locations(folder: Path) -> list[str]:
    """The media paths of one library, from its shortcut files."""
    return [each.read_text() for each in sorted(folder.glob("*.mblink"))]


def folders(app: Jellyfin) -> list[Path]:
    """The folders of all libraries."""
    return sorted(each for each in app.place.path(_ROOT).iterdir())


def _shown(app: Jellyfin, folder: Path) -> dict[str, Json]:
    paths = locations(folder)
    kinds = [each.stem for each in folder.glob("*.collection")]
    number = _number(folder)
    options = {
        "Enabled": True,
        "EnableRealtimeMonitor": True,
        **app.database.setting(f"options:{folder.name}", {}),
        "PathInfos": [{"Path": each} for each in paths],
    }
    return {
        "Name": folder.name,
        "Locations": paths,
        "CollectionType": kinds[0] if kinds else None,
        "LibraryOptions": options,
        "ItemId": number,
        "PrimaryImageItemId": number,
        "RefreshProgress": None,
        "RefreshStatus": "Idle",
    }


def _number(folder: Path) -> str:
    return hashlib.md5(folder.name.encode()).hexdigest()


def _write_options(folder: Path) -> None:
    infos = "".join(
        f"<MediaPathInfo><Path>{each}</Path></MediaPathInfo>"
        for each in locations(folder)
    )
    text = f"<LibraryOptions><PathInfos>{infos}</PathInfos></LibraryOptions>"
    (folder / "options.xml").write_text(text)


def _link(folder: Path, path: str) -> None:
    stem = Path(path).name or "media"
    name, number = stem, 0
    while (folder / f"{name}.mblink").exists():
        number += 1
        name = f"{stem}{number}"
    (folder / f"{name}.mblink").write_text(path)
    _write_options(folder)


def _find(app: Jellyfin, name: str) -> Path:
    folder = app.place.path(_ROOT) / name
    if not name or "/" in name or not folder.is_dir():
        raise refused(404)
    return folder


def _must_exist(app: Jellyfin, path: str, status: int) -> None:
    if not path or not app.place.path(path).is_dir():
        raise refused(status)


@ROUTES.on("GET", "/Library/VirtualFolders")
def list_libraries(app: Jellyfin, request: Request) -> Reply:
    return json_reply([_shown(app, each) for each in folders(app)])


@ROUTES.on("POST", "/Library/VirtualFolders")
def add_library(app: Jellyfin, request: Request) -> Reply:
    wanted = request.argument("name").strip()
    paths = [each for each in request.argument("paths").split(",") if each]
    options = (request.json() if request.body else {}).get("LibraryOptions")
    paths += [each["Path"] for each in (options or {}).get("PathInfos") or []]
    if not wanted or "/" in wanted:
        raise refused(400)
    for path in paths:
        _must_exist(app, path, 400)
    name, number = wanted, 1
    while (app.place.path(_ROOT) / name).exists():
        number += 1
        name = f"{wanted}{number}"
    folder = app.place.path(_ROOT) / name
    folder.mkdir(parents=True)
    kind = request.argument("collectionType")
    if kind:
        (folder / f"{kind.lower()}.collection").touch()
    for path in paths:
        _link(folder, path)
    _write_options(folder)
    return _done(app, request)


def _done(app: Jellyfin, request: Request) -> Reply:
    if request.flag("refreshLibrary"):
        app.in_background(app.scan)
    return Reply(204)


@ROUTES.on("DELETE", "/Library/VirtualFolders")
def delete_library(app: Jellyfin, request: Request) -> Reply:
    shutil.rmtree(_find(app, request.argument("name")))
    return _done(app, request)


@ROUTES.on("POST", "/Library/VirtualFolders/Paths")
def add_path(app: Jellyfin, request: Request) -> Reply:
    body = request.json()
    path = (body.get("PathInfo") or {}).get("Path") or body.get("Path")
    folder = _find(app, body.get("Name") or "")
    _must_exist(app, path, 404)
    _link(folder, path)
    return _done(app, request)


@ROUTES.on("DELETE", "/Library/VirtualFolders/Paths")
def delete_path(app: Jellyfin, request: Request) -> Reply:
    folder = _find(app, request.argument("name"))
    for each in folder.glob("*.mblink"):
        if each.read_text() == request.argument("path"):
            each.unlink()
    _write_options(folder)
    return _done(app, request)


@ROUTES.on("POST", "/Library/VirtualFolders/LibraryOptions")
def set_options(app: Jellyfin, request: Request) -> Reply:
    body = request.json()
    for folder in folders(app):
        if _number(folder) == body.get("Id"):
            options = body.get("LibraryOptions") or {}
            app.database.set(f"options:{folder.name}", options)
            return Reply(204)
    raise refused(404)


@ROUTES.on("POST", "/ScheduledTasks/{task}/Triggers")
def set_triggers(app: Jellyfin, request: Request) -> Reply:
    if request.values["task"] != _SCAN:
        raise refused(404)
    app.database.set("triggers", request.json())
    return Reply(204)


@ROUTES.on("GET", "/ScheduledTasks")
def tasks(app: Jellyfin, request: Request) -> Reply:
    return json_reply(
        [
            {
                "Name": "Scan Media Library",
                "State": "Idle",
                "CurrentProgressPercentage": None,
                "Id": _SCAN,
                "Key": "RefreshLibrary",
                "Triggers": app.database.setting("triggers", _TWICE_A_DAY),
                "LastExecutionResult": {
                    "EndTimeUtc": app.database.setting("scanned", now()),
                    "Status": "Completed",
                },
            }
        ]
    )
