"""The simulators against the applications' OpenAPI documents."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_documents import DOCUMENTS, folder
from jsonschema import Draft202012Validator
from simulator_process import Simulator, eventually
from test_simulators_family_links import sab_client
from test_simulators_media import finish_wizard, seerr_key, token

from conftest import KEY, Simulate
from usenet_stack.sandbox.simulators.place import Place
from usenet_stack.sandbox.simulators.registry import create

FAMILY = [name for name in DOCUMENTS if name != "seerr"]
# Newer than the documents, or outside of what they describe.
UNDOCUMENTED = {("GET", "/initialize.json")}
NEWER_FIELDS = {"HostConfigResource": ("allowedHosts", "trustedNetworks")}


@cache
def document(service: str) -> Any:
    specs = folder()
    assert specs is not None
    text = (specs / DOCUMENTS[service]).read_text()
    if DOCUMENTS[service].endswith(".json"):
        return json.loads(text)
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def shape(path: str) -> str:
    """A path in which every placeholder looks the same."""
    parts = path.lower().strip("/").split("/")
    return "/".join("{}" if part.startswith("{") else part for part in parts)


@cache
def documented(service: str) -> dict[tuple[str, str], Any]:
    base = "/api/v1" if service == "seerr" else ""
    return {
        (method.upper(), shape(base + path)): operation
        for path, operations in document(service)["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "delete", "head")
    }


def implemented(service: str) -> Iterator[tuple[str, str]]:
    app = create(service, Place({}, Path("/nonexistent")))
    for route in app.router.routes:
        if (route.method, route.pattern) not in UNDOCUMENTED:
            yield route.method, route.public_pattern


def spread(pattern: str) -> list[str]:
    """What the placeholder {kind} of Seerr stands for."""
    if "{kind}" not in pattern:
        return [pattern]
    return [pattern.replace("{kind}", each) for each in ("radarr", "sonarr")]


@pytest.mark.parametrize("service", DOCUMENTS)
def test_every_route_is_documented(service: str) -> None:
    known = documented(service)
    strange = [
        (method, each)
        for method, pattern in implemented(service)
        for each in spread(pattern)
        if each != "/" and (method, shape(each)) not in known
    ]
    assert strange == []


def converted(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema: nullable becomes a type."""
    if isinstance(schema, list):
        return [converted(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: converted(value) for key, value in schema.items()}
    if result.pop("nullable", False) is True and "type" in result:
        result["type"] = [result["type"], "null"]
    return result


@cache
def components(service: str) -> Any:
    found = converted(document(service)["components"]["schemas"])
    for name, fields in NEWER_FIELDS.items():
        for field in fields:
            if name in found:
                found[name]["properties"][field] = {"type": "string"}
    if service != "seerr":
        # The documents describe .NET classes here, not what is sent.
        for name in ("HttpUri", "TimeSpan", "Version"):
            found[name] = {"type": "string"}
        found["Command"]["additionalProperties"] = True
    return found


def problems(service: str, method: str, path: str, body: Any) -> list[str]:
    operation = documented(service)[(method, shape(path))]
    successes = [
        answer
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    ]
    content = successes[0].get("content", {})
    schemas = [
        entry["schema"] for kind, entry in content.items() if "json" in kind
    ]
    if not schemas:
        return []
    schema = {
        **converted(schemas[0]),
        "components": {"schemas": components(service)},
    }
    return [
        f"{method} {path}: {error.json_path} {error.message[:200]}"
        for error in Draft202012Validator(schema).iter_errors(body)
    ]


class Checked:
    """Asks a simulator and holds each answer against the document."""

    def __init__(self, app: Simulator) -> None:
        self.app = app
        self.problems: list[str] = []
        self.asked: set[tuple[str, str]] = set()

    def __call__(
        self, method: str, path: str, body: Any = None, pattern: str = ""
    ) -> Any:
        found = self.app.ask(method, path, body)
        assert found.status < 300, (method, path, found.text)
        described = pattern or path.partition("?")[0]
        self.asked.add((method, shape(described)))
        if not found.body:
            return None
        self.problems += problems(
            self.app.service, method, described, found.json()
        )
        return found.json()


def fill(ask: Checked, root: str, sab: Simulator) -> None:
    """Make one of everything, checking each answer."""
    ask("POST", f"{root}/tag", {"label": "one"})
    ask("GET", f"{root}/tag/1", pattern=f"{root}/tag/{{id}}")
    command = ask("POST", f"{root}/command", {"name": "Backup"})
    where = f"{root}/command/{command['id']}"
    eventually(lambda: "ended" in ask.app.get(where).json())
    ask("GET", where, pattern=f"{root}/command/{{id}}")
    client = ask(
        "POST",
        f"{root}/downloadclient",
        sab_client(sab, musicCategory="tv", category="tv"),
    )
    one = f"{root}/downloadclient/{{id}}"
    ask("PUT", one.format(id=client["id"]), client, one)
    ask("GET", one.format(id=client["id"]), pattern=one)
    host = ask("GET", f"{root}/config/host")
    ask("PUT", f"{root}/config/host/1", host, f"{root}/config/host/{{id}}")


def fill_media(ask: Checked, root: str) -> None:
    """A root folder, an item and a file of it."""
    app = ask.app
    made = create(app.service, Place({}, Path("/nonexistent")))
    words: Any = made.library  # type: ignore[attr-defined,unused-ignore]
    app.folder("/data/media/Thing")
    folder: dict[str, Any] = {"path": "/data/media", "name": "X"}
    folder |= {"defaultMetadataProfileId": 1, "defaultQualityProfileId": 1}
    ask("POST", f"{root}/rootfolder", folder)
    ask("GET", f"{root}/rootfolder/1", pattern=f"{root}/rootfolder/{{id}}")
    (item,) = ask("GET", f"{root}/{words.items}/lookup?term=thing")
    item |= {"rootFolderPath": "/data/media", "qualityProfileId": 1}
    item |= {"path": "/data/media/Thing"}
    app.path("/data/media/Thing/a.mkv").touch()
    stored = ask("POST", f"{root}/{words.items}", item)
    files = f"{root}/{words.files}?{words.owner}={stored['id']}"
    assert eventually(lambda: app.get(files).json())
    one = f"{root}/{words.items}/{{id}}"
    ask("PUT", one.format(id=stored["id"]), stored, one)
    ask("GET", one.format(id=stored["id"]), pattern=one)
    ask("GET", files)
    mapping = {"host": "h", "remotePath": "/x", "localPath": "/data/media"}
    ask("POST", f"{root}/remotepathmapping", mapping)
    queued = {
        "title": "Release",
        "size": 7.0,
        "sizeleft": 3.0,
        "status": "downloading",
        "trackedDownloadStatus": "ok",
        "trackedDownloadState": "downloading",
        "protocol": "usenet",
        "downloadClient": "SABnzbd",
        words.owner: stored["id"],
    }
    seed = app.path("/config/.simulator-seed.json")
    seed.write_text(json.dumps({"queue": [queued]}))


def fill_prowlarr(ask: Checked, root: str, sonarr: Simulator) -> None:
    """An indexer, its application, and a failure."""
    app = ask.app
    values = {"baseUrl": f"{app.url}/0", "apiKey": KEY}
    indexer = ask(
        "POST",
        f"{root}/indexer",
        {
            "name": "Somewhere",
            "enable": True,
            "appProfileId": 1,
            "implementation": "Newznab",
            "configContract": "NewznabSettings",
            "fields": [{"name": n, "value": v} for n, v in values.items()],
        },
    )
    values = {"prowlarrUrl": app.url, "baseUrl": sonarr.url, "apiKey": KEY}
    ask(
        "POST",
        f"{root}/applications",
        {
            "name": "Sonarr",
            "syncLevel": "fullSync",
            "implementation": "Sonarr",
            "configContract": "SonarrSettings",
            "fields": [{"name": n, "value": v} for n, v in values.items()],
        },
    )
    failing = {
        "indexerId": indexer["id"],
        "disabledTill": "2030-01-01T00:00:00Z",
    }
    seed = app.path("/config/.simulator-seed.json")
    seed.write_text(json.dumps({"indexerstatus": [failing]}))


@pytest.mark.parametrize("service", FAMILY)
def test_answers_of_the_family_fit(
    service: str, servarr: Simulate, simulate: Simulate
) -> None:
    app, sab = servarr(service), simulate("sabnzbd")
    ask = Checked(app)
    root = "/api/v3" if service in ("sonarr", "radarr") else "/api/v1"
    fill(ask, root, sab)
    if service == "prowlarr":
        fill_prowlarr(ask, root, servarr("sonarr"))
    else:
        fill_media(ask, root)
    for method, pattern in implemented(service):
        plain = pattern.startswith(root) and "{" not in pattern
        new = (method, shape(pattern)) not in ask.asked
        if method == "GET" and plain and new:
            ask("GET", pattern)
    assert not ask.problems, "\n".join(ask.problems)


def test_answers_of_seerr_fit(simulate: Simulate, servarr: Simulate) -> None:
    service = "seerr"
    jellyfin, app, radarr = (
        simulate("jellyfin"),
        simulate(service),
        servarr("radarr"),
    )
    jellyfin.headers = token(finish_wizard(jellyfin))
    ask = Checked(app)
    root = "/api/v1"
    login = {"username": "admin", "password": "secret"}
    login |= {"hostname": "127.0.0.1", "port": jellyfin.port}  # type: ignore[dict-item]
    ask("POST", f"{root}/auth/jellyfin", login)
    app.headers = seerr_key(app)
    server = {
        "name": "Radarr",
        "hostname": "127.0.0.1",
        "port": radarr.port,
        "apiKey": KEY,
        "useSsl": False,
        "activeProfileId": 1,
        "activeProfileName": "Any",
        "activeDirectory": "/data/media/movies",
        "is4k": False,
        "minimumAvailability": "released",
        "isDefault": True,
    }
    ask("POST", f"{root}/settings/radarr/test", server)
    made = ask("POST", f"{root}/settings/radarr", server)
    ask(
        "PUT",
        f"{root}/settings/radarr/{made['id']}",
        made,
        f"{root}/settings/radarr/{{radarrId}}",
    )
    ask("POST", f"{root}/settings/initialize")
    ask("POST", f"{root}/settings/jellyfin/sync", {"start": True})
    for method, pattern in implemented(service):
        for path in spread(pattern):
            if method == "GET" and path.startswith(root) and "{" not in path:
                ask("GET", path)
    assert not ask.problems, "\n".join(ask.problems)
