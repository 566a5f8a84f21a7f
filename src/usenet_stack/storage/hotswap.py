"""`usenet storage add` and `remove`: a drive joins or leaves the pool."""

import os
import shlex
from pathlib import Path

from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage.admission import admit
from usenet_stack.storage.blockdevices import read_block_devices
from usenet_stack.storage.containers import pool_views
from usenet_stack.storage.mounts import mount_of, mounts_below, read_mounts
from usenet_stack.storage.operations import (
    VISIBLE_WITHIN_S,
    AttachDrive,
    AwaitInContainers,
    CheckUnused,
    DetachDrive,
    MakeMountpoint,
    RecordDrive,
    RemoveMountpoint,
    ShareFolder,
    busy,
)
from usenet_stack.storage.pool import pool_is_shared, pool_status
from usenet_stack.storage.registry import PoolDrive, read_registry
from usenet_stack.storage.views import holders
from usenet_stack.transaction import SILENT, Observer, Plan, Step, open_session

LATER = (
    "The applications see the folder {path} now; add it there as a root "
    "folder by hand: this version does not do that yet."
)


def plan_add(
    stack: Stack,
    path: Path,
    name: str | None = None,
    limit_s: float = VISIBLE_WITHIN_S,
) -> Plan:
    """Return what `add_drive` would do, after all its checks.

    Raises:
        UsenetError: as `add_drive`, before anything is changed.
    """
    source, chosen = admit(stack, path, name)
    target = stack.media_root.resolve() / chosen
    mount = mount_of(source, read_mounts())
    uuids = {device.path: device.uuid for device in read_block_devices()}
    wait = AwaitInContainers(stack.project, target, mount.device, True, limit_s)
    drive = PoolDrive(str(source), uuids.get(mount.source, ""), mount.source)
    steps = []
    if not pool_is_shared(stack):
        why = "running containers must see what is mounted later"
        steps.append(Step(ShareFolder(stack.data_root.resolve()), why))
    steps += [
        Step(MakeMountpoint(target), f"{chosen} needs a place in the pool"),
        Step(RecordDrive(chosen, drive), "the pool knows its drives"),
        Step(AttachDrive(source, target), f"you asked for {source}"),
        Step(
            wait,
            "no container is restarted, so each must see it by itself",
        ),
    ]
    return Plan("storage add", tuple(steps))


def add_drive(
    stack: Stack,
    path: Path,
    name: str | None = None,
    observer: Observer = SILENT,
    limit_s: float = VISIBLE_WITHIN_S,
) -> Result:
    """Add a folder, usually a mounted drive, to the pool; all or nothing.

    Args:
        stack: whose pool; deployed or not.
        path: an existing folder.
        name: its name in the pool; by default the folder's own.
        observer: is told of the steps.
        limit_s: seconds in which every running container must see it.

    Returns: the pool as `pool_status` tells it, and the drive's name.
    Raises:
        UsenetError: a "storage.*" code before anything was changed; exit
            13 when it was undone, 14 when that failed too.
    Effects: a bind mount in the pool, seen in every running container.
    Undo: `remove_drive`.
    """
    with open_session(stack.folder, "storage add", observer) as session:
        plan = plan_add(stack, path, name, limit_s)
        _need_root("storage add", [str(path)], name)
        session.run(plan)
    attach = next(
        step.operation
        for step in plan.steps
        if isinstance(step.operation, AttachDrive)
    )
    result = pool_status(stack)
    result.data["added"] = attach.target.name
    inside = f"{attach.target.relative_to(stack.data_root.resolve())}"
    result.info(LATER.format(path=f"{inside} (below the data folder)"))
    return result


def plan_remove(stack: Stack, name: str) -> Plan:
    """Return what `remove_drive` would do, after all its checks.

    Raises:
        UsenetError: as `remove_drive`, before anything is changed.
    """
    drive = read_registry(stack.folder).get(name)
    if drive is None:
        known = ", ".join(read_registry(stack.folder)) or "none"
        raise UsenetError("storage.unknown", name=name, known=known)
    target = stack.media_root.resolve() / name
    here = [m for m in read_mounts() if m.target == str(target)]
    steps = []
    if here:
        device = here[-1].device
        steps += [
            Step(
                CheckUnused(stack.project, target),
                "a drive in use must not be torn away",
            ),
            Step(
                DetachDrive(Path(drive.source), target),
                f"you asked to remove {name}",
            ),
            Step(
                AwaitInContainers(stack.project, target, device, False),
                "a container that holds it would keep the drive busy",
            ),
        ]
    steps += [
        Step(RecordDrive(name), "the pool knows its drives"),
        Step(RemoveMountpoint(target), "its place in the pool is empty now"),
    ]
    return Plan("storage remove", tuple(steps))


def remove_drive(
    stack: Stack, name: str, observer: Observer = SILENT
) -> Result:
    """Take a drive out of the pool; the drive's files stay as they are.

    Args:
        stack: whose pool.
        name: of the drive, as `pool_status` lists it.
        observer: is told of the steps.

    Raises:
        UsenetError: "storage.unknown"; "storage.busy" when files are open
            in it (nothing was changed); exit 13 when it was undone.
    Effects: unmounts its bind in the pool, in all containers.
    Undo: `add_drive`.
    """
    with open_session(stack.folder, "storage remove", observer) as session:
        plan = plan_remove(stack, name)
        _need_root("storage remove", [name], None)
        # Before the plan too: a refusal is no failed transaction.
        _refuse_busy(stack, stack.media_root.resolve() / name)
        session.run(plan)
    result = pool_status(stack)
    result.data["removed"] = name
    result.info(
        f"{name} has left the pool. Its own mount is untouched: unmount "
        "the drive itself before you unplug it."
    )
    return result


def _refuse_busy(stack: Stack, target: Path) -> None:
    if not mounts_below(target, read_mounts()):
        return
    found = holders(target, pool_views(stack.project, target))
    if found:
        raise busy(target, [str(holder) for holder in found])


def _need_root(command: str, words: list[str], name: str | None) -> None:
    if os.geteuid() == 0:
        return
    line = f"sudo usenet {command} {shlex.join(words)}"
    if name is not None:
        line += f" --name {shlex.quote(name)}"
    raise UsenetError("storage.root-needed", what=command, command=line)
