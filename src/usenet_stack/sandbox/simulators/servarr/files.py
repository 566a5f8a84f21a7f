"""Files of items: rows in the database against what lies on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..routing import Json, Refusal, Reply, Request
from . import wire
from .rootfolders import configured, is_inside

if TYPE_CHECKING:
    from . import Servarr

FILES = "file"
_MEDIA = {
    ".mkv", ".mp4", ".avi", ".m4v", ".ts", ".flac", ".mp3", ".m4a", ".ogg",
    ".epub", ".azw3", ".mobi", ".pdf",
}  # fmt: skip
Document = dict[str, Json]


def files_of(app: Servarr, item: int) -> list[Document]:
    """The rows of one item."""
    owner = app.library.owner
    return [each for each in app.database.all(FILES) if each[owner] == item]


def _shown_file(app: Servarr, file: Document) -> Document:
    if app.library.keeps_rows:  # music and books have no relative path
        return {key: val for key, val in file.items() if key != "relativePath"}
    return file


def list_files(app: Servarr, request: Request) -> Reply:
    owner = request.argument(app.library.owner)
    if owner:
        files = files_of(app, int(owner))
        return wire.reply([_shown_file(app, each) for each in files])
    wanted = request.query.get(f"{app.library.files[:-4]}FileIds", [])
    if not wanted:
        text = f"{app.library.owner} or {app.library.files}Ids must be provided"
        raise Refusal(wire.api_error(400, text))
    return wire.reply(
        [
            _shown_file(app, each)
            for each in app.database.all(FILES)
            if str(each["id"]) in wanted
        ]
    )


def get_file(app: Servarr, request: Request) -> Reply:
    found = app.database.find(FILES, request.number)
    if found is None:
        raise wire.missing()
    return wire.reply(_shown_file(app, found))


def delete_file(app: Servarr, request: Request) -> Reply:
    found = app.database.find(FILES, request.number)
    if found is None:
        raise wire.missing()
    app.place.path(found["path"]).unlink(missing_ok=True)
    app.database.delete(FILES, request.number)
    return wire.reply({})


def move_files(app: Servarr, content: Document) -> str:
    """Carry out a move: a missing source is skipped, an error undone."""
    source = app.place.path(content["sourcePath"])
    target = app.place.path(content["destinationPath"])
    if not source.is_dir():
        return f"Folder '{content['sourcePath']}' does not exist"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
    except PermissionError:
        raise  # the application leaves the new path in its database
    except OSError:
        number = content[app.library.owner]
        item = app.database.find(app.library.items, number)
        if item is not None:
            item["path"] = content["sourcePath"]
            app.database.put(app.library.items, item)
        raise
    return "Moved"


def rescan(app: Servarr, content: Document) -> str:
    """Compare the rows of files with the disk.

    A missing item folder costs its rows only when the root folder holds
    something else: an absent or empty root counts as a drive that is away.
    """
    owner, ids = app.library.owner, app.library.ids
    wanted = content.get(ids) or (
        [content[owner]] if content.get(owner) else None
    )
    for item in app.items():
        if wanted is None or item["id"] in wanted:
            _rescan_one(app, item)
    return "Completed"


def _rescan_one(app: Servarr, item: Document) -> None:
    folder = app.place.path(item["path"])
    root = next(
        (each for each in configured(app) if is_inside(item["path"], each)),
        item["path"].rpartition("/")[0],
    )
    real_root = app.place.path(root)
    if not folder.is_dir():
        if not real_root.is_dir() or not any(real_root.iterdir()):
            return
        found: list[Path] = []
    else:
        found = sorted(
            each
            for each in folder.rglob("*")
            if each.suffix.lower() in _MEDIA and each.is_file()
        )
        if not found and app.library.keeps_rows:
            return
    _store_files(app, item, folder, found)


def _store_files(
    app: Servarr, item: Document, folder: Path, found: list[Path]
) -> None:
    names = {str(each.relative_to(folder)): each for each in found}
    for row in files_of(app, item["id"]):
        if names.pop(row["relativePath"], None) is None:
            app.database.delete(FILES, row["id"])
    for name, real in names.items():
        app.database.add(
            FILES,
            {
                app.library.owner: item["id"],
                "path": f"{item['path']}/{name}",
                "relativePath": name,
                "size": real.stat().st_size,
                "dateAdded": wire.now(),
                "qualityCutoffNotMet": False,
            },
        )
