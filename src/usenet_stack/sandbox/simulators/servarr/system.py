"""Status, health, queue, history: what a status table asks for."""

from __future__ import annotations

import platform
import sqlite3
from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes, json_reply
from . import wire
from .disks import missing_root_folders, mount_of

if TYPE_CHECKING:
    from . import Servarr

ROUTES: Routes[Servarr] = Routes()
MEDIA: Routes[Servarr] = Routes()
_LONG_AGO = "0001-01-01T00:00:00Z"


@ROUTES.on("GET", "/system/status")
def status(app: Servarr, request: Request) -> Reply:
    flavour, config = app.flavour, app.configuration
    method = config.get("AuthenticationMethod")
    return wire.reply(
        {
            "appName": flavour.name,
            "instanceName": config.get("InstanceName"),
            "version": flavour.version,
            "buildTime": "2026-08-30T00:00:00Z",
            "isDebug": False,
            "isProduction": True,
            "isAdmin": False,
            "isUserInteractive": False,
            "startupPath": f"/app/{flavour.lower}/bin",
            "appData": "/config",
            "osName": "simulated",
            "osVersion": platform.release(),
            "isNetCore": True,
            "isLinux": True,
            "isOsx": False,
            "isWindows": False,
            "isDocker": True,
            "mode": "console",
            "branch": config.get("Branch"),
            "authentication": method[:1].lower() + method[1:],
            "migrationVersion": 217,
            "urlBase": config.url_base,
            "runtimeVersion": platform.python_version(),
            "runtimeName": "usenet-sandbox",
            "startTime": app.started_at,
            "packageVersion": flavour.version,
            "packageAuthor": "usenet-sandbox",
            "packageUpdateMechanism": "docker",
            "databaseType": "sqLite",
            "databaseVersion": sqlite3.sqlite_version,
        }
    )


@ROUTES.on("GET", "/health")
def health(app: Servarr, request: Request) -> Reply:
    return wire.reply(app.health)


@ROUTES.on("POST", "/system/restart")
def restart(app: Servarr, request: Request) -> Reply:
    return wire.reply({"restarting": True})


@ROUTES.on("POST", "/system/shutdown")
def shut_down(app: Servarr, request: Request) -> Reply:
    app.leave()
    return wire.reply({"shuttingDown": True})


@MEDIA.on("GET", "/queue")
def queue(app: Servarr, request: Request) -> Reply:
    return wire.paged(request, app.database.all("queue"))


@MEDIA.on("GET", "/queue/status")
def queue_status(app: Servarr, request: Request) -> Reply:
    rows = app.database.all("queue")
    owner = app.library.owner
    known = [each for each in rows if each.get(owner)]
    unknown = [each for each in rows if not each.get(owner)]

    def any_is(group: list[dict[str, Json]], state: str) -> bool:
        return any(each.get("trackedDownloadStatus") == state for each in group)

    return wire.reply(
        {
            "totalCount": len(rows),
            "count": len(known),
            "unknownCount": len(unknown),
            "errors": any_is(known, "error"),
            "warnings": any_is(known, "warning"),
            "unknownErrors": any_is(unknown, "error"),
            "unknownWarnings": any_is(unknown, "warning"),
        }
    )


@MEDIA.on("DELETE", "/queue/{id:int}")
def delete_from_queue(app: Servarr, request: Request) -> Reply:
    if not app.database.delete("queue", request.number):
        raise wire.missing()
    return wire.reply({})


@ROUTES.on("GET", "/history")
def history(app: Servarr, request: Request) -> Reply:
    return wire.paged(request, app.database.all("history"))


@MEDIA.on("GET", "/wanted/missing", "/wanted/cutoff")
def wanted(app: Servarr, request: Request) -> Reply:
    kind = request.path.lower().rpartition("/")[2]
    return wire.paged(request, app.database.all(kind))


def describe_api(app: Servarr, request: Request) -> Reply:
    """The answer of `GET /api`."""
    return json_reply({"current": app.flavour.api, "deprecated": []})


def examine(app: Servarr) -> list[dict[str, Json]]:
    """All health items of this moment."""
    found = list(_provider_items(app))
    away = missing_root_folders(app)
    if len(away) == 1:
        found.append(_item("RootFolderCheck", "error",
                           f"Missing root folder: {away[0]}"))  # fmt: skip
    elif away:
        text = f"Multiple root folders are missing: {' | '.join(away)}"
        found.append(_item("RootFolderCheck", "error", text))
    found += _mount_items(app)
    if len(app.configuration.get("ApiKey")) < 20:
        text = "Please update your API key to be at least 20 characters long."
        found.append(_item("ApiKeyValidationCheck", "warning", text))
    required = app.configuration.get("AuthenticationRequired").lower()
    if not app.configuration.get("AllowedHosts") and required != "enabled":
        text = "Allowed Hosts is empty while authentication is not required"
        found.append(_item("AllowedHostsCheck", "warning", text))
    return found


def _item(source: str, kind: str, message: str) -> dict[str, Json]:
    return {
        "source": source,
        "type": kind,
        "message": message,
        "wikiUrl": f"https://wiki.invalid/health#{source.lower()}",
    }


def _provider_items(app: Servarr) -> list[dict[str, Json]]:
    indexers = app.database.all("indexer")
    if app.flavour.library is None:
        if any(each.get("enable") for each in indexers):
            return []
        text = "No indexers enabled, Prowlarr will not return search results"
        return [_item("IndexerCheck", "error", text)]
    found = []
    name = app.flavour.name
    if not any(
        each.get("enable") for each in app.database.all("downloadclient")
    ):
        text = "No download client is available"
        found.append(_item("DownloadClientCheck", "warning", text))
    if not any(each.get("enableRss") for each in indexers):
        text = "No indexers available with RSS sync enabled"
        text += f", {name} will not grab new releases automatically"
        found.append(_item("IndexerRssCheck", "error", text))
    if not any(each.get("enableAutomaticSearch") for each in indexers):
        text = "No indexers available with Automatic Search enabled"
        text += f", {name} will not provide any automatic search results"
        found.append(_item("IndexerSearchCheck", "warning", text))
    return found


def _mount_items(app: Servarr) -> list[dict[str, Json]]:
    locked = set()
    for item in app.items():
        real = app.place.path(item["path"])
        if real.exists() and mount_of(str(real))[2]:
            locked.add(mount_of(str(real))[0])
    if not locked:
        return []
    text = "Mount containing a media path is mounted read-only: "
    return [_item("MountCheck", "error", text + ", ".join(sorted(locked)))]
