"""The application's own backups: made, listed, deleted, restored."""

from __future__ import annotations

import zipfile
import zlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes
from . import wire
from .configuration import write_private

if TYPE_CHECKING:
    from . import Servarr

ROUTES: Routes[Servarr] = Routes()


def _folder(app: Servarr) -> Path:
    return app.place.path("/config/Backups/manual")


def make(app: Servarr, content: dict[str, Json]) -> str:
    """Write a zip with config.xml, a copy of the database and INFO."""
    folder = _folder(app)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y.%m.%d_%H.%M.%S")
    name = f"{app.flavour.lower}_backup_v{app.flavour.version}_{stamp}.zip"
    copy = folder / f".{name}.db"
    app.database.back_up(copy)
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(copy, app.database.path.name)
        archive.write(app.configuration.path, "config.xml")
        archive.writestr("INFO", app.flavour.version)
    copy.unlink()
    return "Backup completed"


def _listed(app: Servarr) -> list[dict[str, Json]]:
    found = sorted(_folder(app).glob("*.zip"), reverse=True)
    return [
        {
            # The application derives its ids from the names as well.
            "id": zlib.crc32(each.name.encode()) % 2**30 + 1,
            "name": each.name,
            "path": f"/backup/manual/{each.name}",
            "type": "manual",
            "size": each.stat().st_size,
            "time": wire.moment(each.stat().st_mtime),
        }
        for each in found
    ]


def _find(app: Servarr, number: int) -> Path:
    for each in _listed(app):
        if each["id"] == number:
            return _folder(app) / str(each["name"])
    raise wire.missing()


@ROUTES.on("GET", "/system/backup")
def list_backups(app: Servarr, request: Request) -> Reply:
    return wire.reply(_listed(app))


@ROUTES.on("DELETE", "/system/backup/{id:int}")
def delete_backup(app: Servarr, request: Request) -> Reply:
    _find(app, request.number).unlink()
    return wire.reply({})


@ROUTES.on("POST", "/system/backup/restore/{id:int}")
def restore(app: Servarr, request: Request) -> Reply:
    with zipfile.ZipFile(_find(app, request.number)) as archive:
        name = app.database.path.name
        staged = app.database.path.with_suffix(".restore")
        staged.write_bytes(archive.read(name))
        text = archive.read("config.xml").decode()
    write_private(app.configuration.path, text)
    return wire.reply({"restartRequired": True})


def swap_in(database: Path) -> None:
    """Take over a database that a restore has staged.

    Effects: replaces the database and removes its journals.
    """
    staged = database.with_suffix(".restore")
    if not staged.exists():
        return
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    staged.rename(database)
