"""Prowlarr: indexers, and the applications that they are synced into."""

from __future__ import annotations

from collections.abc import Iterable

from ..place import Place
from ..routing import Json, Reply, Request, Route, Routes
from ..servarr import Servarr, downloadclients, providers, wire
from ..servarr.commands import Work
from ..servarr.indexers import NOTIFICATIONS
from . import applications, catalogue, newznab

ROUTES: Routes[Servarr] = Routes()
_PROFILE = {
    "name": "Standard",
    "enableRss": True,
    "enableAutomaticSearch": True,
    "enableInteractiveSearch": True,
    "minimumSeeders": 1,
}


class Prowlarr(Servarr):
    """The member of the family that manages no media."""

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.folders = ("/config", "/config/Definitions/Custom")

    def start(self) -> None:
        """Start, and make sure that a first profile exists."""
        super().start()
        if not self.database.all("appprofile"):
            self.database.add("appprofile", dict(_PROFILE))

    def provider_kinds(self) -> Iterable[providers.Kind]:
        """Applications come on top; indexers differ."""
        return (
            catalogue.INDEXERS,
            applications.APPLICATIONS,
            downloadclients.kind_for(self.flavour),
            NOTIFICATIONS,
        )

    def known_commands(self) -> dict[str, Work]:
        """The family's commands and the sync."""
        return {
            **super().known_commands(),
            "ApplicationIndexerSync": applications.sync_all,
        }

    def own_api(self, path: str) -> bool:
        """The Newznab endpoint needs the key as well."""
        first, _, rest = path.strip("/").partition("/")
        return first.isdecimal() and rest in ("api", "download")

    def routes(self) -> Iterable[Route[Servarr]]:
        """The family's routes and Prowlarr's own."""
        yield from super().routes()
        yield from ROUTES.under("/api/v1")
        yield from newznab.ROUTES.under()

    def reset_api_key(self) -> None:
        """A new key is sent to every application at once."""
        super().reset_api_key()
        self.commands.push(
            {"name": "ApplicationIndexerSync", "forceSync": True}
        )


@ROUTES.on("GET", "/appprofile")
def list_profiles(app: Servarr, request: Request) -> Reply:
    return wire.reply(app.database.all("appprofile"))


@ROUTES.on("GET", "/indexerstatus")
def statuses(app: Servarr, request: Request) -> Reply:
    return wire.reply(app.database.all("indexerstatus"))


@ROUTES.on("GET", "/indexerstats")
def statistics(app: Servarr, request: Request) -> Reply:
    counters = (
        "averageResponseTime",
        "averageGrabResponseTime",
        "numberOfQueries",
        "numberOfGrabs",
        "numberOfRssQueries",
        "numberOfAuthQueries",
        "numberOfFailedQueries",
        "numberOfFailedGrabs",
        "numberOfFailedRssQueries",
        "numberOfFailedAuthQueries",
    )
    rows: list[dict[str, Json]] = []
    for each in app.database.all("indexer"):
        counted = app.database.setting(f"stats:{each['id']}", {})
        rows.append(
            {
                "indexerId": each["id"],
                "indexerName": each["name"],
                **dict.fromkeys(counters, 0),
                **counted,
            }
        )
    return wire.reply({"indexers": rows, "userAgents": [], "hosts": []})
