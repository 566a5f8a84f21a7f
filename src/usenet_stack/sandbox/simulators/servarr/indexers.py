"""Indexers of the media applications, and notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..upstream import ask, with_query
from . import wire
from .providers import Document, Failures, Field, Kind, Template

if TYPE_CHECKING:
    from . import Servarr

_SETTINGS = (
    Field("baseUrl", "URL"),
    Field("apiPath", "API Path", default="/api"),
    Field("apiKey", "API Key", privacy="apiKey"),
    Field("categories", "Categories", "select", []),
    Field("animeCategories", "Anime Categories", "select", []),
    Field("additionalParameters", "Additional Parameters"),
)
_TORRENT = (
    *_SETTINGS,
    Field("minimumSeeders", "Minimum Seeders", "number", 1),
    Field("seedCriteria.seedRatio", "Seed Ratio"),
    Field(
        "rejectBlocklistedTorrentHashesWhileGrabbing",
        "Reject",
        "checkbox",
        False,
    ),
)
_SUPPORTS = {"supportsRss": True, "supportsSearch": True}


def test_newznab(
    app: Servarr, template: Template, values: Document
) -> Failures:
    """Ask the indexer for its capabilities and one search."""
    base = str(values["baseUrl"] or "").rstrip("/")
    path = str(values.get("apiPath") or "/api")
    if not base:
        return [
            wire.provider_failure("BaseUrl", "'Base Url' must not be empty.")
        ]
    key = values.get("apiKey") or ""
    for what in ("caps", "search"):
        try:
            found = ask(with_query(base + path, t=what, apikey=key))
        except OSError as error:
            text = "Unable to connect to indexer, check the log for details"
            return [wire.provider_failure("", text, str(error))]
        if found.status in (401, 403) or 'code="100"' in found.text:
            return [wire.provider_failure("ApiKey", "Invalid API Key")]
        if found.status != 200 or "<" not in found.text:
            text = f"Unable to connect to indexer: HTTP {found.status}"
            return [wire.provider_failure("", text)]
    return []


def _enabled(body: Document) -> bool:
    names = ("enableRss", "enableAutomaticSearch", "enableInteractiveSearch")
    return any(body.get(each) for each in names)


INDEXERS = Kind(
    name="indexer",
    templates=(
        Template("Newznab", _SETTINGS, {"protocol": "usenet", **_SUPPORTS}),
        Template("Torznab", _TORRENT, {"protocol": "torrent", **_SUPPORTS}),
    ),
    test=test_newznab,
    enabled=_enabled,
    defaults={
        "enableRss": True,
        "enableAutomaticSearch": True,
        "enableInteractiveSearch": True,
        "priority": 25,
        "downloadClientId": 0,
    },
)


def _test_webhook(
    app: Servarr, template: Template, values: Document
) -> Failures:
    call = {"eventType": "Test", "instanceName": app.flavour.name}
    try:
        found = ask(str(values["url"] or ""), method="POST", body=call)
    except OSError as error:
        text = "Unable to send test message"
        return [wire.provider_failure("Url", text, str(error))]
    if found.status >= 400:
        text = f"Unable to post to webhook: HTTP {found.status}"
        return [wire.provider_failure("Url", text)]
    return []


NOTIFICATIONS = Kind(
    name="notification",
    templates=(
        Template(
            "Webhook",
            (
                Field("url", "Webhook URL", "url"),
                Field("method", "Method", "select", 1),
                Field("username", "Username", privacy="userName"),
                Field("password", "Password", "password", privacy="password"),
            ),
        ),
    ),
    test=_test_webhook,
    bulk=False,
    enabled=lambda body: any(
        value is True for name, value in body.items() if name.startswith("on")
    ),
)
