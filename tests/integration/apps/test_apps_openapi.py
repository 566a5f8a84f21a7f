"""Our requests against the applications' OpenAPI documents."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
import yaml
from api_documents import DOCUMENTS, folder

from usenet_stack.apps.http import Http
from usenet_stack.apps.message import Raw, Request
from usenet_stack.apps.prowlarr import Prowlarr
from usenet_stack.apps.seerr import Seerr
from usenet_stack.apps.servarr import Servarr
from usenet_stack.errors import UsenetError

ROOTS = {
    "sonarr": "/api/v3",
    "radarr": "/api/v3",
    "lidarr": "/api/v1",
    "readarr": "/api/v1",
    "prowlarr": "/api/v1",
    "seerr": "/api/v1",
}


class Recorder(Http):
    """Keeps the requests; answers each with JSON that may fit."""

    def __init__(self, service: str) -> None:
        super().__init__(service, ("127.0.0.1", 1))
        self.seen: list[Request] = []
        self.answer: Any = {}

    def exchange(self, request: Request) -> Raw:
        self.seen.append(request)
        return Raw(200, {}, json.dumps(self.answer).encode())


def requests_of(service: str, *calls: Callable[[Any], Any]) -> list[Request]:
    """Return what some calls of a client send, whatever is answered."""
    recorder = Recorder(service)
    kinds = {"seerr": Seerr, "prowlarr": Prowlarr}
    kind: Any = kinds.get(service, Servarr)
    root = () if service == "seerr" else (ROOTS[service],)
    client = kind(recorder, *root)
    page = {"records": [], "totalRecords": 0}
    for call in calls:
        sent = len(recorder.seen)
        for recorder.answer in ([], page):
            with suppress(UsenetError):
                call(client)
        assert len(recorder.seen) > sent
    return recorder.seen


@cache
def documented(service: str) -> dict[tuple[str, str], Any]:
    specs = folder()
    assert specs is not None
    text = (specs / DOCUMENTS[service]).read_text()
    if DOCUMENTS[service].endswith(".json"):
        document = json.loads(text)
    else:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        document = yaml.load(text, loader)
    base = "/api/v1" if service == "seerr" else ""
    return {
        (method.upper(), shape(base + path)): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def shape(path: str) -> str:
    """A path in which every placeholder and number looks the same."""
    parts = path.partition("?")[0].lower().strip("/").split("/")
    return "/".join(
        "{}" if part.startswith("{") or part.isdigit() else part
        for part in parts
    )


def strange(service: str, requests: list[Request]) -> list[str]:
    """Return the requests that the document does not know."""
    known = documented(service)
    found = []
    for request in requests:
        operation = known.get((request.method, shape(request.path)))
        if operation is None:
            found.append(request.label)
            continue
        names = {p.get("name") for p in operation.get("parameters", ())}
        found += [
            f"{request.label}?{name}"
            for name in request.query
            if name not in names
        ]
        if (request.body is not None) != ("requestBody" in operation):
            found.append(f"{request.label}: body")
    return found


COMMON: list[Callable[[Any], Any]] = [
    lambda app: app.status(),
    lambda app: app.version(),
    lambda app: app.health(),
    lambda app: app.figures(),
    lambda app: app.download_clients(),
    lambda app: app.schema("downloadclient"),
    lambda app: app.get("downloadclient", 1),
    lambda app: app.create("downloadclient", {"name": "x"}, forceSave=True),
    lambda app: app.update("downloadclient", {"id": 1}, forceSave=True),
    lambda app: app.delete("downloadclient", 1),
    lambda app: app.list("indexer"),
    lambda app: app.get("config/host"),
    lambda app: app.update("config/host", {"id": 1}),
    lambda app: app.command("ResetApiKey"),
    lambda app: app.get("command", 1),
]
MEDIA: list[Callable[[Any], Any]] = [
    lambda app: app.queue_count(),
    lambda app: app.queue(),
    lambda app: app.root_folders(),
    lambda app: app.add_root_folder("/data/media"),
    lambda app: app.delete_root_folder(1),
]


@pytest.mark.parametrize("service", ["sonarr", "radarr", "lidarr", "readarr"])
def test_requests_of_the_family_are_documented(service: str) -> None:
    requests = requests_of(service, *COMMON, *MEDIA)
    assert strange(service, requests) == []


def test_requests_to_prowlarr_are_documented() -> None:
    requests = requests_of(
        "prowlarr",
        *COMMON,
        lambda app: app.applications(),
        lambda app: app.update("applications", {"id": 1}, forceSave=True),
        lambda app: app.indexers(),
        lambda app: app.sync(),
    )
    assert strange("prowlarr", requests) == []


def test_requests_to_seerr_are_documented() -> None:
    requests = requests_of(
        "seerr",
        lambda app: app.public(),
        lambda app: app.version(),
        lambda app: app.figures(),
        lambda app: app.main_settings(),
        lambda app: app.regenerate_key(),
        *(call for kind in ("radarr", "sonarr") for call in _of_a_server(kind)),
    )
    assert strange("seerr", requests) == []


def _of_a_server(kind: str) -> list[Callable[[Any], Any]]:
    return [
        lambda app: app.servers(kind),
        lambda app: app.add_server(kind, {"name": "x"}),
        lambda app: app.update_server(kind, {"id": 1, "name": "x"}),
        lambda app: app.delete_server(kind, 1),
        lambda app: app.test_server(kind, {"name": "x"}),
    ]


def test_the_comparison_can_fail() -> None:
    wrong = [Request("GET", "/api/v3/nothing"), Request("PUT", "/api/v3/tag")]
    wrong.append(Request("GET", "/api/v3/queue", {"nothing": 1}))
    assert len(strange("sonarr", wrong)) == 3
