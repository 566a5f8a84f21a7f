"""Bazarr: config.yaml, and a link to Sonarr and Radarr."""

from __future__ import annotations

import json
import platform
import secrets
import sqlite3
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

from .application import Application, page
from .databases import DatabaseFile
from .place import Place
from .routing import (
    Json,
    Reply,
    Request,
    Route,
    Routes,
    json_reply,
    text_reply,
)
from .upstream import address, ask

VERSION = "1.6.0"
ROUTES: Routes[Bazarr] = Routes()
Settings = dict[str, dict[str, Json]]
_SERVER: dict[str, Json] = {
    "ip": "127.0.0.1",
    "port": 0,
    "base_url": "",
    "ssl": False,
    "apikey": "",
    "http_timeout": 60,
}
_DEFAULTS: Settings = {
    "auth": {"apikey": "", "type": None, "username": "", "password": ""},
    "general": {
        "ip": "*",
        "port": 6767,
        "base_url": "",
        "use_sonarr": False,
        "use_radarr": False,
        "path_mappings": [],
        "path_mappings_movie": [],
        "serie_default_profile": "",
        "enabled_providers": [],
    },
    "sonarr": {**_SERVER, "port": 8989},
    "radarr": {**_SERVER, "port": 7878},
    "backup": {
        "folder": "/config/backup",
        "retention": 31,
        "frequency": "Weekly",
    },
    "postgresql": {"enabled": False, "host": "localhost", "port": 5432},
}


class Bazarr(Application):
    """An API behind one key, and settings that are validated by type."""

    port = 6767
    folders = ("/config", "/config/config", "/config/db", "/config/log",
               "/config/backup", "/config/restore")  # fmt: skip
    database_files = (DatabaseFile("/config/db/bazarr.db", journal="delete"),)

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.settings: Settings = {}
        self.file = place.path("/config/config/config.yaml")

    def start(self) -> None:
        """Take over a staged restore, then read and rewrite the file."""
        self._swap_in()
        super().start()
        found = parse(self.file.read_text()) if self.file.exists() else {}
        self.settings = checked(found)
        auth = self.settings["auth"]
        auth["apikey"] = auth["apikey"] or secrets.token_hex(16)
        self.save()

    def _swap_in(self) -> None:
        staged = self.place.path("/config/restore")
        copy, settings = staged / "bazarr.db", staged / "config.yaml"
        if copy.exists() and settings.exists():
            database = self.place.path("/config/db/bazarr.db")
            for suffix in ("-wal", "-shm", "-journal"):
                Path(f"{database}{suffix}").unlink(missing_ok=True)
            copy.replace(database)
            settings.replace(self.file)

    def save(self) -> None:
        """Write config.yaml."""
        draft = self.file.with_suffix(".tmp")
        draft.touch(0o600)
        draft.write_text(dump(self.settings))
        draft.replace(self.file)

    def routes(self) -> Iterable[Route[Bazarr]]:
        """All routes."""
        yield from ROUTES.under("/api")
        yield Route("GET", "/", lambda app, request: page("Bazarr"))

    def gate(self, request: Request) -> Reply | None:
        """401 without the key; only the ping is open."""
        path = request.path
        if not path.startswith("/api/") or path == "/api/system/ping":
            return None
        given = request.headers.get("x-api-key") or request.argument("apikey")
        if not given and request.method == "POST":
            given = request.form().get("apikey", [""])[0]
        key = str(self.settings["auth"]["apikey"])
        if secrets.compare_digest(given.encode(), key.encode()):
            return None
        return text_reply("Unauthorized", 401)


def parse(text: str) -> Settings:
    """Read the simple YAML that `dump` and Bazarr write: two levels."""
    found: Settings = {}
    section: dict[str, Json] = {}
    lists: list[Json] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith(("#", "---")):
            continue
        if line.lstrip().startswith("- "):
            lists.append(_scalar(line.strip()[2:]))
            continue
        name, _, value = line.strip().partition(":")
        if not line.startswith(" "):
            section = found.setdefault(name, {})
        elif value.strip():
            section[name] = _scalar(value.strip())
        else:
            lists = section[name] = []
    return found


def _scalar(text: str) -> Json:
    words = {"true": True, "false": False, "null": None, "''": ""}
    if text in words:
        return words[text]
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("'")


def dump(settings: Settings) -> str:
    """Write two levels of YAML."""
    lines = ["---"]
    for name, section in settings.items():
        lines.append(f"{name}:")
        for key, value in section.items():
            text = json.dumps(value) if value != "" else "''"
            lines.append(f"  {key}: {text}")
    return "\n".join(lines) + "\n"


def checked(found: Settings) -> Settings:
    """The settings; a value of a wrong type becomes its default."""
    result = {}
    for name, defaults in _DEFAULTS.items():
        section = {**defaults, **found.get(name, {})}
        for key, default in defaults.items():
            if default is not None and not _fits(section[key], default):
                section[key] = default
        result[name] = section
    for name, section in found.items():
        result.setdefault(name, section)
    return result


def _fits(value: Json, default: Json) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, str):
        return isinstance(value, str | int)
    return isinstance(value, type(default))


def _linked(app: Bazarr, name: str, timeout: float) -> str:
    """The version of Sonarr or Radarr, or an empty text."""
    if not app.settings["general"][f"use_{name}"]:
        return ""
    server = app.settings[name]
    root = address(
        str(server["ip"]),
        server["port"],
        str(server["base_url"]),
        server["ssl"],
    )
    headers = {"X-Api-Key": str(server["apikey"])}
    try:
        found = ask(
            f"{root}/api/v3/system/status", headers=headers, timeout=timeout
        )
    except OSError:
        return ""
    status = found.json() if found.status == 200 else None
    return str(status["version"]) if status else ""


@ROUTES.on("GET", "/system/ping")
def ping(app: Bazarr, request: Request) -> Reply:
    return json_reply({"status": "OK"})


@ROUTES.on("GET", "/system/status")
def status(app: Bazarr, request: Request) -> Reply:
    """Asks Sonarr and Radarr, so it takes as long as they do."""
    versions = {}
    for name in ("sonarr", "radarr"):
        limit = float(app.settings[name]["http_timeout"])
        versions[f"{name}_version"] = _linked(app, name, limit)
    return json_reply(
        {
            "data": {
                "bazarr_version": VERSION,
                "package_version": "sandbox",
                **versions,
                "operating_system": platform.platform(),
                "python_version": platform.python_version(),
                "database_engine": f"Sqlite {sqlite3.sqlite_version}",
                "database_migration": "sandbox",
                "bazarr_directory": "/app/bazarr/bin",
                "bazarr_config_directory": "/config",
                "start_time": time.time(),
                "timezone": app.place.env("TZ", "UTC"),
            }
        }
    )


@ROUTES.on("GET", "/system/health")
def health(app: Bazarr, request: Request) -> Reply:
    return json_reply({"data": app.database.all("health")})


@ROUTES.on("GET", "/badges")
def badges(app: Bazarr, request: Request) -> Reply:
    links = {
        f"{name}_signalr": "LIVE" if _linked(app, name, 2) else ""
        for name in ("sonarr", "radarr")
    }
    figures = dict.fromkeys(
        ("episodes", "movies", "providers", "status", "announcements"), 0
    )
    return json_reply({**figures, **links})


@ROUTES.on("GET", "/system/settings")
def get_settings(app: Bazarr, request: Request) -> Reply:
    return json_reply(app.settings)


@ROUTES.on("POST", "/system/settings")
def set_settings(app: Bazarr, request: Request) -> Reply:
    """Form fields `settings-SECTION-KEY`; all of them or none."""
    wanted = {name: dict(section) for name, section in app.settings.items()}
    for field, values in request.form().items():
        parts = field.split("-", 2)
        if parts[0] != "settings" or len(parts) != 3:
            continue
        default = _DEFAULTS.get(parts[1], {}).get(parts[2], "")
        value = _converted(values, default)
        if default is not None and not _fits(value, default):
            text = f"{parts[1]}.{parts[2]} must be {type(default).__name__}"
            return text_reply(text, 406)
        wanted.setdefault(parts[1], {})[parts[2]] = value
    app.settings = wanted
    app.save()
    return Reply(204)


def _converted(values: list[str], default: Json) -> Json:
    if isinstance(default, list):
        return [each for each in values if each]
    if isinstance(default, str):
        return values[0]
    return _scalar(values[0])


@ROUTES.on("GET", "/system/backups")
def list_backups(app: Bazarr, request: Request) -> Reply:
    found = sorted(app.place.path("/config/backup").glob("*.zip"))
    rows = [
        {
            "type": "backup",
            "filename": each.name,
            "size": f"{each.stat().st_size} B",
            "date": time.strftime("%c", time.localtime(each.stat().st_mtime)),
        }
        for each in found
    ]
    return json_reply({"data": rows})


@ROUTES.on("POST", "/system/backups")
def make_backup(app: Bazarr, request: Request) -> Reply:
    stamp = time.strftime("%Y.%m.%d_%H.%M.%S")
    name = f"bazarr_backup_v{VERSION}_{stamp}.zip"
    folder = app.place.path("/config/backup")
    copy = folder / "bazarr.db"
    app.database.back_up(copy)
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.write(copy, "bazarr.db")
        archive.write(app.file, "config.yaml")
    copy.unlink()
    return Reply(204)


@ROUTES.on("PATCH DELETE", "/system/backups")
def use_backup(app: Bazarr, request: Request) -> Reply:
    """PATCH stages a backup for the next start, DELETE removes it."""
    form = {key: values[0] for key, values in request.form().items()}
    name = form.get("filename") or request.argument("filename")
    path = app.place.path("/config/backup") / Path(name).name
    if not path.is_file():
        return text_reply("Filename not provided", 400)
    if request.method == "DELETE":
        path.unlink()
        return Reply(204)
    with zipfile.ZipFile(path) as archive:
        for member in ("bazarr.db", "config.yaml"):
            target = app.place.path(f"/config/restore/{member}")
            target.write_bytes(archive.read(member))
    return Reply(204)
