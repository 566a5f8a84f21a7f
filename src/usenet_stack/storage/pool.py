"""The pool: one parent folder that every media container sees."""

import os
import shlex
from pathlib import Path

from usenet_stack.result import Result
from usenet_stack.stack.layout import folders
from usenet_stack.stack.model import Stack
from usenet_stack.storage.drives import Drive, find_drives
from usenet_stack.storage.mounts import (
    Mount,
    is_below,
    propagation,
    read_mounts,
)
from usenet_stack.storage.operations import ShareFolder, UnshareFolder
from usenet_stack.storage.registry import read_registry
from usenet_stack.transaction import Step
from usenet_stack.transaction.files import MakeFolder, MakeFolders

# Folders of the media types: of the data folder itself and of each drive.
MEDIA_TYPES = ("tv", "movies", "music", "books", "comics")


def media_folders(stack: Stack) -> list[Path]:
    """Return the folders of the media types."""
    return [stack.media_root / name for name in MEDIA_TYPES]


def plan_pool(stack: Stack) -> list[Step]:
    """Return the steps that are missing to a pool that containers can use.

    Looks at the disk and the mount table, changes nothing. Without root a
    folder that is not shared stays so: containers then need a restart to
    see a new drive, and `pool_is_shared` tells the caller to bind it
    without `rslave`.
    """
    uid, gid = stack.settings.stack.puid, stack.settings.stack.pgid
    wanted = [
        MakeFolder(
            folder.path,
            folder.mode,
            -1 if folder.uid is None else folder.uid,
            -1 if folder.gid is None else folder.gid,
        )
        for folder in folders(stack)
        if is_below(folder.path, stack.data_root)
    ]
    known = {operation.path for operation in wanted}
    wanted += [
        MakeFolder(path, 0o775, uid, gid)
        for path in media_folders(stack)
        if path not in known
    ]
    missing = tuple(folder for folder in wanted if not folder.path.exists())
    steps = []
    if missing:
        steps.append(
            Step(MakeFolders(missing), "media and downloads live there")
        )
    if os.geteuid() == 0 and not pool_is_shared(stack):
        share = ShareFolder(stack.data_root.resolve())
        why = "drives that are added later must reach running containers"
        steps.append(Step(share, why))
    return steps


def plan_unshare(stack: Stack) -> list[Step]:
    """Return the step that undoes the data folder's own shared mount.

    None when it has none, when a drive is still attached below it, or when
    it is a drive of its own.
    """
    path = stack.data_root.resolve()
    mounts = read_mounts()
    own = [mount for mount in mounts if mount.target == str(path)]
    below = [m for m in mounts if m.target.startswith(f"{path}/")]
    if not own or below or own[0].root == "/" or os.geteuid() != 0:
        return []
    return [Step(UnshareFolder(path), "nothing needs its mount any more")]


def pool_is_shared(stack: Stack) -> bool:
    """Tell whether a container can bind the data folder with `rslave`."""
    return propagation(stack.data_root.resolve()) != "private"


def pool_status(stack: Stack) -> Result:
    """Return the pool's drives, what is away, and how much is free."""
    registry = read_registry(stack.folder)
    mounts = read_mounts()
    rows = {row.mountpoint: row for row in find_drives(stack, all=True)}
    pool = stack.media_root.resolve()
    drives = [
        _pool_row(name, drive.source, pool / name, mounts, rows)
        for name, drive in registry.items()
    ]
    result = Result(
        {
            "pool": {
                "path": str(pool),
                "layout": stack.settings.pool.layout,
                "shared": pool_is_shared(stack),
                "free": _free(drives),
            },
            "drives": drives,
        }
    )
    _add_remarks(result, stack, drives)
    return result


def _pool_row(
    name: str,
    source: str,
    target: Path,
    mounts: list[Mount],
    rows: dict[str, Drive],
) -> dict[str, object]:
    here = [mount for mount in mounts if mount.target == str(target)]
    row = None
    if here:
        same = [
            row
            for mount in mounts
            if mount.device == here[-1].device
            and (row := rows.get(mount.target))
        ]
        row = same[0] if same else None
    state = "away" if not here else row.state if row else "mounted"
    return {
        "name": name,
        "source": source,
        "mountpoint": str(target),
        "state": state,
        "device": here[-1].device if here else "",
        "fstype": row.fstype if row else "",
        "size": row.size if row else None,
        "used": row.used if row else None,
        "free": row.free if row else None,
    }


def _free(drives: list[dict[str, object]]) -> int:
    # Two folders of one file system share its free space.
    each = {row["device"]: row["free"] for row in drives}
    return sum(free for free in each.values() if isinstance(free, int))


def _add_remarks(
    result: Result, stack: Stack, drives: list[dict[str, object]]
) -> None:
    for row in drives:
        if row["state"] == "away":
            result.warn(
                f"The drive {row['name']} is away. Attach it again: usenet "
                f"storage add {row['source']} --name {row['name']}"
            )
        elif row["state"] == "not answering":
            result.warn(f"The drive {row['name']} does not answer.")
    if not pool_is_shared(stack):
        result.warn(
            f"{stack.data_root} is not a shared mount: running containers "
            "will not see drives added later. Mend it: sudo usenet "
            f"validate --fix --stack {shlex.quote(str(stack.folder))}"
        )
