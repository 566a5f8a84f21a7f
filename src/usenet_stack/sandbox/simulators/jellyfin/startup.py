"""The first-run wizard, users, and the files it leaves behind."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from ..routing import Json, Reply, Request, Routes, json_reply
from .wire import hashed, refused

if TYPE_CHECKING:
    from . import Jellyfin

ROUTES: Routes[Jellyfin] = Routes()
_SETTINGS = {
    "ServerName": "jellyfin",
    "UICulture": "en-US",
    "MetadataCountryCode": "US",
    "PreferredMetadataLanguage": "en",
}


def public_user(app: Jellyfin, user: dict[str, Json]) -> dict[str, Json]:
    """A user as the API shows it."""
    return {
        "Name": user["Name"],
        "ServerId": app.server_id,
        "Id": user["Id"],
        "HasPassword": bool(user["Password"]),
        "Policy": {"IsAdministrator": True, "IsDisabled": False},
    }


def write_configuration(app: Jellyfin) -> None:
    """Write system.xml and its neighbours.

    Effects: files in /config/config.
    """
    folder = app.place.path("/config/config")
    root = ElementTree.Element("ServerConfiguration")
    for name, default in _SETTINGS.items():
        value = app.database.setting(name, default)
        ElementTree.SubElement(root, name).text = value
    done = ElementTree.SubElement(root, "IsStartupWizardCompleted")
    done.text = "true" if app.wizard_done else "false"
    ElementTree.indent(root)
    (folder / "system.xml").write_text(ElementTree.tostring(root, "unicode"))
    for name in ("network", "encoding", "database"):
        path = folder / f"{name}.xml"
        if not path.exists():
            path.write_text(f"<{name.title()}Configuration />\n")


@ROUTES.on("GET", "/Startup/Configuration")
def get_configuration(app: Jellyfin, request: Request) -> Reply:
    return json_reply(
        {
            name: app.database.setting(name, default)
            for name, default in _SETTINGS.items()
        }
    )


@ROUTES.on("POST", "/Startup/Configuration")
def set_configuration(app: Jellyfin, request: Request) -> Reply:
    for name, value in request.json().items():
        if name in _SETTINGS:
            app.database.set(name, value)
    write_configuration(app)
    return Reply(204)


@ROUTES.on("GET", "/Startup/User", "/Startup/FirstUser")
def first_user(app: Jellyfin, request: Request) -> Reply:
    found = app.database.all("user")
    if not found:
        found = [_make_user(app)]
    return json_reply({"Name": found[0]["Name"], "Password": ""})


def _make_user(app: Jellyfin) -> dict[str, Json]:
    number = hashlib.md5(app.server_id.encode()).hexdigest()
    user = {"Name": "root", "Password": "", "Id": number}
    return app.database.add("user", user)


@ROUTES.on("POST", "/Startup/User")
def set_user(app: Jellyfin, request: Request) -> Reply:
    found = app.database.all("user")
    if not found:
        raise refused(404)
    body = request.json()
    if not body.get("Password"):
        return json_reply("Password must not be empty", 400)
    user = found[0]
    user["Name"] = body.get("Name") or user["Name"]
    user["Password"] = hashed(str(body["Password"]))
    app.database.put("user", user)
    return Reply(204)


@ROUTES.on("POST", "/Startup/RemoteAccess")
def remote_access(app: Jellyfin, request: Request) -> Reply:
    app.database.set("remote", request.json())
    return Reply(204)


@ROUTES.on("POST", "/Startup/Complete")
def complete(app: Jellyfin, request: Request) -> Reply:
    app.database.set("wizard_done", True)
    write_configuration(app)
    return Reply(204)
