"""Sonarr and Radarr as Seerr keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..routing import Json, Refusal, Reply, Request, Routes, json_reply
from ..upstream import address, ask, with_query
from .wire import fail

if TYPE_CHECKING:
    from . import Seerr

ROUTES: Routes[Seerr] = Routes()


@ROUTES.on("POST", "/settings/{kind}/test")
def test_server(app: Seerr, request: Request) -> Reply:
    kind = _kind(request)
    body = request.json()
    root = address(
        body.get("hostname"),
        body.get("port"),
        body.get("baseUrl") or "",
        body.get("useSsl"),
    )
    key = body.get("apiKey") or ""
    answers: list[Json] = []
    for path in ("system/status", "qualityProfile", "rootfolder", "tag"):
        try:
            url = with_query(f"{root}/api/v3/{path}", apikey=key)
            found = ask(url)
        except OSError as error:
            raise fail(500, f"Failed to connect to {kind}") from error
        if found.status != 200:
            raise fail(500, f"Failed to connect to {kind}")
        answers.append(found.json())
    status, profiles, folders, tags = answers
    return json_reply(
        {
            "profiles": profiles,
            "rootFolders": [
                {"id": each["id"], "path": each["path"]} for each in folders
            ],
            "tags": tags,
            "urlBase": status.get("urlBase") or "",
        }
    )


def _kind(request: Request) -> str:
    kind = request.values["kind"]
    if kind not in ("radarr", "sonarr"):
        raise Refusal(json_reply({"message": "not found"}, 404))
    return kind.title()


def _servers(app: Seerr, request: Request) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = app.settings[_kind(request).lower()]
    return found


@ROUTES.on("GET", "/settings/{kind}")
def list_servers(app: Seerr, request: Request) -> Reply:
    return json_reply(_servers(app, request))


@ROUTES.on("POST", "/settings/{kind}")
def add_server(app: Seerr, request: Request) -> Reply:
    """Nothing is checked; the first id is 0."""
    servers = _servers(app, request)
    number = max((each["id"] for each in servers), default=-1) + 1
    server = {**request.json(), "id": number}
    servers.append(server)
    app.save()
    return json_reply(server, 201)


@ROUTES.on("PUT DELETE", "/settings/{kind}/{id:int}")
def change_server(app: Seerr, request: Request) -> Reply:
    servers = _servers(app, request)
    for place, each in enumerate(servers):
        if each["id"] == request.number:
            if request.method == "DELETE":
                gone = servers.pop(place)
                app.save()
                return json_reply(gone)
            servers[place] = {**request.json(), "id": request.number}
            app.save()
            return json_reply(servers[place])
    raise Refusal(json_reply({"message": "Server not found"}, 404))
