"""Series, movies, artists, authors: the items and their files."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

from ..routing import Json, Refusal, Reply, Request, Routes
from . import wire
from .files import FILES, delete_file, files_of, get_file, list_files
from .rootfolders import configured, plain

if TYPE_CHECKING:
    from . import Servarr
    from .flavours import Library

Document = dict[str, Json]


def routes_of(library: Library) -> Routes[Servarr]:
    """The routes with this library's words in their paths."""
    routes: Routes[Servarr] = Routes()
    items = f"/{library.items}"
    for method, pattern, handler in (
        ("GET", items, list_items),
        ("POST", items, add_item),
        ("GET", f"{items}/lookup", look_up),
        ("PUT", f"{items}/editor", edit_many),
        ("DELETE", f"{items}/editor", delete_many),
        ("GET", f"{items}/{{id:int}}", get_item),
        ("PUT", f"{items}/{{id:int}}", change_item),
        ("DELETE", f"{items}/{{id:int}}", delete_item),
        ("GET", f"/{library.files}", list_files),
        ("GET", f"/{library.files}/{{id:int}}", get_file),
        ("DELETE", f"/{library.files}/{{id:int}}", delete_file),
    ):
        routes.on(method, pattern)(handler)
    return routes


def shown(app: Servarr, item: Document) -> Document:
    """An item with its figures and its root folder."""
    files = files_of(app, item["id"])
    size = sum(each["size"] for each in files)
    result = {**app.library.defaults, **item}
    result["rootFolderPath"] = item["path"].rpartition("/")[0] or "/"
    if app.library.items == "movie":
        result |= {"hasFile": bool(files), "sizeOnDisk": size}
        result["statistics"] = {
            "movieFileCount": len(files),
            "sizeOnDisk": size,
            "releaseGroups": [],
        }
    else:
        result["statistics"] = _statistics(app, len(files), size)
    return result


def _statistics(app: Servarr, count: int, size: int) -> Document:
    words = {
        "series": ("episodeFileCount", "episodeCount", "totalEpisodeCount",
                   "percentOfEpisodes"),
        "artist": ("trackFileCount", "trackCount", "totalTrackCount",
                   "percentOfTracks"),
        "author": ("bookFileCount", "bookCount", "totalBookCount",
                   "percentOfBooks"),
    }[app.library.items]  # fmt: skip
    percent = 100.0 if count else 0.0
    values = (count, count, count, percent)
    return {**dict(zip(words, values, strict=True)), "sizeOnDisk": size}


def list_items(app: Servarr, request: Request) -> Reply:
    key = app.library.key
    wanted = request.argument(key)
    return wire.reply(
        [
            shown(app, each)
            for each in app.items()
            if not wanted or str(each.get(key)) == wanted
        ]
    )


def get_item(app: Servarr, request: Request) -> Reply:
    return wire.reply(shown(app, _item(app, request.number)))


def _item(app: Servarr, number: int) -> Document:
    if number <= 0:
        raise Refusal(wire.api_error(400, f"{number} is not a valid ID"))
    found = app.database.find(app.library.items, number)
    if found is None:
        raise wire.missing()
    return found


def look_up(app: Servarr, request: Request) -> Reply:
    """One made-up result for every term: there is no outside world."""
    term = request.argument("term").partition(":")[2] or request.argument(
        "term"
    )
    number = int(hashlib.md5(term.encode()).hexdigest()[:6], 16) + 1
    key = app.library.key
    textual = key.startswith("foreign")
    digits = term if term.isdecimal() else str(number)
    result = {
        **app.library.defaults,
        app.library.title: term.title(),
        key: str(number) if textual else int(digits),
        "monitored": True,
        "qualityProfileId": 0,
        "tags": [],
        "added": "0001-01-01T00:00:00Z",
    }
    return wire.reply([result])


def _check_root(app: Servarr, path: Json) -> Document | None:
    if isinstance(path, str) and plain(path) in configured(app):
        return None
    return wire.failure(
        "RootFolderPath",
        f"Root folder '{path}' does not exist",
        path,
        "RootFolderExistsValidator",
    )


def _check_item(app: Servarr, item: Document) -> list[Document | None]:
    library = app.library
    found: list[Document | None] = []
    number = item.get("qualityProfileId")
    low = wire.positive("QualityProfileId", number)
    if (
        low is None
        and app.database.find("qualityprofile", int(number or 0)) is None
    ):
        text = "Quality Profile does not exist"
        low = wire.failure(
            "QualityProfileId", text, number, "QualityProfileExistsValidator"
        )
    found.append(low)
    for each in app.items():
        if each["id"] != item.get("id") and each["path"] == item["path"]:
            text = (
                f"Path '{item['path']}' is already configured for an existing"
            )
            found.append(
                wire.failure("Path", f"{text} {library.items}", item["path"],
                             f"{library.items.title()}PathValidator")
            )  # fmt: skip
    if plain(item["path"]) in configured(app):
        text = f"Path '{item['path']}' is already configured as a root folder"
        found.append(
            wire.failure("Path", text, item["path"], "RootFolderValidator")
        )
    return found


def add_item(app: Servarr, request: Request) -> Reply:
    body = wire.body_of(request)
    body.pop("id", None)
    key, title = app.library.key, app.library.title
    failures: list[Document | None] = []
    if "path" not in body:
        root = body.get("rootFolderPath")
        failures.append(_check_root(app, root))
        body["path"] = f"{str(root).rstrip('/')}/{_folder_name(app, body)}"
    failures.append(wire.not_empty(title[0].upper() + title[1:],
                                   body.get(title)))  # fmt: skip
    if any(each.get(key) == body.get(key) for each in app.items()):
        name = app.library.items.title()
        failures.append(
            wire.failure(
                key[0].upper() + key[1:],
                f"This {app.library.items} has already been added",
                body.get(key),
                f"{name}ExistsValidator",
            )
        )
    wire.require(failures + _check_item(app, body))
    body["path"] = plain(body["path"])
    body.setdefault("monitored", True)
    body.setdefault("tags", [])
    body["added"] = wire.now()
    stored = app.database.add(app.library.items, body)
    app.commands.push({"name": app.library.rescan, **_one(app, stored["id"])})
    app.check_health()
    return wire.created(request, shown(app, stored))


def _one(app: Servarr, number: int) -> Document:
    if app.library.rescan == "RescanFolders":
        return {app.library.ids: [number]}
    return {app.library.owner: number}


def _folder_name(app: Servarr, item: Document) -> str:
    name = str(item.get(app.library.title, "")).replace("/", "+")
    year = item.get("year")
    return f"{name} ({year})" if app.library.items == "movie" else name


def change_item(app: Servarr, request: Request) -> Reply:
    stored = _item(app, request.number)
    changed = {**stored, **wire.body_of(request), "id": stored["id"]}
    changed["path"] = plain(changed["path"])
    for computed in ("statistics", "rootFolderPath", "hasFile", "sizeOnDisk"):
        changed.pop(computed, None)
    wire.require(_check_item(app, changed))
    _relocate(app, stored, changed, request.flag("moveFiles"))
    return wire.reply(shown(app, changed), 202)


def _relocate(app: Servarr, old: Document, new: Document, move: bool) -> None:
    """Store the item; its files follow later, in a command."""
    app.database.put(app.library.items, new)
    if old["path"] != new["path"] and move:
        app.commands.push(
            {
                "name": app.library.move,
                app.library.owner: new["id"],
                "sourcePath": old["path"],
                "destinationPath": new["path"],
            }
        )
    app.check_health()


def edit_many(app: Servarr, request: Request) -> Reply:
    body = wire.body_of(request)
    root = body.get("rootFolderPath")
    if root:
        wire.require([_check_root(app, root)])
    result = []
    for number in body.get(app.library.ids, []):
        old = _item(app, number)
        new = dict(old)
        for name in ("monitored", "qualityProfileId", "monitorNewItems",
                     "metadataProfileId", "minimumAvailability"):  # fmt: skip
            if body.get(name) is not None:
                new[name] = body[name]
        new["tags"] = _tags(old.get("tags", []), body)
        if root:
            keep = old["path"].rpartition("/")[2]
            name = _folder_name(app, old) if body.get("moveFiles") else keep
            new["path"] = f"{plain(root)}/{name}"
        _relocate(app, old, new, bool(body.get("moveFiles")))
        result.append(shown(app, new))
    return wire.reply(result, 202)


def _tags(old: list[int], body: Document) -> list[int]:
    given = body.get("tags")
    if given is None:
        return old
    how = body.get("applyTags", "replace")
    if how == "add":
        return sorted({*old, *given})
    return (
        [each for each in old if each not in given]
        if how == "remove"
        else given
    )


def _remove(app: Servarr, number: int, delete_files: bool) -> None:
    item = _item(app, number)
    for each in files_of(app, number):
        app.database.delete(FILES, each["id"])
    app.database.delete(app.library.items, number)
    if delete_files:
        shutil.rmtree(app.place.path(item["path"]), ignore_errors=True)
    app.check_health()


def delete_item(app: Servarr, request: Request) -> Reply:
    _remove(app, request.number, request.flag("deleteFiles"))
    return wire.reply({})


def delete_many(app: Servarr, request: Request) -> Reply:
    body = wire.body_of(request)
    for number in body.get(app.library.ids, []):
        _remove(app, number, bool(body.get("deleteFiles")))
    return wire.reply({})
