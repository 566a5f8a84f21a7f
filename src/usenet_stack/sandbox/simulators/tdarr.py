"""Tdarr: status, statistics and nodes; a key only with `auth=true`."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .application import Application, page
from .databases import DatabaseFile
from .place import Place
from .privileges import NODE
from .routing import Json, Reply, Request, Route, Routes, json_reply

ROUTES: Routes[Tdarr] = Routes()
VERSION = "2.45.01"


class Tdarr(Application):
    """Server on 8266, user interface on 8265."""

    port = 8266
    more_ports = (8265,)
    config = "/app/server"
    folders = ("/app/server", "/app/server/Tdarr/DB2/SQL", "/app/configs",
               "/app/logs", "/temp")  # fmt: skip
    user = NODE
    umask = "002"
    database_files = (DatabaseFile("/app/server/Tdarr/DB2/SQL/database.db"),)

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.port = int(place.env("serverPort", "8266"))
        self.more_ports = (int(place.env("webUIPort", "8265")),)

    def start(self) -> None:
        """Open the database and write the server's settings."""
        super().start()
        path = self.place.path("/app/configs/Tdarr_Server_Config.json")
        settings = {
            "serverIP": self.place.env("serverIP", "0.0.0.0"),
            "serverPort": str(self.port),
            "webUIPort": str(self.more_ports[0]) if self.more_ports else "",
            "auth": self.locked,
        }
        path.write_text(json.dumps(settings, indent=2))

    @property
    def locked(self) -> bool:
        """Whether a key is needed."""
        return self.place.env("auth").lower() == "true"

    def routes(self) -> Iterable[Route[Tdarr]]:
        """The API and the interface."""
        yield from ROUTES.under("/api/v2")
        yield Route("GET", "/", lambda app, request: page("Tdarr"))

    def gate(self, request: Request) -> Reply | None:
        """401 without the seeded key, when keys are on."""
        if not self.locked or not request.path.startswith("/api/"):
            return None
        key = self.place.env("seededApiKey")
        if key and request.headers.get("x-api-key") == key:
            return None
        return json_reply({"error": "Unauthorized"}, 401)


@ROUTES.on("GET", "/status")
def status(app: Tdarr, request: Request) -> Reply:
    return json_reply(
        {
            "status": "good",
            "isProduction": True,
            "os": "linux",
            "version": VERSION,
            "uptime": 1,
        }
    )


@ROUTES.on("GET", "/get-nodes")
def nodes(app: Tdarr, request: Request) -> Reply:
    name = app.place.env("nodeName", "MyInternalNode")
    if app.place.env("internalNode", "true").lower() != "true":
        return json_reply({})
    node = {"_id": "sandbox", "nodeName": name, "nodePaused": False}
    return json_reply({"sandbox": {**node, "workers": {}}})


@ROUTES.on("POST", "/cruddb")
def documents(app: Tdarr, request: Request) -> Reply:
    """Documents of a collection, addressed by name."""
    asked = request.json()["data"]
    name = f"{asked['collection']}:{asked.get('docID', '')}"
    mode = asked.get("mode")
    stored = app.database.setting(name)
    if mode in ("insert", "update"):
        app.database.set(name, {**(stored or {}), **asked.get("obj", {})})
        return json_reply(None)
    if mode == "getById":
        return json_reply(
            _statistics(stored) if _asks_figures(asked) else stored
        )
    return json_reply([] if stored is None else [stored])


def _asks_figures(asked: Json) -> bool:
    return bool(asked["collection"] == "StatisticsJSONDB")


def _statistics(stored: Json) -> dict[str, Json]:
    counts = {f"table{number}Count": 0 for number in range(7)}
    figures = {"totalFileCount": 0, "totalTranscodeCount": 0, "sizeDiff": 0.0}
    return {"_id": "statistics", **counts, **figures, **(stored or {})}
