"""Root folders: every validator, in the application's order and words."""

from __future__ import annotations

import getpass
import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes
from . import wire

if TYPE_CHECKING:
    from . import Servarr

KIND = "rootfolder"
ROUTES: Routes[Servarr] = Routes()
PROFILED: Routes[Servarr] = Routes()
_SYSTEM = ("/bin", "/boot", "/lib", "/sbin", "/proc", "/usr/bin")
_IGNORED = {
    "$recycle.bin",
    "system volume information",
    "recycler",
    "lost+found",
    ".appledb",
    ".appledesktop",
    ".appledouble",
    ".@__thumb",
    ".grab",
}
Failure = dict[str, Json]


def plain(path: str) -> str:
    """A path in the form in which paths are compared."""
    stripped = path.rstrip("/") if len(path) > 1 else path
    return unicodedata.normalize("NFC", stripped)


def is_inside(path: str, parent: str) -> bool:
    """Whether `path` lies below `parent`."""
    return plain(path).startswith(plain(parent).rstrip("/") + "/")


def configured(app: Servarr) -> list[str]:
    """Paths of all root folders."""
    return [plain(each["path"]) for each in app.database.all(KIND)]


def _fail(path: str, text: str, code: str, **more: Json) -> Failure:
    return wire.failure("Path", text, path, code, path=path, **more)


def check_path(app: Servarr, path: Json, *, new: bool = True) -> Failure | None:
    """The first failure of the chain that guards a root folder's path.

    Args:
        new: whether a path that is already configured is a failure.
    """
    if not isinstance(path, str) or not path.startswith("/"):
        shown = path if isinstance(path, str) else "{path}"
        return wire.failure(
            "Path", f"Invalid Path: '{shown}'", path, "PathValidator"
        )
    if new and plain(path) in configured(app):
        return _taken(path)
    for forbidden, what, code in (
        (f"/app/{app.flavour.lower}/bin", "start up", "StartupFolderValidator"),
        (app.recycle_bin, "recycle bin", "RecycleBinValidator"),
    ):
        found = forbidden and _forbidden(path, forbidden, what, code)
        if found:
            return found
    if not app.place.path(path).is_dir():
        return _fail(
            path, f"Path '{path}' does not exist", "PathExistsValidator"
        )
    return _system(path) or _unwritable(app, path)


def _taken(path: str) -> Failure:
    text = f"Path '{path}' is already configured as a root folder"
    return _fail(path, text, "RootFolderValidator")


def _forbidden(path: str, folder: str, what: str, code: str) -> Failure | None:
    if what == "recycle bin":
        same, below = "is set to configured", "is child of configured"
    else:
        same, below = "cannot be set to the", "cannot be child of the"
    if plain(path) == plain(folder):
        return _fail(path, f"Path '{path}' {same} {what} folder", code)
    if is_inside(path, folder):
        return _fail(path, f"Path '{path}' {below} {what} folder", code)
    return None


def _system(path: str) -> Failure | None:
    for folder in _SYSTEM:
        relation = "set to" if plain(path) == folder else "child of"
        if relation == "set to" or is_inside(path, folder):
            return _fail(
                path,
                f"Path '{path}' is {relation} system folder {folder}",
                "SystemFolderValidator",
                relationship=relation,
                systemFolder=folder,
            )
    return None


def user_name() -> str:
    """Name of the user that the application runs as."""
    try:
        return getpass.getuser() if os.getuid() == 0 else "abc"
    except (KeyError, OSError):
        return "abc"


def _unwritable(app: Servarr, path: str) -> Failure | None:
    probe = app.place.path(path) / f"{app.flavour.lower}_write_test.txt"
    try:
        probe.write_text("This file was created to test the folder.")
        probe.unlink()
    except OSError:
        user = user_name()
        return _fail(
            path,
            f"Folder '{path}' is not writable by user '{user}'",
            "FolderWritableValidator",
            user=user,
        )
    return None


def shown(app: Servarr, folder: dict[str, Json]) -> dict[str, Json]:
    """A root folder with what the disk says of it."""
    real = app.place.path(folder["path"])
    result = {**folder, "accessible": real.is_dir()}
    if not result["accessible"]:
        return result
    disk = os.statvfs(real)
    result["freeSpace"] = disk.f_bavail * disk.f_frsize
    if app.flavour.profiles_on_roots:
        result["totalSpace"] = disk.f_blocks * disk.f_frsize
    else:
        result["unmappedFolders"] = _unmapped(app, folder["path"], real)
    return result


def _unmapped(app: Servarr, path: str, real: Path) -> list[dict[str, Json]]:
    used = {plain(each["path"]) for each in app.items()}
    names = sorted(each.name for each in real.iterdir() if each.is_dir())
    return [
        {"name": name, "path": f"{path}/{name}", "relativePath": name}
        for name in names
        if plain(f"{path}/{name}") not in used and name.lower() not in _IGNORED
    ]


def _check_profiles(
    app: Servarr, body: dict[str, Json]
) -> list[Failure | None]:
    found = [wire.not_empty("Name", body.get("name"))]
    for name, kind, text in (
        ("DefaultMetadataProfileId", "metadataprofile", "Metadata profile"),
        ("DefaultQualityProfileId", "qualityprofile", "Quality Profile"),
    ):
        number = body.get(name[0].lower() + name[1:])
        low = wire.positive(name, number)
        found.append(low)
        if low is None and app.database.find(kind, int(number or 0)) is None:
            found.append(
                wire.failure(
                    name, f"{text} does not exist", number, f"{kind}Validator"
                )
            )
    return found


@ROUTES.on("GET", "/rootfolder")
def list_folders(app: Servarr, request: Request) -> Reply:
    return wire.reply([shown(app, each) for each in app.database.all(KIND)])


@ROUTES.on("GET", "/rootfolder/{id:int}")
def get_folder(app: Servarr, request: Request) -> Reply:
    found = app.database.find(KIND, request.number)
    if found is None:
        raise wire.missing()
    return wire.reply(shown(app, found))


@ROUTES.on("POST", "/rootfolder")
def add_folder(app: Servarr, request: Request) -> Reply:
    body = wire.body_of(request)
    profiled = app.flavour.profiles_on_roots
    path = body.get("path")
    failures = [check_path(app, path, new=not profiled)]
    if profiled:
        if isinstance(path, str) and plain(path) in configured(app):
            failures.append(_taken(path))
        failures += _check_profiles(app, body)
    wire.require(failures)
    kept = app.root_folder_defaults() | body if profiled else {}
    folder = {**kept, "path": plain(str(path))}
    with app.root_lock:
        if folder["path"] in configured(app):
            return wire.server_error("Recent directory already exists.")
        stored = app.database.add(KIND, folder)
    if profiled:
        app.commands.push({"name": "RescanFolders", "folders": [path]})
    app.check_health()
    return wire.created(request, shown(app, stored))


@PROFILED.on("PUT", "/rootfolder/{id:int}")
def change_folder(app: Servarr, request: Request) -> Reply:
    found = app.database.find(KIND, request.number)
    if found is None:
        raise wire.missing()
    body = wire.body_of(request)
    failures = [check_path(app, body.get("path"), new=False)]
    wire.require(failures + _check_profiles(app, body))
    stored = {**found, **body, "id": request.number}
    app.database.put(KIND, stored)
    return wire.reply(shown(app, stored), 202)


@ROUTES.on("DELETE", "/rootfolder/{id:int}")
def delete_folder(app: Servarr, request: Request) -> Reply:
    app.database.delete(KIND, request.number)
    app.check_health()
    return Reply(200)
