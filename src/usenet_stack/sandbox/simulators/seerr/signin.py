"""Signing in with Jellyfin; the first time sets everything up."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes, json_reply
from ..upstream import Answer, address, ask
from .wire import client, fail, now

if TYPE_CHECKING:
    from . import Seerr

ROUTES: Routes[Seerr] = Routes()
JELLYFIN = 2


@ROUTES.on("POST", "/auth/jellyfin")
def log_in(app: Seerr, request: Request) -> Reply:
    """Sign in with Jellyfin; the first time sets up everything."""
    body = request.json()
    stored = app.settings["jellyfin"]
    first = not app.database.all("user")
    if not first and body.get("hostname"):
        raise fail(500, "Jellyfin hostname already configured")
    if first and not body.get("hostname"):
        raise fail(500, "No hostname provided.")
    if first:
        host, port = body["hostname"], body.get("port", 8096)
        base, ssl = body.get("urlBase") or "", body.get("useSsl")
    else:
        host, port, base = stored["ip"], stored["port"], stored["urlBase"]
        ssl = stored["useSsl"]
    root = address(host, port, base, ssl)
    try:
        found = _authenticate(root, body)
    except OSError as error:
        raise fail(500, "INVALID_URL") from error
    if found.status != 200:
        raise fail(401, "INVALID_CREDENTIALS")
    login = found.json()
    if not login["User"]["Policy"]["IsAdministrator"]:
        raise fail(403, "NOT_ADMIN")
    if first:
        stored |= {"ip": host, "port": port, "useSsl": bool(ssl)}
        stored |= {"urlBase": base, "serverId": login["ServerId"]}
        stored |= {"name": "jellyfin"}
        stored["apiKey"] = _make_key(root, login["AccessToken"])
        app.settings["main"]["mediaServerType"] = JELLYFIN
        app.save()
        app.database.add("user", _user(body, login["User"]))
    return _welcome(app)


def _authenticate(root: str, body: Json) -> Answer:
    return ask(
        f"{root}/Users/AuthenticateByName",
        method="POST",
        headers={"Authorization": client()},
        body={"Username": body.get("username"), "Pw": body.get("password")},
    )


def _make_key(root: str, token: str) -> str:
    headers = {"Authorization": client(token)}
    ask(f"{root}/Auth/Keys?app=Seerr", method="POST", headers=headers)
    keys = (ask(f"{root}/Auth/Keys", headers=headers).json() or {})["Items"]
    mine = [key for key in keys if key["AppName"] == "Seerr"]
    return str(mine[-1]["AccessToken"])


def _user(body: Json, user: Json) -> dict[str, Json]:
    return {
        "email": body.get("email") or user["Name"],
        "username": user["Name"],
        "jellyfinUsername": user["Name"],
        "jellyfinUserId": user["Id"],
        "userType": 3,
        "permissions": 2,
        "avatar": "",
        "createdAt": now(),
        "updatedAt": now(),
        "requestCount": 0,
    }


def _welcome(app: Seerr) -> Reply:
    session = f"s%3A{secrets.token_urlsafe(24)}"
    app.sessions.add(session)
    reply = json_reply(app.database.all("user")[0])
    reply.headers["Set-Cookie"] = f"connect.sid={session}; Path=/; HttpOnly"
    return reply


@ROUTES.on("GET", "/auth/me")
def me(app: Seerr, request: Request) -> Reply:
    return json_reply(app.database.all("user")[0])


@ROUTES.on("POST", "/auth/logout")
def log_out(app: Seerr, request: Request) -> Reply:
    app.sessions.discard(request.cookie("connect.sid"))
    return json_reply({"status": "ok"})
