"""Download clients, tested against the real or simulated client."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from ..routing import Json
from ..upstream import Answer, address, ask, with_query
from . import wire
from .providers import Document, Failures, Field, Kind, Template

if TYPE_CHECKING:
    from . import Servarr
    from .flavours import Flavour

_HOST = re.compile(r"^[-_a-z0-9.:\[\]]+$", re.IGNORECASE)


def _sabnzbd(flavour: Flavour) -> Template:
    return Template(
        "Sabnzbd",
        (
            Field("host", "Host", default="localhost"),
            Field("port", "Port", default=8080),
            Field("useSsl", "Use SSL", "checkbox", False),
            Field("urlBase", "Url Base"),
            Field("apiKey", "API Key", privacy="apiKey"),
            Field("username", "Username", privacy="userName"),
            Field("password", "Password", "password", privacy="password"),
            Field(
                flavour.category, "Category", default=flavour.category_default
            ),
            *(
                Field(each, each, "select", -100)
                for each in flavour.priority_fields
            ),
        ),
        {"protocol": "usenet"},
    )


def _transmission(flavour: Flavour) -> Template:
    directory = flavour.category.replace("Category", "Directory")
    if flavour.name == "Readarr":
        directory = "tvDirectory"
    return Template(
        "Transmission",
        (
            Field("host", "Host", default="localhost"),
            Field("port", "Port", default=9091),
            Field("useSsl", "Use SSL", "checkbox", False),
            Field("urlBase", "Url Base", default="/transmission/"),
            Field("username", "Username", privacy="userName"),
            Field("password", "Password", "password", privacy="password"),
            Field(flavour.category, "Category"),
            Field(
                "directory" if flavour.category == "category" else directory,
                "Directory",
            ),
            *(
                Field(each, each, "select", 0)
                for each in flavour.priority_fields
            ),
            Field("addPaused", "Add Paused", "checkbox", False),
        ),
        {"protocol": "torrent"},
    )


def kind_for(flavour: Flavour) -> Kind:
    """The download clients of one application."""
    defaults: Document = {"enable": True, "priority": 1}
    if flavour.library:
        defaults["removeCompletedDownloads"] = True
        defaults["removeFailedDownloads"] = True
    else:
        defaults |= {"categories": [], "supportsCategories": True}
    return Kind(
        name="downloadclient",
        templates=(_sabnzbd(flavour), _transmission(flavour)),
        test=_test,
        enabled=lambda body: body.get("enable", True),
        defaults=defaults,
    )


def _test(app: Servarr, template: Template, values: Document) -> Failures:
    if not _HOST.match(str(values["host"] or "")):
        return [wire.provider_failure("Host", "Invalid Host")]
    if template.implementation == "Sabnzbd":
        return _test_sabnzbd(app, values)
    return _test_transmission(app, values)


def _unreachable(name: str, why: object) -> Failures:
    text = f"Unable to connect to {name}"
    return [wire.provider_failure("Host", text, str(why))]


def _sab(values: Document, mode: str, key: bool) -> Answer:
    base = address(
        values["host"],
        values["port"],
        values["urlBase"] or "",
        values["useSsl"],
    )
    arguments = {"mode": mode, "output": "json"}
    if key:
        arguments["apikey"] = values["apiKey"] or ""
    return ask(with_query(f"{base}/api", **arguments))


def _test_sabnzbd(app: Servarr, values: Document) -> Failures:
    try:
        version = _sab(values, "version", False)
        if version.status != 200 or not version.json():
            return _unreachable("SABnzbd", f"HTTP {version.status}")
        found = _sab(values, "get_config", True)
    except OSError as error:
        return _unreachable("SABnzbd", error)
    if found.status == 403:
        missing = "Required" in found.text
        text = f"API Key {'Required' if missing else 'Incorrect'}"
        return [wire.provider_failure("APIKey", text)]
    config: Json = (found.json() or {}).get("config")
    if not config:
        return _unreachable("SABnzbd", found.text[:80])
    return _check_category(app, values, config)


def _check_category(app: Servarr, values: Document, config: Json) -> Failures:
    field = app.flavour.category
    wanted = values[field]
    shown = field[0].upper() + field[1:]
    for each in config.get("categories", []):
        if each["name"] == wanted:
            if str(each.get("dir", "")).endswith("*"):
                text = "Enable Job folders"
                return [wire.provider_failure(shown, text)]
            return []
    if not wanted:
        return []
    return [wire.provider_failure(shown, "Category does not exist")]


def _test_transmission(app: Servarr, values: Document) -> Failures:
    field = app.flavour.category
    category = str(values[field] or "")
    if not re.fullmatch(r"[a-zA-Z-]*", category):
        name = field[0].upper() + field[1:]
        text = "Allowed characters a-z and -"
        return [wire.provider_failure(name, text)]
    base = address(
        values["host"],
        values["port"],
        values["urlBase"] or "",
        values["useSsl"],
    )
    headers: dict[str, str] = {}
    if values["username"] or values["password"]:
        pair = f"{values['username'] or ''}:{values['password'] or ''}"
        code = base64.b64encode(pair.encode()).decode()
        headers["Authorization"] = f"Basic {code}"
    call = {"method": "session-get"}
    try:
        found = ask(f"{base}/rpc", method="POST", headers=headers, body=call)
        if found.status == 409:
            name = "x-transmission-session-id"
            headers[name] = found.headers.get(name, "")
            found = ask(
                f"{base}/rpc", method="POST", headers=headers, body=call
            )
    except OSError as error:
        return _unreachable("Transmission", error)
    if found.status in (401, 403):
        detail = "Please verify your username and password."
        return [
            wire.provider_failure("Username", "Authentication failure", detail)
        ]
    if found.status != 200:
        return _unreachable("Transmission", f"HTTP {found.status}")
    return []
