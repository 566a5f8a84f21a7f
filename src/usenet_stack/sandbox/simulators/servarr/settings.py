"""Settings, profiles, tags and remote path mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes
from . import wire
from .access import hash_password

if TYPE_CHECKING:
    from . import Servarr

Document = dict[str, Json]
ROUTES: Routes[Servarr] = Routes()
MEDIA: Routes[Servarr] = Routes()
MUSIC_AND_BOOKS: Routes[Servarr] = Routes()

# Host settings that live in config.xml: resource field -> element.
_IN_FILE = {
    "bindAddress": "BindAddress",
    "branch": "Branch",
    "logLevel": "LogLevel",
    "urlBase": "UrlBase",
    "instanceName": "InstanceName",
    "authenticationMethod": "AuthenticationMethod",
    "authenticationRequired": "AuthenticationRequired",
    "allowedHosts": "AllowedHosts",
    "trustedNetworks": "TrustedNetworks",
}
_ENUMS = ("authenticationMethod", "authenticationRequired")
_HOST_DEFAULTS: Document = {
    "enableSsl": False,
    "launchBrowser": True,
    "analyticsEnabled": False,
    "logSizeLimit": 1,
    "consoleLogLevel": "",
    "sslCertPath": "",
    "sslCertPassword": "",
    "applicationUrl": "",
    "updateAutomatically": False,
    "updateMechanism": "docker",
    "updateScriptPath": "",
    "proxyEnabled": False,
    "proxyType": "http",
    "proxyHostname": "",
    "proxyPort": 8080,
    "proxyUsername": "",
    "proxyPassword": "",
    "proxyBypassFilter": "",
    "proxyBypassLocalAddresses": True,
    "certificateValidation": "enabled",
    "backupFolder": "Backups",
    "backupInterval": 7,
    "backupRetention": 28,
    "trustCgnatIpAddresses": False,
}
_MEDIA_MANAGEMENT: Document = {
    "recycleBin": "",
    "recycleBinCleanupDays": 7,
    "deleteEmptyFolders": False,
    "setPermissionsLinux": False,
    "chmodFolder": "755",
    "chownGroup": "",
    "skipFreeSpaceCheckWhenImporting": False,
    "minimumFreeSpaceWhenImporting": 100,
    "copyUsingHardlinks": True,
    "importExtraFiles": False,
    "extraFileExtensions": "srt",
}


def host_settings(app: Servarr) -> Document:
    """The resource of /config/host."""
    user = app.database.setting("user", {})
    found: Document = _HOST_DEFAULTS | app.database.setting("host", {})
    for name, element in _IN_FILE.items():
        value = app.configuration.get(element)
        lower = name in _ENUMS
        found[name] = value[:1].lower() + value[1:] if lower else value
    if app.flavour.calibre:
        for name in ("logSizeLimit", "trustCgnatIpAddresses"):
            found.pop(name)
        found.pop("authenticationRequired")
    if app.flavour.library is None:
        found["historyCleanupDays"] = 30
    if not app.flavour.calibre:
        found["passwordConfirmation"] = ""
    return found | {
        "id": 1,
        "port": int(app.configuration.get("Port")),
        "sslPort": int(app.configuration.get("SslPort")),
        "apiKey": app.configuration.get("ApiKey"),
        "username": user.get("username", ""),
        "password": user.get("hash", ""),
    }


@ROUTES.on("GET", "/config/host", "/config/host/{id:int}")
def get_host(app: Servarr, request: Request) -> Reply:
    found = host_settings(app)
    return wire.reply(found)


@ROUTES.on("PUT", "/config/host/{id:int}")
def put_host(app: Servarr, request: Request) -> Reply:
    body = wire.body_of(request)
    stored = app.database.setting("user", {})
    wire.require(_check_host(app, body, stored))
    if body.get("username") and body.get("password"):
        if body["password"] != stored.get("hash"):
            stored = hash_password(body["password"])
        app.database.set("user", {**stored, "username": body["username"]})
    for name, element in _IN_FILE.items():
        if name in body:
            value = str(body[name] or "")
            app.configuration.set(
                element,
                value[:1].upper() + value[1:] if name in _ENUMS else value,
            )
    kept = {name: body[name] for name in _HOST_DEFAULTS if name in body}
    app.database.set("host", app.database.setting("host", {}) | kept)
    app.check_health()
    return wire.reply(host_settings(app), 202)


def _check_host(
    app: Servarr, body: Document, user: Document
) -> list[Document | None]:
    found: list[Document | None] = []
    required = str(body.get("authenticationRequired") or "enabled").lower()
    if "allowedHosts" in body and (
        body["allowedHosts"] is None
        or (not body["allowedHosts"] and required != "enabled")
    ):
        text = "Allowed Hosts is required when 'Authentication Required' is"
        found.append(
            wire.failure("AllowedHosts", f"{text} not 'Enabled'",
                         body["allowedHosts"], "NotEmptyValidator")
        )  # fmt: skip
    if str(body.get("authenticationMethod")).lower() not in ("forms", "basic"):
        return found
    password = body.get("password")
    found.append(wire.not_empty("Username", body.get("username")))
    found.append(wire.not_empty("Password", password))
    same = password in (user.get("hash"), body.get("passwordConfirmation"))
    if not same and not app.flavour.calibre:
        found.append(
            wire.failure("PasswordConfirmation", "Must match Password",
                         body.get("passwordConfirmation"),
                         "PredicateValidator")
        )  # fmt: skip
    return found


@MEDIA.on("GET", "/config/mediamanagement", "/config/mediamanagement/{id:int}")
def get_media_management(app: Servarr, request: Request) -> Reply:
    return wire.reply(media_management(app))


def media_management(app: Servarr) -> Document:
    """The resource of /config/mediamanagement."""
    stored = app.database.setting("mediamanagement", {})
    return {**_MEDIA_MANAGEMENT, **stored, "id": 1}


@MEDIA.on("PUT", "/config/mediamanagement/{id:int}")
def put_media_management(app: Servarr, request: Request) -> Reply:
    body = wire.body_of(request)
    app.database.set("mediamanagement", media_management(app) | body)
    return wire.reply(media_management(app), 202)


@MEDIA.on("GET", "/qualityprofile")
def list_profiles(app: Servarr, request: Request) -> Reply:
    return wire.reply(app.database.all("qualityprofile"))


@MEDIA.on("GET", "/qualityprofile/{id:int}")
def get_profile(app: Servarr, request: Request) -> Reply:
    return _one(app, "qualityprofile", request)


@MUSIC_AND_BOOKS.on("GET", "/metadataprofile")
def list_metadata(app: Servarr, request: Request) -> Reply:
    return wire.reply(app.database.all("metadataprofile"))


@MUSIC_AND_BOOKS.on("GET", "/metadataprofile/{id:int}")
def get_metadata(app: Servarr, request: Request) -> Reply:
    return _one(app, "metadataprofile", request)


@ROUTES.on("GET", "/tag")
def list_tags(app: Servarr, request: Request) -> Reply:
    return wire.reply(app.database.all("tag"))


@ROUTES.on("GET", "/tag/{id:int}")
def get_tag(app: Servarr, request: Request) -> Reply:
    return _one(app, "tag", request)


@ROUTES.on("POST", "/tag")
def add_tag(app: Servarr, request: Request) -> Reply:
    label = str(wire.body_of(request).get("label") or "").lower()
    wire.require([wire.not_empty("Label", label)])
    for each in app.database.all("tag"):
        if each["label"] == label:
            return wire.created(request, each)
    return wire.created(request, app.database.add("tag", {"label": label}))


@ROUTES.on("DELETE", "/tag/{id:int}")
def delete_tag(app: Servarr, request: Request) -> Reply:
    app.database.delete("tag", request.number)
    return wire.reply({})


@MEDIA.on("GET", "/remotepathmapping")
def list_mappings(app: Servarr, request: Request) -> Reply:
    return wire.reply(app.database.all("remotepathmapping"))


@MEDIA.on("GET", "/remotepathmapping/{id:int}")
def get_mapping(app: Servarr, request: Request) -> Reply:
    return _one(app, "remotepathmapping", request)


@MEDIA.on("POST", "/remotepathmapping")
def add_mapping(app: Servarr, request: Request) -> Reply:
    mapping = _mapping(app, request)
    for each in app.database.all("remotepathmapping"):
        same_host = each["host"].lower() == str(mapping["host"]).lower()
        if same_host and each["remotePath"] == mapping["remotePath"]:
            return wire.server_error("RemotePath already configured.")
    stored = app.database.add("remotepathmapping", mapping)
    return wire.created(request, stored)


@MEDIA.on("PUT", "/remotepathmapping/{id:int}")
def put_mapping(app: Servarr, request: Request) -> Reply:
    mapping = {**_mapping(app, request), "id": request.number}
    app.database.put("remotepathmapping", mapping)
    return wire.reply(mapping, 202)


@MEDIA.on("DELETE", "/remotepathmapping/{id:int}")
def delete_mapping(app: Servarr, request: Request) -> Reply:
    app.database.delete("remotepathmapping", request.number)
    return wire.reply({})


def _mapping(app: Servarr, request: Request) -> Document:
    body = wire.body_of(request)
    local = str(body.get("localPath") or "")
    failures = [
        wire.not_empty("Host", body.get("host")),
        wire.not_empty("RemotePath", body.get("remotePath")),
    ]
    if not app.place.path(local).is_dir() or not local:
        text = f"Path '{local}' does not exist"
        failures.append(
            wire.failure("LocalPath", text, local, "PathExistsValidator",
                         path=local)
        )  # fmt: skip
    wire.require(failures)
    remote = str(body["remotePath"]).rstrip("/") + "/"
    return {**body, "remotePath": remote, "localPath": local.rstrip("/") + "/"}


def _one(app: Servarr, kind: str, request: Request) -> Reply:
    found = app.database.find(kind, request.number)
    if found is None:
        raise wire.missing()
    return wire.reply(found)
