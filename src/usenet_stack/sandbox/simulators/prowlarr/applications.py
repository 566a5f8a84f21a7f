"""Applications: tested in both directions, synced in the background."""

from __future__ import annotations

from ..routing import Json
from ..servarr import Servarr, wire
from ..servarr.providers import Document, Failures, Field, Kind, Template
from ..upstream import Answer, ask, with_query

_CATEGORIES = {
    "Sonarr": [5000, 5010, 5020, 5030, 5040, 5045, 5050, 5090],
    "Radarr": [2000, 2010, 2020, 2030, 2040, 2045, 2050, 2060, 2070, 2080,
               2090],
    "Lidarr": [3000, 3010, 3030, 3040, 3050, 3060],
    "Readarr": [3030, 7000, 7010, 7020, 7030, 7040, 7050, 7060],
    "Mylar": [7030],
}  # fmt: skip
_PORTS = {
    "Sonarr": 8989,
    "Radarr": 7878,
    "Lidarr": 8686,
    "Readarr": 8787,
    "Mylar": 8090,
}
_OLDEST = {"Sonarr": "3.0.5", "Lidarr": "1.0.2", "Radarr": "3.1.1"}


def _template(name: str) -> Template:
    anime = (
        Field("animeSyncCategories", "Anime", "select", [5070]),
        Field("syncAnimeStandardFormatSearch", "Anime", "checkbox", True),
    )
    return Template(
        name,
        (
            Field("prowlarrUrl", "Prowlarr", default="http://localhost:9696"),
            Field(
                "baseUrl", "Server", default=f"http://localhost:{_PORTS[name]}"
            ),
            Field("apiKey", "API Key", privacy="apiKey"),
            Field("syncCategories", "Sync", "select", _CATEGORIES[name]),
            *(anime if name == "Sonarr" else ()),
        ),
    )


def _root(template: Template, values: Document) -> str:
    version = "v3" if template.implementation in ("Sonarr", "Radarr") else "v1"
    return f"{str(values['baseUrl'] or '').rstrip('/')}/api/{version}"


def _key(values: Document) -> dict[str, str]:
    return {"X-Api-Key": str(values["apiKey"] or "")}


def _test(app: Servarr, template: Template, values: Document) -> Failures:
    if template.implementation == "Mylar":
        return _test_mylar(values)
    name = template.implementation
    root, headers = _root(template, values), _key(values)
    try:
        schema = ask(f"{root}/indexer/schema", headers=headers)
        if schema.status != 200:
            return _refused(name, schema)
        found = ask(
            f"{root}/indexer/test",
            method="POST",
            headers=headers,
            body=_indexer(app, values, {"id": 0, "name": "Test"}),
        )
    except OSError as error:
        text = f"Unable to complete application test, cannot connect to {name}"
        return [wire.provider_failure("BaseUrl", text, str(error))]
    if found.status != 200:
        return _refused(name, found)
    version = found.headers.get("x-application-version", "")
    if _older(version, _OLDEST.get(name, "0")):
        text = f"{name} version should be at least {_OLDEST[name]}"
        return [wire.provider_failure("", f"{text}. Version is {version}")]
    return []


def _older(version: str, limit: str) -> bool:
    def parts(text: str) -> list[int]:
        return [int(each) for each in text.split(".") if each.isdecimal()]

    return parts(version) < parts(limit)


def _refused(name: str, found: Answer) -> Failures:
    if found.status == 401:
        return [wire.provider_failure("ApiKey", "API Key is invalid")]
    if found.status == 400:
        text = f"Prowlarr URL is invalid, {name} cannot connect to Prowlarr"
        return [wire.provider_failure("ProwlarrUrl", text)]
    if found.status in (303, 307):
        text = f"{name} URL is invalid, it misses a URL base"
    elif found.status == 404:
        text = f"{name} URL is invalid, {name} was not found there"
    else:
        text = "Unable to complete application test"
    return [wire.provider_failure("BaseUrl", text, f"HTTP {found.status}")]


def _test_mylar(values: Document) -> Failures:
    base = f"{str(values['baseUrl'] or '').rstrip('/')}/api"
    try:
        for command in ("getVersion", "listProviders"):
            found = ask(
                with_query(base, cmd=command, apikey=values["apiKey"] or "")
            )
            if not (found.json() or {}).get("success"):
                return [wire.provider_failure("ApiKey", "API Key is invalid")]
    except OSError as error:
        text = "Unable to complete application test, cannot connect to Mylar"
        return [wire.provider_failure("BaseUrl", text, str(error))]
    return []


def _indexer(app: Servarr, values: Document, indexer: Document) -> Document:
    torrent = indexer.get("protocol") == "torrent"
    kind = "Torznab" if torrent else "Newznab"
    base = str(values["prowlarrUrl"] or "").rstrip("/")
    settings = {
        "baseUrl": f"{base}/{indexer['id']}/",
        "apiPath": "/api",
        "apiKey": app.configuration.get("ApiKey"),
        "categories": values["syncCategories"],
        "animeCategories": values.get("animeSyncCategories", []),
    }
    return {
        "name": f"{indexer['name']} (Prowlarr)",
        "implementation": kind,
        "implementationName": kind,
        "configContract": f"{kind}Settings",
        "enableRss": True,
        "enableAutomaticSearch": True,
        "enableInteractiveSearch": True,
        "priority": indexer.get("priority", 25),
        "fields": [{"name": n, "value": v} for n, v in settings.items()],
    }


def sync_all(app: Servarr, content: Document) -> str:
    """Put every indexer into every application that wants them."""
    for application in app.database.all("applications"):
        if application.get("syncLevel") == "disabled":
            continue
        template = APPLICATIONS.template(application)
        if template is None or template.implementation == "Mylar":
            continue
        try:
            _sync(app, application, template)
        except OSError:
            continue  # an application that is away is synced next time
    return "Completed"


def _sync(app: Servarr, application: Document, template: Template) -> None:
    values = template.values(application)
    root, headers = _root(template, values), _key(values)
    found = ask(f"{root}/indexer", headers=headers)
    if found.status != 200:
        return
    there: dict[str, Json] = {each["name"]: each for each in found.json()}
    full = application.get("syncLevel") == "fullSync"
    for indexer in app.database.all("indexer"):
        if not indexer.get("enable"):
            continue
        wanted = _indexer(app, values, indexer)
        present = there.get(wanted["name"])
        if present is None:
            sent = ask(
                f"{root}/indexer", method="POST", headers=headers, body=wanted
            )
            if sent.status == 400:
                url = f"{root}/indexer?forceSave=true"
                ask(url, method="POST", headers=headers, body=wanted)
        elif full:
            url = f"{root}/indexer/{present['id']}?forceSave=true"
            body = {**present, **wanted}
            ask(url, method="PUT", headers=headers, body=body)


def _saved(app: Servarr, body: Document) -> None:
    app.commands.push({"name": "ApplicationIndexerSync"})


APPLICATIONS = Kind(
    name="applications",
    templates=tuple(_template(name) for name in _PORTS),
    test=_test,
    enabled=lambda body: body.get("syncLevel") != "disabled",
    defaults={"syncLevel": "fullSync"},
    saved=_saved,
)
