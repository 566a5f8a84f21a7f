"""The methods of Transmission's RPC: classic names and JSON-RPC 2.0."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from ..routing import Json

if TYPE_CHECKING:
    from . import Transmission

VERSION = "4.1.3 (sandbox)"
SEMVER = "6.0.0"
NO_STATS = {
    "downloaded-bytes": 0,
    "files-added": 0,
    "seconds-active": 0,
    "session-count": 0,
    "uploaded-bytes": 0,
}
Arguments = dict[str, Json]


class RpcError(Exception):
    """Its text becomes the `result` of the answer."""


def first_settings() -> dict[str, Json]:
    """The settings of a fresh installation of the image."""
    return {
        "alt-speed-down": 50,
        "alt-speed-enabled": False,
        "alt-speed-up": 50,
        "bind-address-ipv4": "0.0.0.0",
        "blocklist-enabled": False,
        "download-dir": "/downloads/complete",
        "incomplete-dir": "/downloads/incomplete",
        "incomplete-dir-enabled": True,
        "peer-port": 51413,
        "ratio-limit": 2,
        "ratio-limit-enabled": False,
        "rpc-bind-address": "0.0.0.0",
        "rpc-port": 9091,
        "rpc-url": "/transmission/",
        "speed-limit-down": 100,
        "speed-limit-down-enabled": False,
        "speed-limit-up": 100,
        "speed-limit-up-enabled": False,
        "start-added-torrents": True,
        "watch-dir": "/watch",
        "watch-dir-enabled": True,
    }


def answer(app: Transmission, call: Json) -> Json:
    """Carry out one call; errors are answers too."""
    modern = isinstance(call, dict) and "jsonrpc" in call
    name = str(call.get("method", "")).replace("_", "-")
    given = call.get("params" if modern else "arguments") or {}
    arguments = {key.replace("_", "-"): val for key, val in given.items()}
    try:
        method = _METHODS.get(name)
        if method is None:
            raise RpcError("method name not recognized")
        found = method(app, arguments)
    except RpcError as error:
        if modern:
            problem = {"code": -32601, "message": str(error)}
            return {"jsonrpc": "2.0", "error": problem, "id": call.get("id")}
        return _classic({}, str(error), call)
    if modern:
        return {
            "jsonrpc": "2.0",
            "result": _snake(found),
            "id": call.get("id"),
        }
    return _classic(found, "success", call)


def _classic(arguments: Json, result: str, call: Json) -> Json:
    reply = {"arguments": arguments, "result": result}
    return {**reply, "tag": call["tag"]} if "tag" in call else reply


def _snake(data: Json) -> Json:
    if isinstance(data, dict):
        return {
            re.sub(r"(?<=[a-z])[A-Z]", lambda m: f"_{m[0].lower()}", key)
            .replace("-", "_"): _snake(value)
            for key, value in data.items()
        }  # fmt: skip
    return [_snake(each) for each in data] if isinstance(data, list) else data


def _session_get(app: Transmission, arguments: Arguments) -> Json:
    secret = ("rpc-password", "rpc-username")
    shown = {k: v for k, v in app.settings.items() if k not in secret}
    shown |= {
        "config-dir": app.config,
        "rpc-version": 18,
        "rpc-version-minimum": 14,
        "rpc-version-semver": SEMVER,
        "session-id": app.session_id,
        "version": VERSION,
    }
    wanted = arguments.get("fields")
    return {k: v for k, v in shown.items() if not wanted or k in wanted}


def _session_set(app: Transmission, arguments: Arguments) -> Json:
    app.settings |= {
        key: value
        for key, value in arguments.items()
        if key in app.settings and not key.startswith("rpc-")
    }
    app.save()
    return {}


def _session_stats(app: Transmission, arguments: Arguments) -> Json:
    active = sum(each["status"] != 0 for each in app.torrents)
    total = {_camel(key): value for key, value in app.stats.items()}
    return {
        "activeTorrentCount": active,
        "cumulative-stats": total,
        "current-stats": {**total, "sessionCount": 1},
        "downloadSpeed": 0,
        "pausedTorrentCount": len(app.torrents) - active,
        "torrentCount": len(app.torrents),
        "uploadSpeed": 0,
    }


def _camel(name: str) -> str:
    return re.sub(r"-(\w)", lambda found: found[1].upper(), name)


def _free_space(app: Transmission, arguments: Arguments) -> Json:
    path = str(arguments.get("path", ""))
    if not path.startswith("/"):
        raise RpcError("directory path is not absolute")
    try:
        disk = shutil.disk_usage(app.place.path(path))
    except OSError:
        raise RpcError("No such file or directory") from None
    return {"path": path, "size-bytes": disk.free, "total_size": disk.total}


def _chosen(app: Transmission, arguments: Arguments) -> list[dict[str, Json]]:
    ids = arguments.get("ids")
    if ids is None:
        return app.torrents
    wanted = ids if isinstance(ids, list) else [ids]
    return [
        each
        for each in app.torrents
        if each["id"] in wanted or each["hashString"] in wanted
    ]


def _torrent_get(app: Transmission, arguments: Arguments) -> Json:
    fields = arguments.get("fields") or []
    chosen = _chosen(app, arguments)
    if arguments.get("format") == "table":
        rows = [[each.get(name) for name in fields] for each in chosen]
        return {"torrents": [fields, *rows]}
    return {
        "torrents": [
            {name: each[name] for name in fields if name in each}
            for each in chosen
        ]
    }


def _torrent_add(app: Transmission, arguments: Arguments) -> Json:
    source = arguments.get("filename") or arguments.get("metainfo")
    if not source:
        raise RpcError("no filename or metainfo specified")
    name, digest = _identify(arguments)
    for each in app.torrents:
        if each["hashString"] == digest:
            return {"torrent-duplicate": _brief(each)}
    number = max((each["id"] for each in app.torrents), default=0) + 1
    torrent = {
        "id": number,
        "name": name,
        "hashString": digest,
        "status": 0 if arguments.get("paused") else 4,
        "percentDone": 0.0,
        "downloadDir": arguments.get("download-dir")
        or app.settings["download-dir"],
        "error": 0,
        "errorString": "",
        "totalSize": 700 * 2**20,
        "leftUntilDone": 700 * 2**20,
        "sizeWhenDone": 700 * 2**20,
        "rateDownload": 0,
        "rateUpload": 0,
        "eta": -1,
        "addedDate": int(time.time()),
        "labels": arguments.get("labels") or [],
        "isFinished": False,
        "uploadRatio": 0.0,
    }
    app.torrents.append(torrent)
    file = app.settings_folder / "torrents" / f"{digest}.magnet"
    file.write_text(str(arguments.get("filename") or ""))
    app.save()
    return {"torrent-added": _brief(torrent)}


def _identify(arguments: Arguments) -> tuple[str, str]:
    if arguments.get("metainfo"):
        data = base64.b64decode(arguments["metainfo"])
        return "torrent", hashlib.sha1(data).hexdigest()
    source = str(arguments["filename"])
    query = parse_qs(urlsplit(source).query)
    found = re.search(r"btih:(\w{40})", source)
    name = query.get("dn", [source.rpartition("/")[2]])[0]
    digest = hashlib.sha1(source.encode()).hexdigest()
    return name, found[1].lower() if found else digest


def _brief(torrent: dict[str, Json]) -> dict[str, Json]:
    return {key: torrent[key] for key in ("hashString", "id", "name")}


def _torrent_remove(app: Transmission, arguments: Arguments) -> Json:
    for each in list(_chosen(app, arguments)):
        app.torrents.remove(each)
        for kind, suffix in (("resume", "resume"), ("torrents", "magnet")):
            name = f"{each['hashString']}.{suffix}"
            (app.settings_folder / kind / name).unlink(missing_ok=True)
    return {}


def _set_location(app: Transmission, arguments: Arguments) -> Json:
    location = str(arguments.get("location", ""))
    if not location.startswith("/"):
        raise RpcError("new location path is not absolute")
    for each in _chosen(app, arguments):
        each["downloadDir"] = location
    app.save()
    return {}


def _status(
    value: int,
) -> Callable[[Transmission, Arguments], Json]:
    def change(app: Transmission, arguments: Arguments) -> Json:
        for each in _chosen(app, arguments):
            each["status"] = value
        app.save()
        return {}

    return change


def _nothing(app: Transmission, arguments: Arguments) -> Json:
    return {}


_METHODS: dict[str, Callable[[Transmission, Arguments], Json]] = {
    "session-get": _session_get,
    "session-set": _session_set,
    "session-stats": _session_stats,
    "session-close": _nothing,
    "free-space": _free_space,
    "torrent-get": _torrent_get,
    "torrent-add": _torrent_add,
    "torrent-remove": _torrent_remove,
    "torrent-set-location": _set_location,
    "torrent-start": _status(4),
    "torrent-start-now": _status(4),
    "torrent-stop": _status(0),
    "torrent-verify": _nothing,
    "port-test": lambda app, arguments: {"port-is-open": False},
}
