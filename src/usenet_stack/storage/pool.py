"""The pool: one parent folder that every media container sees."""

import os
from pathlib import Path

from usenet_stack.stack.layout import folders
from usenet_stack.stack.model import Stack
from usenet_stack.storage.layouts import folder_names
from usenet_stack.storage.mounts import is_below, propagation, read_mounts
from usenet_stack.storage.operations import ShareFolder, UnshareFolder
from usenet_stack.transaction import Step
from usenet_stack.transaction.files import MakeFolder, MakeFolders


def media_folders(stack: Stack) -> list[Path]:
    """Return the folders of the media types."""
    return [stack.media_root / name for name in folder_names(stack).values()]


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
