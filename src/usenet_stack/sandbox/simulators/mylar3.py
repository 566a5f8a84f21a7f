"""Mylar3: one endpoint that always answers 200."""

from __future__ import annotations

import configparser
import secrets
from collections.abc import Callable, Iterable

from .application import Application, page
from .databases import DatabaseFile
from .place import Place
from .routing import Json, Reply, Request, Route, json_reply

Command = Callable[["Mylar", Request], Json]
_FIRST = {
    "General": {"config_version": "14"},
    "Interface": {
        "http_port": "8090",
        "http_host": "0.0.0.0",
        "http_username": "None",
        "http_password": "None",
        "authentication": "0",
    },
    "API": {"api_enabled": "False", "api_key": "None"},
    "CV": {"comicvine_api": "None"},
    "SABnzbd": {
        "sab_host": "None",
        "sab_apikey": "None",
        "sab_category": "None",
    },
    "Newznab": {"extra_newznabs": ""},
    "Torznab": {"extra_torznabs": ""},
}


class Mylar(Application):
    """config.ini, mylar.db, and providers that Prowlarr manages."""

    port = 8090
    folders = ("/config", "/config/mylar", "/config/mylar/cache")
    database_files = (DatabaseFile("/config/mylar/mylar.db", journal="delete"),)

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.settings = configparser.ConfigParser(interpolation=None)
        self._file = place.path("/config/mylar/config.ini")

    def start(self) -> None:
        """Read config.ini; a fresh one has the API switched off."""
        super().start()
        self.settings.read_dict(_FIRST)
        self.settings.read(self._file)
        self.save()

    def stop(self) -> None:
        """Write config.ini, as the application does at its end."""
        self.save()
        super().stop()

    def save(self) -> None:
        """Write config.ini."""
        draft = self._file.with_suffix(".tmp")
        draft.touch(0o600)
        with draft.open("w") as stream:
            self.settings.write(stream)
        draft.replace(self._file)

    def routes(self) -> Iterable[Route[Mylar]]:
        """The API and the interface."""
        yield Route("GET", "/api", _api)
        yield Route("POST", "/api", _api)
        yield Route("GET", "/", _interface)

    def refusal(self, key: str) -> str:
        """Why a key is not accepted, or an empty text."""
        api = self.settings["API"]
        if api.get("api_enabled", "").lower() not in ("true", "1"):
            return "API not enabled"
        if len(api.get("api_key", "")) != 32:
            return "API key not generated correctly"
        if not key:
            return "Missing API key"
        right = secrets.compare_digest(key.encode(), api["api_key"].encode())
        return "" if right else "Incorrect API key"


def _interface(app: Mylar, request: Request) -> Reply:
    return page("Mylar")


def _error(code: int, message: str) -> Reply:
    error = {"code": code, "message": message}
    return json_reply({"success": False, "error": error})


def _api(app: Mylar, request: Request) -> Reply:
    command = request.argument("cmd")
    if command == "getAPI":
        return _give_key(app, request)
    refusal = app.refusal(request.argument("apikey"))
    if refusal:
        return _error(460, refusal)
    if command == "getWanted":
        return json_reply({"issues": app.database.all("wanted")})
    found = _COMMANDS.get(command)
    if found is None:
        text = (
            f"Unknown command: {command}"
            if command
            else "Missing parameter: cmd"
        )
        return _error(460, text)
    return json_reply({"success": True, "data": found(app, request)})


def _give_key(app: Mylar, request: Request) -> Reply:
    interface = app.settings["Interface"]
    for name in ("username", "password"):
        if request.argument(name) != interface[f"http_{name}"]:
            return _error(460, "Incorrect username or password.")
    key = app.settings["API"]["api_key"]
    return json_reply({"success": True, "data": {"apikey": key}})


def _version(app: Mylar, request: Request) -> Json:
    return {
        "current_version": "0.9.0",
        "latest_version": "0.9.0",
        "commits_behind": 0,
        "install_type": "docker",
        "current_branch": "sandbox",
    }


def _index(app: Mylar, request: Request) -> Json:
    return app.database.all("comic")


def _providers(app: Mylar, request: Request) -> Json:
    found = app.database.all("provider")
    return {
        f"{kind}s": [each for each in found if each["Type"] == kind]
        for kind in ("newznab", "torznab")
    }


def _add_provider(app: Mylar, request: Request) -> Json:
    app.database.add(
        "provider",
        {
            "Name": request.argument("name"),
            "Host": request.argument("host"),
            "Apikey": request.argument("prov_apikey"),
            "Categories": request.argument("categories"),
            "Enabled": request.argument("enabled") or "true",
            "Type": request.argument("providertype") or "newznab",
        },
    )
    return {"Message": "Successfully added provider"}


def _named(app: Mylar, request: Request) -> list[dict[str, Json]]:
    name = request.argument("name")
    found = app.database.all("provider")
    return [each for each in found if each["Name"] == name]


def _change_provider(app: Mylar, request: Request) -> Json:
    for each in _named(app, request):
        for argument, field in (
            ("altername", "Name"),
            ("host", "Host"),
            ("prov_apikey", "Apikey"),
            ("categories", "Categories"),
            ("enabled", "Enabled"),
        ):
            if request.has_argument(argument):
                each[field] = request.argument(argument)
        app.database.put("provider", each)
    return {"Message": "Successfully changed provider"}


def _delete_provider(app: Mylar, request: Request) -> Json:
    for each in _named(app, request):
        app.database.delete("provider", each["id"])
    return {"Message": "Successfully removed provider"}


_COMMANDS: dict[str, Command] = {
    "getVersion": _version,
    "getIndex": _index,
    "listProviders": _providers,
    "addProvider": _add_provider,
    "changeProvider": _change_provider,
    "delProvider": _delete_provider,
}
