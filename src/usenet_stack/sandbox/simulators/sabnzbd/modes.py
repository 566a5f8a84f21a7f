"""The modes of SABnzbd's API. Most numbers are texts: clients rely on it."""

from __future__ import annotations

import secrets
import shutil
import time
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..routing import Json, Request
from . import ini

if TYPE_CHECKING:
    from . import Sabnzbd

VERSION = "5.0.4"
CATEGORIES = ("*", "movies", "tv", "audio", "software")
MISC_DEFAULTS: dict[str, str] = {
    "host": "0.0.0.0",
    "port": "8080",
    "username": "",
    "password": "",
    "local_ranges": "",
    "inet_exposure": "0",
    "api_warnings": "1",
    "download_dir": "Downloads/incomplete",
    "complete_dir": "Downloads/complete",
    "backup_dir": "",
    "permissions": "",
    "cache_limit": "500M",
    "bandwidth_max": "",
    "bandwidth_perc": "100",
    "enable_tv_sorting": "0",
    "enable_movie_sorting": "0",
    "enable_date_sorting": "0",
    "pre_check": "0",
}
_PROTECTED = ("inet_exposure", "local_ranges", "api_warnings")
Arguments = dict[str, str]
Mode = Callable[["Sabnzbd", Arguments, Request], Json]
OK: Json = {"status": True}


def fail(text: str) -> Json:
    """A failure: HTTP 200 with a status of false."""
    return {"status": False, "error": text}


def category(name: str, order: int) -> dict[str, Json]:
    """A new category with its defaults."""
    default = "Default" if name != "*" else "None"
    return {
        "name": name,
        "order": str(order),
        "pp": "3" if name == "*" else "",
        "script": default,
        "dir": "",
        "newzbin": "",
        "priority": "0" if name == "*" else "-100",
    }


def answer(
    app: Sabnzbd, mode: str, arguments: Arguments, request: Request
) -> Json:
    """Carry out one mode."""
    found = _MODES.get(mode)
    return found(app, arguments, request) if found else fail("not implemented")


def _version(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    return {"version": VERSION}


def _auth(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    key = arguments.get("key")
    if not key or key == app.misc("api_key"):
        return {"auth": "apikey"}
    return {"auth": "nzbkey" if key == app.misc("nzb_key") else "badkey"}


def _gigabytes(app: Sabnzbd) -> tuple[str, str]:
    disk = shutil.disk_usage(app.place.path(app.config))
    return f"{disk.free / 2**30:.2f}", f"{disk.total / 2**30:.2f}"


def _queue(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    name = arguments.get("name")
    slots = app.queue["slots"]
    if name == "delete":
        wanted = arguments.get("value", "").split(",")
        kept = [
            each
            for each in slots
            if each["nzo_id"] not in wanted and wanted != ["all"]
        ]
        app.queue["slots"] = kept
        app.save()
        return {**OK, "nzo_ids": wanted}
    free, total = _gigabytes(app)
    start = int(arguments.get("start") or 0)
    limit = int(arguments.get("limit") or 0)
    shown = slots[start:][: limit or None]
    paused = app.queue["paused"]
    left = sum(float(each["mbleft"]) for each in slots)
    state = "Paused" if paused else "Downloading" if slots else "Idle"
    return {
        "queue": {
            "version": VERSION,
            "paused": paused,
            "pause_int": "0",
            "paused_all": False,
            "diskspace1": free,
            "diskspace2": free,
            "diskspace1_norm": f"{free} G",
            "diskspace2_norm": f"{free} G",
            "diskspacetotal1": total,
            "diskspacetotal2": total,
            "speedlimit": "100",
            "speedlimit_abs": "",
            "have_warnings": "0",
            "finishaction": None,
            "quota": "0 B",
            "have_quota": False,
            "left_quota": "0 B",
            "cache_art": "0",
            "cache_size": "0 B",
            "kbpersec": "0.00",
            "speed": "0",
            "mbleft": f"{left:.2f}",
            "mb": f"{sum(float(each['mb']) for each in slots):.2f}",
            "sizeleft": f"{left:.1f} MB" if slots else "0 B",
            "size": "0 B",
            "noofslots_total": len(slots),
            "noofslots": len(slots),
            "start": start,
            "limit": limit,
            "finish": start + len(shown),
            "status": state,
            "timeleft": "0:00:00",
            "slots": [{**each, "index": i} for i, each in enumerate(shown)],
        }
    }


def _history(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    slots = app.database.all("history")
    return {
        "history": {
            "total_size": "0 B",
            "noofslots": len(slots),
            "slots": slots,
            "version": VERSION,
        }
    }


def _add(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    name = arguments.get("nzbname") or arguments.get("name") or "upload"
    slot: dict[str, Json] = {
        "nzo_id": f"SABnzbd_nzo_{secrets.token_hex(4)}",
        "unpackopts": "3",
        "priority": "Normal",
        "script": "None",
        "filename": name.rpartition("/")[2].removesuffix(".nzb"),
        "labels": [],
        "password": "",
        "cat": arguments.get("cat") or "*",
        "mbleft": "700.00",
        "mb": "700.00",
        "size": "700.0 MB",
        "sizeleft": "700.0 MB",
        "percentage": "0",
        "mbmissing": "0.00",
        "direct_unpack": None,
        "status": "Queued",
        "timeleft": "0:00:00",
        "avg_age": "1d",
        "time_added": int(time.time()),
    }
    app.queue["slots"].append(slot)
    app.save()
    return {**OK, "nzo_ids": [slot["nzo_id"]]}


def _get_config(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    config: dict[str, Json] = {}
    for name, section in app.config_values.items():
        if name in ini.NESTED:
            config[name] = [
                {"name": key, **value} for key, value in section.items()
            ]
        else:
            config[name] = _with_lists(section)
    wanted, keyword = arguments.get("section"), arguments.get("keyword")
    if not wanted:
        return {"config": config}
    if wanted not in config:
        return fail("Config item does not exist")
    found = config[wanted]
    if not keyword:
        return {"config": {wanted: found}}
    if wanted in ini.NESTED:
        named = [each for each in found if each["name"] == keyword]
        if named:
            return {"config": {wanted: named}}
    elif keyword in found:
        return {"config": {wanted: {keyword: found[keyword]}}}
    return fail("Config item does not exist")


def _with_lists(section: dict[str, Json]) -> dict[str, Json]:
    lists = ("host_whitelist", "local_ranges")
    return {
        key: [part.strip() for part in value.split(",") if part.strip()]
        if key in lists
        else value
        for key, value in section.items()
    }


def _set_config(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    section = arguments.get("section", "")
    keyword = arguments.get("keyword") or arguments.get("name") or ""
    if section in ini.NESTED:
        return _set_named(app, section, keyword, arguments)
    values = app.config_values.get(section, {})
    if section == "misc" and keyword in _PROTECTED:
        return {"config": {section: {keyword: values.get(keyword)}}}
    if keyword not in values:
        return fail("Config item does not exist")
    values[keyword] = arguments.get("value", "")
    app.save()
    return {"config": {section: {keyword: _with_lists(values)[keyword]}}}


def _set_named(
    app: Sabnzbd, section: str, keyword: str, arguments: Arguments
) -> Json:
    if not keyword:
        return fail("Config item does not exist")
    group = app.config_values.setdefault(section, {})
    if section == "categories":
        keyword = keyword.lower()
        entry = group.setdefault(keyword, category(keyword, len(group)))
    else:
        entry = group.setdefault(keyword, {"name": keyword})
        if section == "servers":
            for name, value in _SERVER.items():
                entry.setdefault(name, value)
    hidden = ("mode", "section", "keyword", "apikey", "output", "name")
    entry |= {k: v for k, v in arguments.items() if k not in hidden}
    app.save()
    return {"config": {section: [{"name": keyword, **entry}]}}


_SERVER = {
    "host": "",
    "port": "119",
    "timeout": "60",
    "username": "",
    "password": "",
    "connections": "8",
    "ssl": "0",
    "ssl_verify": "3",
    "enable": "1",
    "required": "0",
    "optional": "0",
    "retention": "0",
    "priority": "0",
}


def _del_config(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    group = app.config_values.get(arguments.get("section", ""), {})
    if group.pop(arguments.get("keyword", ""), None) is None:
        return fail("Config item does not exist")
    app.save()
    return OK


def _set_default(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    name = arguments.get("keyword", "")
    if name not in MISC_DEFAULTS:
        return fail("Config item does not exist")
    app.config_values["misc"][name] = MISC_DEFAULTS[name]
    app.save()
    return OK


def _config(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    name = arguments.get("name", "")
    keys = {"set_apikey": "api_key", "set_nzbkey": "nzb_key"}
    if name in keys:
        key = secrets.token_hex(16)
        app.config_values["misc"][keys[name]] = key
        app.save()
        return {keys[name].replace("_", ""): key}
    if name == "create_backup":
        return _back_up(app)
    if name == "test_server":
        return {"value": {"result": False, "message": "No such host"}}
    if name in ("speedlimit", "purge_log_files"):
        return OK
    return fail("not implemented")


def _back_up(app: Sabnzbd) -> Json:
    folder = app.misc("backup_dir") or app.misc("complete_dir")
    absolute = folder if folder.startswith("/") else f"{app.config}/{folder}"
    stamp = time.strftime("%Y.%m.%d_%H.%M.%S")
    path = f"{absolute}/sabnzbd_backup_{VERSION}_{stamp}.zip"
    real = app.place.path(path)
    real.parent.mkdir(parents=True, exist_ok=True)
    copy = real.with_suffix(".db")
    app.database.back_up(copy)
    with zipfile.ZipFile(real, "w") as archive:
        archive.write(app.place.path("/config/sabnzbd.ini"), "sabnzbd.ini")
        archive.write(copy, "admin/history1.db")
    copy.unlink()
    return {"value": {"result": True, "message": path}}


def _pause(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    app.queue["paused"] = arguments["mode"] == "pause"
    app.save()
    return OK


def _categories(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    return {"categories": list(app.config_values["categories"])}


def _statistics(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    figures: dict[str, Json] = dict.fromkeys(
        ("total", "month", "week", "day"), 0
    )
    names = app.config_values["servers"]
    servers = {
        name: {**figures, "daily": {}, "articles_tried": {},
               "articles_success": {}}
        for name in names
    }  # fmt: skip
    return {**figures, "servers": servers}


def _full_status(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    return {"status": {"version": VERSION, "servers": [], "warnings": []}}


def _warnings(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    return {"warnings": []}


def _nothing(app: Sabnzbd, arguments: Arguments, request: Request) -> Json:
    return OK


_MODES: dict[str, Mode] = {
    "version": _version,
    "auth": _auth,
    "queue": _queue,
    "history": _history,
    "addurl": _add,
    "addfile": _add,
    "addlocalfile": _add,
    "get_config": _get_config,
    "set_config": _set_config,
    "del_config": _del_config,
    "set_config_default": _set_default,
    "config": _config,
    "pause": _pause,
    "resume": _pause,
    "get_cats": _categories,
    "server_stats": _statistics,
    "fullstatus": _full_status,
    "status": _full_status,
    "warnings": _warnings,
    "restart": _nothing,
    "shutdown": _nothing,
}
