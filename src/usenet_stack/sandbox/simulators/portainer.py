"""Portainer CE: the first administrator within five minutes."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import secrets
import tarfile
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from .application import Application, page
from .place import Place
from .privileges import ROOT
from .routing import Json, Refusal, Reply, Request, Route, Routes, json_reply

ROUTES: Routes[Portainer] = Routes()
VERSION = "2.23.0"
_ALWAYS = ("/api/status", "/api/settings/public")
_OPEN = (
    *_ALWAYS,
    "/api/system/status",
    "/api/users/admin/init",
    "/api/users/admin/check",
    "/api/auth",
    "/api/restore",
)
_SHORTEST = 12


class Portainer(Application):
    """Its database is one file under an exclusive lock."""

    port = 9000
    config = "/data"
    folders = ("/data", "/data/certs", "/data/compose", "/data/tls")
    user = ROOT

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.state: dict[str, Json] = {}
        self.sessions: set[str] = set()
        self._file: IO[str] | None = None
        self._started = time.monotonic()

    def start(self) -> None:
        """Lock and read the database; apply --admin-password-file."""
        super().start()
        path = self.place.path("/data/portainer.db")
        path.touch(0o600)
        self._file = path.open("r+")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        text = self._file.read()
        fresh = {"InstanceID": str(uuid.uuid4()), "users": [], "keys": []}
        self.state = json.loads(text) if text else fresh
        self._apply_arguments()
        self.save()

    def _apply_arguments(self) -> None:
        for place, each in enumerate(self.arguments):
            name, _, value = each.partition("=")
            if name == "--admin-password-file" and not self.state["users"]:
                path = value or self.arguments[place + 1]
                self.add_admin("admin", _read(self.place.path(path)))

    def add_admin(self, name: str, password: str) -> None:
        """Make the first administrator."""
        user = {"Id": 1, "Username": name, "Role": 1}
        self.state["users"] = [{**user, "Password": _hashed(password)}]

    def save(self) -> None:
        """Write the database in place, as it is mapped into memory."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            json.dump(self.state, self._file)
            self._file.flush()

    def stop(self) -> None:
        """Write and unlock the database."""
        self.save()
        super().stop()

    @property
    def too_late(self) -> bool:
        """Whether the time for making an administrator is over."""
        limit = float(self.place.env("SIMULATOR_ADMIN_TIMEOUT_S", "300"))
        waited = time.monotonic() - self._started
        return not self.state["users"] and waited > limit

    def routes(self) -> Iterable[Route[Portainer]]:
        """All routes."""
        yield from ROUTES.under()

    def gate(self, request: Request) -> Reply | None:
        """303 when no administrator was made in time; else 401."""
        path = request.path
        if not path.startswith("/api/"):
            return None
        if self.too_late and path not in _ALWAYS:
            return Reply(
                303,
                headers={
                    "Location": "/timeout.html",
                    "redirect-reason": "AdminInitTimeout",
                },
            )
        if path in _OPEN or self._known(request):
            return None
        text = "A valid authorization token is missing"
        return json_reply({"message": text, "details": "Unauthorized"}, 401)

    def _known(self, request: Request) -> bool:
        key = request.headers.get("x-api-key", "")
        digests = [each["digest"] for each in self.state["keys"]]
        if key and _hashed(key) in digests:
            return True
        bearer = request.headers.get("authorization", "")
        return bearer.removeprefix("Bearer ") in self.sessions


def _read(path: Path) -> str:
    return path.read_text().strip()


def _hashed(text: str) -> str:
    return hashlib.sha256(f"usenet-sandbox{text}".encode()).hexdigest()


def _refuse(status: int, message: str) -> Refusal:
    return Refusal(json_reply({"message": message, "details": message}, status))


@ROUTES.on("GET", "/")
def home(app: Portainer, request: Request) -> Reply:
    return page("Portainer")


@ROUTES.on("GET", "/api/status", "/api/system/status")
def status(app: Portainer, request: Request) -> Reply:
    return json_reply(
        {"Version": VERSION, "InstanceID": app.state["InstanceID"]}
    )


@ROUTES.on("GET", "/api/settings/public")
def public(app: Portainer, request: Request) -> Reply:
    return json_reply({"AuthenticationMethod": 1, "RequiredPasswordLength": 12})


@ROUTES.on("GET", "/api/users/admin/check")
def check(app: Portainer, request: Request) -> Reply:
    if not app.state["users"]:
        raise _refuse(404, "No administrator account found inside the database")
    return Reply(204)


@ROUTES.on("POST", "/api/users/admin/init")
def make_admin(app: Portainer, request: Request) -> Reply:
    body = request.json()
    if app.state["users"]:
        raise _refuse(409, "Unable to create administrator user")
    if len(body.get("Password", "")) < _SHORTEST:
        raise _refuse(400, "Password does not meet the requirements")
    app.add_admin(body.get("Username") or "admin", body["Password"])
    app.save()
    return json_reply(_user(app))


def _user(app: Portainer) -> dict[str, Json]:
    return {k: v for k, v in app.state["users"][0].items() if k != "Password"}


@ROUTES.on("POST", "/api/auth")
def log_in(app: Portainer, request: Request) -> Reply:
    body = {key.lower(): value for key, value in request.json().items()}
    for user in app.state["users"]:
        if user["Username"] == body.get("username") and user[
            "Password"
        ] == _hashed(body.get("password", "")):
            session = secrets.token_urlsafe(32)
            app.sessions.add(session)
            return json_reply({"jwt": session})
    raise _refuse(422, "Invalid credentials")


@ROUTES.on("GET", "/api/users/me")
def me(app: Portainer, request: Request) -> Reply:
    return json_reply(_user(app))


@ROUTES.on("POST", "/api/users/{id:int}/tokens")
def make_key(app: Portainer, request: Request) -> Reply:
    key = f"ptr_{secrets.token_urlsafe(32)}"
    description = request.json().get("description", "")
    entry = {"description": description, "digest": _hashed(key)}
    app.state["keys"].append(entry)
    app.save()
    shown = {"id": len(app.state["keys"]), "description": description}
    return json_reply({"rawAPIKey": key, "apiKey": shown}, 201)


@ROUTES.on("GET", "/api/endpoints")
def endpoints(app: Portainer, request: Request) -> Reply:
    return json_reply([])


@ROUTES.on("POST", "/api/backup")
def backup(app: Portainer, request: Request) -> Reply:
    stream = io.BytesIO()
    data = json.dumps(app.state).encode()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        entry = tarfile.TarInfo("portainer.db")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return Reply(200, stream.getvalue(), "application/gzip")


@ROUTES.on("POST", "/api/restore")
def restore(app: Portainer, request: Request) -> Reply:
    if app.state["users"]:
        raise _refuse(400, "Cannot restore already initialized instance")
    raise _refuse(500, "not simulated")
