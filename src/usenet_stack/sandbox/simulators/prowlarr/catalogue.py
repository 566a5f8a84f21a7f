"""The indexers that Prowlarr knows, and how they are tested."""

from __future__ import annotations

from ..servarr import Servarr, wire
from ..servarr.indexers import test_newznab
from ..servarr.providers import Document, Failures, Field, Kind, Template

_LIMITS = (
    Field("baseSettings.queryLimit", "Query Limit", "number"),
    Field("baseSettings.grabLimit", "Grab Limit", "number"),
    Field("baseSettings.limitsUnit", "Limits Unit", "select", 0),
)
_NEWZNAB = (
    Field("baseUrl", "Url"),
    Field("apiPath", "API Path", default="/api"),
    Field("apiKey", "API Key", privacy="apiKey"),
    Field("additionalParameters", "Additional Parameters"),
    Field("vipExpiration", "VIP Expiration", default=""),
    *_LIMITS,
)
_SUPPORTS: Document = {
    "supportsRss": True,
    "supportsSearch": True,
    "supportsRedirect": True,
    "privacy": "private",
    "language": "en-US",
    "indexerUrls": [],
    "legacyUrls": [],
}


def _check(app: Servarr, body: Document) -> Failures:
    found = [
        wire.positive("AppProfileId", body.get("appProfileId")),
    ]
    profile = int(body.get("appProfileId") or 0)
    if found[0] is None and not app.database.find("appprofile", profile):
        text = "App profile does not exist"
        found.append(
            wire.failure(
                "AppProfileId", text, profile, "AppProfileExistsValidator"
            )
        )
    usenet = body.get("implementation") == "Newznab"
    if usenet and not body.get("redirect", True):
        text = "Redirect must be enabled for Usenet indexers"
        found.append(
            wire.failure("Redirect", text, False, "PredicateValidator")
        )
    priority = body.get("priority", 25)
    if not 1 <= priority <= 50:
        text = "'Priority' must be between 1 and 50."
        found.append(
            wire.failure(
                "Priority", text, priority, "InclusiveBetweenValidator"
            )
        )
    return [each for each in found if each is not None]


def _saved(app: Servarr, body: Document) -> None:
    app.commands.push({"name": "ApplicationIndexerSync"})


INDEXERS = Kind(
    name="indexer",
    templates=(
        Template(
            "Newznab",
            _NEWZNAB,
            {"protocol": "usenet", "redirect": True, **_SUPPORTS},
        ),
        Template(
            "Torznab",
            _NEWZNAB,
            {"protocol": "torrent", "redirect": False, **_SUPPORTS},
        ),
    ),
    test=test_newznab,
    enabled=lambda body: bool(body.get("enable")),
    defaults={"enable": True, "priority": 25, "downloadClientId": 0},
    check=_check,
    saved=_saved,
)
