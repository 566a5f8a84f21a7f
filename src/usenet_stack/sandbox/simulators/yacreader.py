"""YACReaderLibraryServer: its database lies among the comics."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable
from pathlib import Path

from .application import Application, page
from .databases import Database, DatabaseFile
from .journal import log
from .place import Place
from .routing import Reply, Request, Route, Routes, json_reply, text_reply

ROUTES: Routes[YacReader] = Routes()
VERSION = "10.1.0"
_SETTINGS = "/config/.local/share/YACReader/YACReaderLibrary"
# Where comics are looked for: the image's own folder, then the pool.
_PLACES = ("/comics", "/data/media/comics")
_SECONDS = 2


class YacReader(Application):
    """Libraries are folders that hold `.yacreaderlibrary/library.ydb`.

    The database is opened for each write only and never made anew after
    it has gone: with its drive the whole library goes.
    """

    port = 8080
    folders = ("/config", _SETTINGS)

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.port = int(place.env("SIMULATOR_PORT", "8080"))

    def start(self) -> None:
        """Write the settings; make a library where there are comics."""
        super().start()
        folder = self.place.path(_SETTINGS)
        settings = folder / "YACReaderLibrary.ini"
        if not settings.exists():
            settings.write_text("[libraryConfig]\nSERVER_PORT=8080\n")
        root = self.comics()
        if root is not None and not self.libraries():
            try:
                (root / ".yacreaderlibrary" / "covers").mkdir(
                    parents=True, exist_ok=True
                )
                _write(root / ".yacreaderlibrary" / "library.ydb")
            except (OSError, sqlite3.Error) as error:
                log(f"[Warn] cannot create a library: {error}")
        self.in_background(self._keep_writing_libraries)

    def comics(self) -> Path | None:
        """The folder with comics, if there is one."""
        for each in _PLACES:
            if self.place.path(each).is_dir():
                return self.place.path(each)
        return None

    def libraries(self) -> list[Path]:
        """The databases of all libraries."""
        root = self.comics()
        if root is None:
            return []
        name = ".yacreaderlibrary/library.ydb"
        return sorted([*root.glob(name), *root.glob(f"*/{name}")])

    def _keep_writing_libraries(self) -> None:
        while not self.stopping.wait(_SECONDS):
            try:
                for each in self.libraries():
                    _write(each)
            except (OSError, sqlite3.Error) as error:
                log(f"[Warn] library.ydb: {error}")

    def routes(self) -> Iterable[Route[YacReader]]:
        """All routes."""
        yield from ROUTES.under()


def _write(path: Path) -> None:
    declared = DatabaseFile(str(path), journal="delete", held_open=False)
    database = Database(path, declared)
    try:
        database.work()
    finally:
        database.close()


@ROUTES.on("GET", "/")
def home(app: YacReader, request: Request) -> Reply:
    return page("YACReaderLibrary")


@ROUTES.on("GET", "/v2/version")
def version(app: YacReader, request: Request) -> Reply:
    return text_reply(VERSION)


@ROUTES.on("GET", "/v2/libraries")
def libraries(app: YacReader, request: Request) -> Reply:
    return json_reply(
        [
            {
                "id": number,
                "name": each.parent.parent.name,
                "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, str(each))),
            }
            for number, each in enumerate(app.libraries(), 1)
        ]
    )


@ROUTES.on("GET POST", "/v2/libraries/update")
def update(app: YacReader, request: Request) -> Reply:
    return json_reply({"updating": False})
