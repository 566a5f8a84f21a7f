"""Jellyfin 10.11 in the layout of the official image."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from ..application import Application, page
from ..databases import DatabaseFile
from ..place import Place
from ..privileges import ROOT
from ..routing import (
    Json,
    Reply,
    Request,
    Route,
    Routes,
    json_reply,
    text_reply,
)
from . import items, libraries, startup
from .wire import hashed, now, refused

VERSION = "10.11.11"
ROUTES: Routes[Jellyfin] = Routes()
_PUBLIC = (
    "/",
    "/health",
    "/system/ping",
    "/system/info/public",
    "/users/authenticatebyname",
    "/branding/configuration",
)
_PAIR = re.compile(r'(\w+)="([^"]*)"')


class Jellyfin(Application):
    """Setup page, wizard, keys, libraries, items."""

    port = 8096
    user = ROOT
    folders = (
        "/config",
        "/config/config",
        "/config/data",
        "/config/log",
        "/config/root/default",
        "/cache",
    )
    database_files = (DatabaseFile("/config/data/jellyfin.db"),)
    fold_case = True
    answers_while_starting = True

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.server_id = ""

    def start(self) -> None:
        """Open the database and write the configuration files."""
        super().start()
        self.server_id = self.database.setting("id") or secrets.token_hex(16)
        self.database.set("id", self.server_id)
        startup.write_configuration(self)

    @property
    def wizard_done(self) -> bool:
        """Whether the first-run wizard is complete."""
        return bool(self.database.setting("wizard_done"))

    def scan(self) -> None:
        """Look at all libraries."""
        items.scan(self)

    def routes(self) -> Iterable[Route[Jellyfin]]:
        """All routes."""
        for group in (ROUTES, startup.ROUTES, libraries.ROUTES, items.ROUTES):
            yield from group.under()

    def starting(self, request: Request) -> Reply:
        """The small setup server that answers first."""
        path = request.path.lower()
        if path == "/health":
            return text_reply("Degraded")
        if path == "/system/info/public":
            return json_reply(
                {
                    "localAddress": None,
                    "serverName": None,
                    "version": VERSION,
                    "productName": "Jellyfin Server",
                    "operatingSystem": None,
                    "id": None,
                    "startupWizardCompleted": False,
                }
            )
        reply = text_reply("<h1>Jellyfin is starting</h1>", 503, "html")
        reply.headers["Retry-After"] = "005"
        return reply

    def gate(self, request: Request) -> Reply | None:
        """401 without a valid token; the wizard is open until complete."""
        path = request.path.lower()
        if path in _PUBLIC or self.is_administrator(request):
            return None
        wizard = path.startswith(("/startup/", "/library/virtualfolders"))
        if wizard and not self.wizard_done:
            return None
        return Reply(401)

    def is_administrator(self, request: Request) -> bool:
        """Whether the request carries an API key or a user's token."""
        token = self.token(request)
        known = [each["AccessToken"] for each in self.database.all("key")]
        known += [each["AccessToken"] for each in self.database.all("session")]
        return bool(token) and token in known

    def token(self, request: Request) -> str:
        """The token of the header, the query, or a legacy header."""
        header = request.headers.get("authorization", "")
        pairs = dict(_PAIR.findall(header))
        for name in ("x-emby-token", "x-mediabrowser-token"):
            pairs.setdefault("Token", request.headers.get(name, ""))
        query = request.argument("ApiKey") or request.argument("api_key")
        return pairs.get("Token") or query

    def lost(self, request: Request, status: int) -> Reply:
        """404 and 405 with an empty body."""
        return Reply(status)

    def failed(self, error: Exception) -> Reply:
        """Always the same text; the status tells what happened."""
        return refused(400 if isinstance(error, ValueError) else 500).reply


@ROUTES.on("GET", "/")
def home(app: Jellyfin, request: Request) -> Reply:
    return page("Jellyfin")


@ROUTES.on("GET", "/health")
def health(app: Jellyfin, request: Request) -> Reply:
    return text_reply("Healthy")


@ROUTES.on("GET POST", "/System/Ping")
def ping(app: Jellyfin, request: Request) -> Reply:
    return json_reply("Jellyfin Server")


@ROUTES.on("GET", "/System/Info/Public", "/System/Info")
def info(app: Jellyfin, request: Request) -> Reply:
    return json_reply(
        {
            "LocalAddress": f"http://{request.headers.get('host', '')}",
            "ServerName": app.database.setting("ServerName", "jellyfin"),
            "Version": VERSION,
            "ProductName": "Jellyfin Server",
            "OperatingSystem": "",
            "Id": app.server_id,
            "StartupWizardCompleted": app.wizard_done,
        }
    )


@ROUTES.on("POST", "/Users/AuthenticateByName")
def authenticate(app: Jellyfin, request: Request) -> Reply:
    body = request.json()
    name = str(body.get("Username", "")).lower()
    for user in app.database.all("user"):
        if user["Name"].lower() == name:
            if user["Password"] != hashed(str(body.get("Pw", ""))):
                break
            session = {"AccessToken": secrets.token_hex(16)}
            app.database.add("session", session)
            return json_reply(
                {
                    "User": startup.public_user(app, user),
                    "AccessToken": session["AccessToken"],
                    "ServerId": app.server_id,
                }
            )
    raise refused(401)


@ROUTES.on("GET", "/Users")
def users(app: Jellyfin, request: Request) -> Reply:
    found = app.database.all("user")
    return json_reply([startup.public_user(app, each) for each in found])


@ROUTES.on("GET", "/Auth/Keys")
def list_keys(app: Jellyfin, request: Request) -> Reply:
    found = [_shown(each) for each in app.database.all("key")]
    return json_reply(
        {"Items": found, "TotalRecordCount": len(found), "StartIndex": 0}
    )


def _shown(key: dict[str, Json]) -> dict[str, Json]:
    return {**{n: v for n, v in key.items() if n != "id"}, "Id": key["id"]}


@ROUTES.on("POST", "/Auth/Keys")
def make_key(app: Jellyfin, request: Request) -> Reply:
    name = request.argument("app")
    if not name:
        raise refused(400)
    app.database.add(
        "key",
        {
            "AccessToken": secrets.token_hex(16),
            "AppName": name,
            "DateCreated": now(),
            "IsActive": True,
            "DeviceId": "",
            "UserId": "0" * 32,
        },
    )
    return Reply(204)


@ROUTES.on("DELETE", "/Auth/Keys/{key}")
def delete_key(app: Jellyfin, request: Request) -> Reply:
    for each in app.database.all("key"):
        if each["AccessToken"] == request.values["key"]:
            app.database.delete("key", each["id"])
    return Reply(204)


@ROUTES.on("GET", "/Sessions")
def sessions(app: Jellyfin, request: Request) -> Reply:
    return json_reply(app.database.all("playing"))
