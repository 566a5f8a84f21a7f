"""What the application sees of the file system."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes
from . import wire
from .rootfolders import KIND, is_inside

if TYPE_CHECKING:
    from . import Servarr

ROUTES: Routes[Servarr] = Routes()
MEDIA: Routes[Servarr] = Routes()
_FIXED = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay"}
_HIDDEN = (
    "/boot",
    "/etc",
    "/var/lib/docker",
    "/var/lib/rancher",
    "/var/lib/kubelet",
)


def mounts() -> list[tuple[str, str, bool]]:
    """Mount point, file system and read-only flag of every mount."""
    found = []
    with Path("/proc/self/mounts").open() as lines:
        for line in lines:
            _, point, kind, options, *_ = line.split(" ")
            # The kernel writes blanks in names as octal escapes.
            name = point.encode().decode("unicode_escape")
            found.append((name, kind, "ro" in options.split(",")))
    return found


def mount_of(path: str) -> tuple[str, str, bool]:
    """The mount that holds a path."""
    holding = [
        each for each in mounts() if each[0] == path or is_inside(path, each[0])
    ]
    return max(holding, key=lambda each: len(each[0]))


def _space(path: str) -> dict[str, Json] | None:
    try:
        disk = os.statvfs(path)
    except OSError:
        return None
    return {
        "path": path,
        "label": "",
        "freeSpace": disk.f_bavail * disk.f_frsize,
        "totalSpace": disk.f_blocks * disk.f_frsize,
    }


@MEDIA.on("GET", "/diskspace")
def disk_space(app: Servarr, request: Request) -> Reply:
    points: dict[str, None] = {}
    for folder in app.used_root_folders():
        real = app.place.path(folder)
        if real.is_dir():
            points[mount_of(str(real))[0]] = None
    for point, kind, _ in mounts():
        hidden = any(
            point == each or is_inside(point, each) for each in _HIDDEN
        )
        if kind in _FIXED and not hidden:
            points[point] = None
    rows = [_space(each) for each in points]
    return wire.reply([each for each in rows if each is not None])


def _entry(app: Servarr, path: Path, kind: str) -> dict[str, Json]:
    facts = path.stat(follow_symlinks=False)
    return {
        "type": kind,
        "name": path.name,
        "path": app.place.seen(path) + ("/" if kind == "folder" else ""),
        "size": 0 if kind == "folder" else facts.st_size,
        "lastModified": wire.moment(facts.st_mtime),
    }


@ROUTES.on("GET", "/filesystem")
def browse(app: Servarr, request: Request) -> Reply:
    path = request.argument("path") or "/"
    if not path.endswith("/") and not request.flag(
        "allowFoldersWithoutTrailingSlashes"
    ):
        path = path.rpartition("/")[0] + "/"
    real = app.place.path(path)
    folders: list[dict[str, Json]] = []
    files: list[dict[str, Json]] = []
    if real.is_dir():
        for each in sorted(real.iterdir()):
            if each.is_dir():
                folders.append(_entry(app, each, "folder"))
            elif request.flag("includeFiles"):
                files.append(_entry(app, each, "file"))
    parent = path.rstrip("/").rpartition("/")[0] + "/"
    answer: dict[str, Json] = {"directories": folders, "files": files}
    if path.strip("/"):
        answer = {"parent": parent, **answer}
    return wire.reply(answer)


@ROUTES.on("GET", "/filesystem/type")
def file_type(app: Servarr, request: Request) -> Reply:
    real = app.place.path(request.argument("path"))
    return wire.reply({"type": "file" if real.is_file() else "folder"})


def missing_root_folders(app: Servarr) -> list[str]:
    """Root folders that some item uses and that are not there."""
    known = [each["path"] for each in app.database.all(KIND)]
    return [
        each
        for each in app.used_root_folders()
        if each in known and not app.place.path(each).is_dir()
    ]
