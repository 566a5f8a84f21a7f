"""Who may ask: host filter, URL base, API key, user interface."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
import socket
from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes, text_reply
from . import wire

if TYPE_CHECKING:
    from . import Servarr

ROUTES: Routes[Servarr] = Routes()
_OPEN = ("/ping", "/login", "/logout")
_LOCAL = ("127.0.0.1", "localhost", "::1")


def gate(app: Servarr, request: Request) -> Reply | None:
    """What stands before every handler.

    Effects: strips the URL base from `request.path`.
    """
    if not host_allowed(app, request):
        return text_reply(
            "<h1>Bad Request - Invalid Hostname</h1>", 400, "html"
        )
    base = app.configuration.url_base
    based = request.path.lower().startswith(base.lower() + "/")
    if base and based:
        request.path = request.path[len(base) :]
    refused = _authenticate(app, request)
    if refused is None and base and not based:
        return Reply(307, headers={"Location": base + request.path})
    return refused


def host_allowed(app: Servarr, request: Request) -> bool:
    """Whether AllowedHosts lets the Host header pass."""
    listed = app.configuration.get("AllowedHosts").replace(";", ",")
    allowed = [each.strip().lower() for each in listed.split(",")]
    allowed = [each.strip("[]") for each in allowed if each]
    host = request.host.lower()
    if not allowed or not host or "*" in allowed:
        return True
    if host in (*_LOCAL, socket.gethostname().lower(), *allowed):
        return True
    wild = [each[1:] for each in allowed if each.startswith("*.")]
    return any(host.endswith(each) for each in wild)


def _authenticate(app: Servarr, request: Request) -> Reply | None:
    path = request.path.lower()
    if path in _OPEN or path.startswith("/content/"):
        return None
    if path == "/api" or path.startswith("/api/") or app.own_api(path):
        return None if has_key(app, request) else Reply(401)
    if has_key(app, request) or _may_use_interface(app, request):
        return None
    login = f"{app.configuration.url_base}/login?returnUrl={request.path}"
    return Reply(302, headers={"Location": login})


def has_key(app: Servarr, request: Request) -> bool:
    """Whether the request carries the API key.

    A query argument is the only thing looked at when it is there.
    """
    key = app.configuration.get("ApiKey")
    if request.has_argument("apikey"):
        given = request.argument("apikey")
    else:
        bearer = request.headers.get("authorization", "")
        given = request.headers.get("x-api-key", "") or bearer.replace(
            "Bearer ", ""
        )
    return secrets.compare_digest(given.encode(), key.encode())


def _may_use_interface(app: Servarr, request: Request) -> bool:
    method = app.configuration.get("AuthenticationMethod").lower()
    if method in ("none", "external"):
        return True
    required = app.configuration.get("AuthenticationRequired").lower()
    if required == "disabledforlocaladdresses" and is_local(request):
        return True
    return request.cookie(f"{app.flavour.name}Auth") in app.sessions


def is_local(request: Request) -> bool:
    """Whether the request counts as one from the local network."""
    if "x-forwarded-for" in request.headers:
        return False
    found = ipaddress.ip_address(request.client)
    return found.is_private or found.is_loopback or found.is_link_local


def hash_password(password: str) -> dict[str, Json]:
    """What is stored of a password."""
    salt = os.urandom(16)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000)
    return {"hash": digest.hex(), "salt": salt.hex()}


def password_fits(stored: dict[str, Json], password: str) -> bool:
    """Whether a password is the stored one."""
    salt = bytes.fromhex(stored["salt"])
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000)
    return secrets.compare_digest(digest.hex(), stored["hash"])


@ROUTES.on("GET", "/ping")
def ping(app: Servarr, request: Request) -> Reply:
    app.database.setting("anything")
    return wire.reply({"status": "OK"})


@ROUTES.on("GET", "/initialize.json")
def initialize(app: Servarr, request: Request) -> Reply:
    config = app.configuration
    return wire.reply(
        {
            "apiRoot": f"{config.url_base}/api/{app.flavour.api}",
            "apiKey": config.get("ApiKey"),
            "release": f"{app.flavour.version}-{config.get('Branch')}",
            "version": app.flavour.version,
            "instanceName": config.get("InstanceName"),
            "theme": "auto",
            "branch": config.get("Branch"),
            "analytics": False,
            "userHash": "",
            "urlBase": config.url_base,
            "isProduction": True,
        }
    )


@ROUTES.on("POST", "/login")
def log_in(app: Servarr, request: Request) -> Reply:
    form = {key: values[0] for key, values in request.form().items()}
    user: dict[str, Json] = app.database.setting("user", {})
    base = app.configuration.url_base
    if not (
        user
        and form.get("username", "").lower() == user["username"].lower()
        and password_fits(user, form.get("password", ""))
    ):
        back = request.argument("returnUrl", "/")
        return Reply(
            302,
            headers={
                "Location": f"{base}/login?returnUrl={back}&loginFailed=true"
            },
        )
    session = secrets.token_hex(16)
    app.sessions.add(session)
    cookie = f"{app.flavour.name}Auth={session}; path=/; httponly"
    return Reply(302, headers={"Location": f"{base}/", "Set-Cookie": cookie})


@ROUTES.on("GET", "/logout")
def log_out(app: Servarr, request: Request) -> Reply:
    app.sessions.discard(request.cookie(f"{app.flavour.name}Auth"))
    return Reply(302, headers={"Location": "/"})
