"""Audiobookshelf: a root user, signed tokens, libraries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Iterable

from .application import Application, page
from .databases import DatabaseFile
from .place import Place
from .privileges import ROOT
from .routing import (
    Json,
    Refusal,
    Reply,
    Request,
    Route,
    Routes,
    json_reply,
    text_reply,
)

VERSION = "2.36.0"
ROUTES: Routes[Audiobookshelf] = Routes()
_OPEN = ("/", "/healthcheck", "/ping", "/status", "/init", "/login")
_HOUR = 3600
_AUDIO = {".m4b", ".mp3", ".m4a", ".flac", ".epub", ".pdf"}


class Audiobookshelf(Application):
    """Root paths and the base path /audiobookshelf answer alike."""

    port = 80
    folders = ("/config", "/metadata", "/metadata/items", "/metadata/authors",
               "/metadata/cache", "/metadata/backups")  # fmt: skip
    user = ROOT
    database_files = (
        DatabaseFile("/config/absdatabase.sqlite", journal="delete"),
    )

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.port = int(place.env("PORT", "80"))
        self._secret = ""

    def start(self) -> None:
        """Open the database and find the key that signs tokens."""
        super().start()
        stored = self.database.setting("secret") or secrets.token_hex(32)
        self.database.set("secret", stored)
        self._secret = self.place.env("JWT_SECRET_KEY", stored)

    def routes(self) -> Iterable[Route[Audiobookshelf]]:
        """All routes."""
        yield from ROUTES.under()

    def gate(self, request: Request) -> Reply | None:
        """401 without a valid token."""
        base = self.place.env("ROUTER_BASE_PATH", "/audiobookshelf")
        if request.path.startswith(f"{base}/"):
            request.path = request.path[len(base) :]
        if request.path in _OPEN or self.claims(request) is not None:
            return None
        return text_reply("Unauthorized", 401)

    def sign(self, claims: dict[str, Json]) -> str:
        """A signed token with these claims."""
        head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        body = _encode(json.dumps(claims).encode())
        return f"{head}.{body}.{self._signature(f'{head}.{body}')}"

    def _signature(self, text: str) -> str:
        key = self._secret.encode()
        return _encode(hmac.new(key, text.encode(), hashlib.sha256).digest())

    def claims(self, request: Request) -> dict[str, Json] | None:
        """The claims of a token that is valid and not deleted."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, self._signature(text)):
            return None
        body = text.partition(".")[2]
        padded = body + "=" * (-len(body) % 4)
        found: dict[str, Json] = json.loads(base64.urlsafe_b64decode(padded))
        if found.get("exp", time.time() + 1) < time.time():
            return None
        if found.get("type") == "api" and not self._key_exists(found["keyId"]):
            return None
        return found

    def _key_exists(self, key: str) -> bool:
        found = self.database.all("apikey")
        return any(each["uuid"] == key and each["isActive"] for each in found)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _hashed(password: str) -> str:
    salt = b"usenet-sandbox"
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1000).hex()


def _refuse(status: int, text: str) -> Refusal:
    return Refusal(text_reply(text, status))


@ROUTES.on("GET", "/")
def home(app: Audiobookshelf, request: Request) -> Reply:
    return page("Audiobookshelf")


@ROUTES.on("GET", "/healthcheck")
def health(app: Audiobookshelf, request: Request) -> Reply:
    return text_reply("OK")


@ROUTES.on("GET", "/ping")
def ping(app: Audiobookshelf, request: Request) -> Reply:
    return json_reply({"success": True})


@ROUTES.on("GET", "/status")
def status(app: Audiobookshelf, request: Request) -> Reply:
    return json_reply(
        {
            "app": "audiobookshelf",
            "serverVersion": VERSION,
            "isInit": bool(app.database.all("user")),
            "language": "en-us",
            "authMethods": ["local"],
            "authFormData": {"authLoginCustomMessage": None},
        }
    )


@ROUTES.on("POST", "/init")
def initialize(app: Audiobookshelf, request: Request) -> Reply:
    if app.database.all("user"):
        raise _refuse(500, "Server is already initialized")
    root = request.json()["newRoot"]
    app.database.add(
        "user",
        {
            "uuid": str(uuid.uuid4()),
            "username": root["username"],
            "password": _hashed(root.get("password") or ""),
        },
    )
    return text_reply("OK")


@ROUTES.on("POST", "/login")
def log_in(app: Audiobookshelf, request: Request) -> Reply:
    body = request.json()
    for user in app.database.all("user"):
        if user["username"] == body.get("username") and user[
            "password"
        ] == _hashed(body.get("password") or ""):
            return json_reply({"user": _shown(app, user), "Source": "docker"})
    raise _refuse(401, "Unauthorized")


def _shown(app: Audiobookshelf, user: dict[str, Json]) -> dict[str, Json]:
    claims = {"userId": user["uuid"], "username": user["username"]}
    now = int(time.time())
    access = {**claims, "type": "access", "iat": now, "exp": now + _HOUR}
    refresh = {**claims, "type": "refresh", "iat": now}
    return {
        "id": user["uuid"],
        "username": user["username"],
        "type": "root",
        "accessToken": app.sign(access),
        "refreshToken": app.sign(refresh),
    }


@ROUTES.on("GET", "/api/me")
def me(app: Audiobookshelf, request: Request) -> Reply:
    claims = app.claims(request) or {}
    name = claims.get("username")
    return json_reply({"id": claims.get("userId"), "username": name})


@ROUTES.on("GET", "/api/api-keys")
def list_keys(app: Audiobookshelf, request: Request) -> Reply:
    found = [
        {**each, "id": each["uuid"]} for each in app.database.all("apikey")
    ]
    return json_reply({"apiKeys": found})


@ROUTES.on("POST", "/api/api-keys")
def make_key(app: Audiobookshelf, request: Request) -> Reply:
    """The token is shown this once and not kept."""
    body = request.json()
    if not body.get("name") or not body.get("userId"):
        raise _refuse(400, "Invalid name or userId")
    key = {
        "uuid": str(uuid.uuid4()),
        "name": body["name"],
        "userId": body["userId"],
        "isActive": bool(body.get("isActive")),
        "expiresIn": body.get("expiresIn"),
    }
    app.database.add("apikey", key)
    claims = {"keyId": key["uuid"], "name": key["name"], "type": "api"}
    if body.get("expiresIn"):
        claims["exp"] = int(time.time()) + int(body["expiresIn"])
    shown = {**key, "id": key["uuid"], "apiKey": app.sign(claims)}
    return json_reply({"apiKey": shown})


@ROUTES.on("DELETE", "/api/api-keys/{key}")
def delete_key(app: Audiobookshelf, request: Request) -> Reply:
    for each in app.database.all("apikey"):
        if each["uuid"] == request.values["key"]:
            app.database.delete("apikey", each["id"])
            return json_reply({"success": True})
    raise _refuse(404, "Not Found")


@ROUTES.on("GET", "/api/libraries")
def list_libraries(app: Audiobookshelf, request: Request) -> Reply:
    found = app.database.all("library")
    return json_reply({"libraries": [_library(each) for each in found]})


def _library(stored: dict[str, Json]) -> dict[str, Json]:
    return {**stored, "id": stored["uuid"]}


@ROUTES.on("POST", "/api/libraries")
def add_library(app: Audiobookshelf, request: Request) -> Reply:
    """Folders that do not exist are made: a typo does not fail."""
    body = request.json()
    if not body.get("name") or not body.get("folders"):
        raise _refuse(400, "Invalid library name or folders")
    stored = app.database.add(
        "library",
        {
            "uuid": str(uuid.uuid4()),
            "name": body["name"],
            "folders": _folders(app, body["folders"]),
            "mediaType": body.get("mediaType") or "book",
            "createdAt": int(time.time() * 1000),
        },
    )
    return json_reply(_library(stored))


def _folders(app: Audiobookshelf, wanted: Json) -> list[dict[str, Json]]:
    # Those with an id are known already, and may be away.
    for each in wanted:
        if not each.get("id"):
            path = app.place.path(each["fullPath"])
            path.mkdir(parents=True, exist_ok=True)
    return [
        {
            "id": each.get("id") or str(uuid.uuid4()),
            "fullPath": each["fullPath"],
        }
        for each in wanted
    ]


def _find(app: Audiobookshelf, request: Request) -> dict[str, Json]:
    for each in app.database.all("library"):
        if each["uuid"] == request.values["library"]:
            return each
    raise _refuse(404, "Library not found")


@ROUTES.on("GET", "/api/libraries/{library}")
def get_library(app: Audiobookshelf, request: Request) -> Reply:
    return json_reply(_library(_find(app, request)))


@ROUTES.on("PATCH", "/api/libraries/{library}")
def change_library(app: Audiobookshelf, request: Request) -> Reply:
    stored, body = _find(app, request), request.json()
    if "folders" in body:
        stored["folders"] = _folders(app, body["folders"])
    stored["name"] = body.get("name") or stored["name"]
    app.database.put("library", stored)
    return json_reply(_library(stored))


@ROUTES.on("DELETE", "/api/libraries/{library}")
def delete_library(app: Audiobookshelf, request: Request) -> Reply:
    stored = _find(app, request)
    app.database.delete("library", stored["id"])
    return json_reply(_library(stored))


@ROUTES.on("POST", "/api/libraries/{library}/scan")
def scan(app: Audiobookshelf, request: Request) -> Reply:
    _find(app, request)
    return text_reply("OK")


@ROUTES.on("GET", "/api/libraries/{library}/stats")
def statistics(app: Audiobookshelf, request: Request) -> Reply:
    sizes = [
        path.stat().st_size
        for folder in _find(app, request)["folders"]
        for path in app.place.path(folder["fullPath"]).rglob("*")
        if path.suffix.lower() in _AUDIO
    ]
    return json_reply(
        {
            "totalItems": len(sizes),
            "totalAuthors": 0,
            "totalGenres": 0,
            "totalDuration": 0,
            "numAudioTracks": len(sizes),
            "totalSize": sum(sizes),
        }
    )


@ROUTES.on("GET", "/api/sessions/open")
def sessions(app: Audiobookshelf, request: Request) -> Reply:
    return json_reply({"sessions": app.database.all("session")})


@ROUTES.on("GET", "/api/tasks")
def tasks(app: Audiobookshelf, request: Request) -> Reply:
    return json_reply({"tasks": []})
