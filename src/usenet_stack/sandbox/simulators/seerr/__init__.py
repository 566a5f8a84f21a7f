"""Seerr: settings.json, and an administrator who comes from Jellyfin."""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime

from ..application import Application, page
from ..databases import DatabaseFile
from ..place import Place
from ..privileges import NODE
from ..routing import (
    Json,
    Reply,
    Request,
    Route,
    Routes,
    json_reply,
)
from . import jellyfin, servers, signin
from .wire import VERSION

API = "/api/v1"
ROUTES: Routes[Seerr] = Routes()
_OPEN = (
    "/status",
    "/status/appdata",
    "/settings/public",
    "/auth/jellyfin",
    "/auth/local",
)
_NOT_CONFIGURED = 4


class Seerr(Application):
    """Everything behind a key is 403 until the first administrator exists."""

    port = 5055
    config = "/app/config"
    folders = ("/app/config", "/app/config/db", "/app/config/logs")
    user = NODE
    database_files = (DatabaseFile("/app/config/db/db.sqlite3"),)

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.port = int(place.env("PORT", "5055"))
        self.settings: dict[str, Json] = {}
        self.sessions: set[str] = set()
        self._file = place.path("/app/config/settings.json")

    def prepare(self) -> None:
        """Become the image's own user: PUID is not understood."""
        self.place.forget("PUID", "PGID")
        super().prepare()

    def start(self) -> None:
        """Read settings.json, or write the first one."""
        super().start()
        if self._file.exists():
            self.settings = json.loads(self._file.read_text())
        else:
            self.settings = _first_settings()
            self.save()
        key = self.place.env("API_KEY")
        if key:
            self.settings["main"]["apiKey"] = key

    def save(self) -> None:
        """Write settings.json through a draft and a rename."""
        draft = self._file.with_suffix(".json.tmp")
        draft.touch(0o600)
        draft.write_text(json.dumps(self.settings, indent=1))
        draft.replace(self._file)

    def routes(self) -> Iterable[Route[Seerr]]:
        """All routes."""
        for group in (ROUTES, signin.ROUTES, jellyfin.ROUTES, servers.ROUTES):
            yield from group.under(API)
        yield Route("GET", "/", lambda app, request: page("Seerr"))

    def gate(self, request: Request) -> Reply | None:
        """403 where a key, a session or the administrator is missing."""
        path = request.path.removeprefix(API)
        if path == request.path or path in _OPEN or self._acting(request):
            return None
        text = "You do not have permission to access this endpoint"
        return json_reply({"status": 403, "error": text}, 403)

    def _acting(self, request: Request) -> bool:
        if not self.database.all("user"):
            return False
        if request.cookie("connect.sid") in self.sessions:
            return True
        given = request.headers.get("x-api-key", "")
        return secrets.compare_digest(
            given.encode(), self.settings["main"]["apiKey"].encode()
        )

    def lost(self, request: Request, status: int) -> Reply:
        """404 as the API describes itself."""
        return json_reply({"message": "not found", "errors": []}, 404)

    def failed(self, error: Exception) -> Reply:
        """500 with a message."""
        return json_reply({"message": str(error), "errors": []}, 500)


def _first_settings() -> dict[str, Json]:
    text = f"{int(datetime.now().timestamp())}{uuid.uuid4()}"
    return {
        "clientId": str(uuid.uuid4()),
        "main": {
            "apiKey": base64.b64encode(text.encode()).decode(),
            "applicationTitle": "Seerr",
            "applicationUrl": "",
            "mediaServerType": _NOT_CONFIGURED,
            "localLogin": True,
            "defaultPermissions": 32,
        },
        "jellyfin": {
            "name": "",
            "ip": "",
            "port": 8096,
            "useSsl": False,
            "urlBase": "",
            "apiKey": "",
            "serverId": "",
            "libraries": [],
        },
        "radarr": [],
        "sonarr": [],
        "public": {"initialized": False},
        "jobs": {},
        "network": {},
        "migrations": [],
    }


@ROUTES.on("GET", "/status")
def status(app: Seerr, request: Request) -> Reply:
    return json_reply(
        {
            "version": VERSION,
            "commitTag": "sandbox",
            "updateAvailable": False,
            "commitsBehind": 0,
            "restartRequired": False,
        }
    )


@ROUTES.on("GET", "/status/appdata")
def app_data(app: Seerr, request: Request) -> Reply:
    return json_reply(
        {
            "appData": True,
            "appDataPath": app.config,
            "appDataPermissions": True,
        }
    )


@ROUTES.on("GET", "/settings/public")
def public(app: Seerr, request: Request) -> Reply:
    return json_reply({**app.settings["public"], **_public_main(app)})


def _public_main(app: Seerr) -> dict[str, Json]:
    names = ("applicationTitle", "localLogin", "mediaServerType")
    return {name: app.settings["main"][name] for name in names}


@ROUTES.on("POST", "/settings/initialize")
def initialize(app: Seerr, request: Request) -> Reply:
    app.settings["public"]["initialized"] = True
    app.save()
    return json_reply(app.settings["public"])


@ROUTES.on("GET", "/user")
def users(app: Seerr, request: Request) -> Reply:
    return _page(app.database.all("user"))


def _page(found: list[dict[str, Json]]) -> Reply:
    info = {"page": 1, "pages": 1, "pageSize": 10, "results": len(found)}
    return json_reply({"pageInfo": info, "results": found})


@ROUTES.on("GET", "/settings/main")
def get_main(app: Seerr, request: Request) -> Reply:
    return json_reply(app.settings["main"])


@ROUTES.on("POST", "/settings/main")
def set_main(app: Seerr, request: Request) -> Reply:
    key = app.settings["main"]["apiKey"]
    app.settings["main"] |= {**request.json(), "apiKey": key}
    app.save()
    return json_reply(app.settings["main"])


@ROUTES.on("POST", "/settings/main/regenerate")
def regenerate(app: Seerr, request: Request) -> Reply:
    app.settings["main"]["apiKey"] = _first_settings()["main"]["apiKey"]
    app.save()
    return json_reply(app.settings["main"])


@ROUTES.on("GET", "/settings/about")
def about(app: Seerr, request: Request) -> Reply:
    requests = app.database.all("request")
    return json_reply(
        {
            "version": VERSION,
            "totalRequests": len(requests),
            "totalMediaItems": len(app.database.all("media")),
            "tz": app.place.env("TZ", "UTC"),
            "appDataPath": app.config,
        }
    )


@ROUTES.on("GET", "/request")
def requests(app: Seerr, request: Request) -> Reply:
    return _page(app.database.all("request"))


@ROUTES.on("GET", "/request/count")
def count(app: Seerr, request: Request) -> Reply:
    rows = app.database.all("request")
    states = ("pending", "approved", "declined", "processing", "available",
              "completed")  # fmt: skip
    figures = {
        state: sum(each.get("state") == state for each in rows)
        for state in states
    }
    kinds = [each.get("type") for each in rows]
    figures |= {"movie": kinds.count("movie"), "tv": kinds.count("tv")}
    return json_reply({"total": len(rows), **figures})
