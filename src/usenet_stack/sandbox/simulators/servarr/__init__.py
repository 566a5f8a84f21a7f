"""Sonarr, Radarr, Lidarr and Readarr, and what Prowlarr shares with them."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Iterable

from ..application import Application, page
from ..databases import DatabaseFile
from ..place import Place
from ..routing import Json, Reply, Request, Route, Routes
from . import (
    access,
    backups,
    commands,
    disks,
    downloadclients,
    files,
    indexers,
    library,
    providers,
    rootfolders,
    settings,
    system,
    wire,
)
from .configuration import Configuration
from .flavours import FLAVOURS, Flavour, Library

INTERFACE: Routes[Servarr] = Routes()
_NOTHING = ("CheckHealth", "Housekeeping", "MessagingCleanup", "ClearLog")
_MEDIA_ONLY = (
    "RssSync",
    "BulkRefreshArtist",
    "BulkMoveSeries",
    "RenameFiles",
    "RenameSeries",
    "DownloadedEpisodesScan",
    "DownloadedMoviesScan",
    "MoviesSearch",
    "EpisodeSearch",
    "CutoffUnmetEpisodeSearch",
    "CutoffUnmetMoviesSearch",
)


class Servarr(Application):
    """One application of the family, chosen by its service name."""

    fold_case = True

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.flavour = FLAVOURS[service]
        self.port = self.flavour.port
        busy = self.flavour.busy_ms
        self.database_files = (
            DatabaseFile(f"/config/{service}.db", busy_ms=busy),
            DatabaseFile("/config/logs.db", busy_ms=busy, disposable=True),
        )
        if self.flavour.calibre:
            self.database_files += (
                DatabaseFile("/config/cache.db", disposable=True),
            )
        self.sessions: set[str] = set()
        self.health: list[dict[str, Json]] = []
        self.root_lock = threading.Lock()
        self.started_at = wire.now()

    @property
    def library(self) -> Library:
        """The words for what this application manages."""
        found = self.flavour.library
        if found is None:
            raise LookupError(f"{self.flavour.name} manages no media")
        return found

    def start(self) -> None:
        """Read config.xml, open the databases, start the command queue."""
        self.configuration = Configuration(self.place, self.flavour)
        backups.swap_in(self.place.path(self.database_files[0].path))
        super().start()
        self._fill()
        self.commands = commands.Commands(self, self.known_commands())
        self.commands.start()
        self.check_health()

    def _fill(self) -> None:
        if self.database.setting("filled"):
            return
        if self.flavour.library:
            profiles = _quality_profiles(self.flavour)
            self.database.replace("qualityprofile", profiles)
        if self.flavour.profiles_on_roots:
            self.database.replace(
                "metadataprofile", [{"name": "Standard"}, {"name": "None"}]
            )
        self.database.set("filled", True)

    def known_commands(self) -> dict[str, commands.Work]:
        """Every command by name."""

        def nothing(app: Servarr, content: dict[str, Json]) -> str:
            app.check_health()
            return "Completed"

        known: dict[str, commands.Work] = dict.fromkeys(_NOTHING, nothing)
        known |= {"Backup": backups.make, "ResetApiKey": nothing}
        words = self.flavour.library
        if words:
            known |= dict.fromkeys(_MEDIA_ONLY, nothing)
            known |= {
                words.rescan: files.rescan,
                words.refresh: files.rescan,
                words.move: files.move_files,
            }
        return known

    def provider_kinds(self) -> Iterable[providers.Kind]:
        """The kinds of providers that the application has."""
        return (
            downloadclients.kind_for(self.flavour),
            indexers.INDEXERS,
            indexers.NOTIFICATIONS,
        )

    def routes(self) -> Iterable[Route[Servarr]]:
        """The routes of this application, under its API root."""
        root = f"/api/{self.flavour.api}"
        yield from access.ROUTES.under()
        yield from INTERFACE.under()
        groups = [
            settings.ROUTES,
            system.ROUTES,
            commands.ROUTES,
            backups.ROUTES,
            disks.ROUTES,
        ]
        if self.flavour.library:
            groups += [rootfolders.ROUTES, settings.MEDIA, system.MEDIA]
            groups += [disks.MEDIA, library.routes_of(self.library)]
        if self.flavour.profiles_on_roots:
            groups += [settings.MUSIC_AND_BOOKS, rootfolders.PROFILED]
        for group in groups:
            yield from group.under(root)
        for kind in self.provider_kinds():
            yield from providers.routes_of(kind, root)

    def own_api(self, path: str) -> bool:
        """Whether a path outside /api needs the key too."""
        return False

    def gate(self, request: Request) -> Reply | None:
        """Host filter, then authentication, then the URL base."""
        return access.gate(self, request)

    def lost(self, request: Request, status: int) -> Reply:
        """404 and 405 as ASP.NET writes them."""
        return wire.problem(status)

    def failed(self, error: Exception) -> Reply:
        """500 with message and description."""
        text = error.args[0] if error.args else type(error).__name__
        return wire.server_error(str(text))

    def finish(self, request: Request, reply: Reply) -> Reply:
        """Name the version on authorised answers of the API."""
        api = request.path.lower().startswith("/api")
        if api and reply.status < 400:
            reply.headers["X-Application-Version"] = self.flavour.version
        return reply

    # What the parts ask of each other

    def items(self) -> list[dict[str, Json]]:
        """All series, movies, artists or authors."""
        found = self.flavour.library
        return self.database.all(found.items) if found else []

    def used_root_folders(self) -> list[str]:
        """Folders directly above the items."""
        found = {each["path"].rpartition("/")[0] for each in self.items()}
        return sorted(found)

    @property
    def recycle_bin(self) -> str:
        """The configured recycle bin, or an empty text."""
        return str(settings.media_management(self)["recycleBin"] or "")

    def root_folder_defaults(self) -> dict[str, Json]:
        """Fields of a root folder that a client may leave out."""
        found: dict[str, Json] = {
            "defaultMonitorOption": "all",
            "defaultNewItemMonitorOption": "all",
            "defaultTags": [],
        }
        if self.flavour.calibre:
            found |= {"isCalibreLibrary": False, "port": 0, "useSsl": False}
            found["outputProfile"] = "default"
        return found

    def check_health(self) -> None:
        """Run all health checks; /health shows the result until the next."""
        self.health = system.examine(self)

    def reset_api_key(self) -> None:
        """Write a new key to the file; a key from outside stays in force."""
        self.configuration.set("ApiKey", secrets.token_hex(16))

    def leave(self) -> None:
        """End the process as a shutdown request does."""
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()


@INTERFACE.on("GET", "/")
def home(app: Servarr, request: Request) -> Reply:
    return page(app.flavour.name)


@INTERFACE.on("GET", "/login")
def login_page(app: Servarr, request: Request) -> Reply:
    return page(f"{app.flavour.name} login")


@INTERFACE.on("GET", "/api")
def api(app: Servarr, request: Request) -> Reply:
    return system.describe_api(app, request)


def _quality_profiles(flavour: Flavour) -> list[dict[str, Json]]:
    items = [
        {"quality": dict(each), "items": [], "allowed": True}
        for each in flavour.qualities
    ]
    return [
        {
            "name": name,
            "upgradeAllowed": False,
            "cutoff": flavour.qualities[-1]["id"],
            "items": items,
            "minFormatScore": 0,
            "cutoffFormatScore": 0,
            "formatItems": [],
        }
        for name in flavour.profiles
    ]
