"""`usenet storage apply`: the pool as it was recorded is there again."""

from pathlib import Path

from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage.adding import steps_to_share
from usenet_stack.storage.blockdevices import BlockDevice, read_block_devices
from usenet_stack.storage.layouts import (
    drive_place,
    is_union,
    union_place,
)
from usenet_stack.storage.mounting import mount_options
from usenet_stack.storage.mountpoints import MakeMountpoint, covered
from usenet_stack.storage.mounts import Mount, is_below, read_mounts
from usenet_stack.storage.operations import AttachDrive, JoinUnion
from usenet_stack.storage.privilege import need_root
from usenet_stack.storage.registry import PoolDrive, read_pool
from usenet_stack.storage.sentinel import read_sentinel
from usenet_stack.storage.sources import find_uuid
from usenet_stack.storage.status import pool_status
from usenet_stack.storage.union import branches_of
from usenet_stack.transaction import SILENT, Observer, Plan, Step, open_session


def plan_apply(stack: Stack, names: tuple[str, ...] = ()) -> Plan:
    """Return the steps that are missing to the pool as it was recorded.

    Drives that are away are left out; nothing is done twice. A union comes
    back with the last of its drives: applications that saw it without one
    would take what lies there for deleted.

    Args:
        names: only these drives; empty means all.
    """
    pool = read_pool(stack.folder)
    table, devices = read_mounts(), read_block_devices()
    steps: list[Step] = []
    here: list[str] = []
    for name, drive in pool.drives.items():
        place = drive_place(stack, name)
        wanted = not names or name in names
        if covered(place):
            here.append(name)
        elif not wanted:
            continue
        elif attach := _attach(stack, pool.id, name, drive, table, devices):
            here.append(name)
            steps.append(Step(MakeMountpoint(place), "it needs a place"))
            why = f"the drive {name} is here"
            steps.append(Step(attach, why, "continue"))
    if len(here) == len(pool.drives):
        steps += _union_steps(stack, here)
    if pool.drives:
        steps = [*steps_to_share(stack), *steps]
    return Plan("storage apply", tuple(steps))


def _attach(
    stack: Stack,
    pool: str,
    name: str,
    drive: PoolDrive,
    table: list[Mount],
    devices: list[BlockDevice],
) -> AttachDrive | None:
    """Return how a drive comes back, None while it is away."""
    place = drive_place(stack, name)
    device = find_uuid(drive.uuid, devices)
    if drive.mounts:
        path = device.path if device else drive.by_id or drive.device
        if device is None and (drive.uuid or not Path(path).is_block_device()):
            return None
        settings = stack.settings.stack
        same = [d.path for d in devices if drive.uuid and d.uuid == drive.uuid]
        how = mount_options(
            drive.fstype, settings.puid, settings.pgid, tuple(same)
        )
        return AttachDrive(Path(path), place, how.types, how.data)
    # Where it was, or wherever the system has mounted it this time.
    places = [Path(drive.source)]
    if device is not None:
        top = str(stack.data_root.resolve())
        places += [
            Path(mount.target)
            for mount in table
            if mount.source == device.path
            and mount.root == "/"
            and not is_below(mount.target, top)
        ]
    for folder in dict.fromkeys(places):
        told = read_sentinel(folder)
        if told is not None and (told.pool, told.name) == (pool, name):
            return AttachDrive(folder, place)
    return None


def _union_steps(stack: Stack, here: list[str]) -> list[Step]:
    if not is_union(stack) or not here:
        return []
    union = union_place(stack)
    branches = tuple(str(drive_place(stack, name)) for name in here)
    if set(branches) <= set(branches_of(union)):
        return []
    create = stack.settings.pool.create
    return [
        Step(MakeMountpoint(union), "the union's own place"),
        Step(
            JoinUnion(union, branches, create),
            "one folder shows all drives",
            "continue",
        ),
    ]


def apply_pool(
    stack: Stack, observer: Observer = SILENT, names: tuple[str, ...] = ()
) -> Result:
    """Mount the pool as it was recorded; run twice it does nothing more.

    Args:
        names: only these drives; empty means all.

    Returns: the pool as `pool_status` tells it; drives that are away are
        warnings, not failures.
    Raises:
        UsenetError: "storage.root-needed"; exit 13 when it was undone.
    Effects: mounts below the pool, seen in every running container.
    Undo: `remove_drive`.
    """
    with open_session(stack.folder, "storage apply", observer) as session:
        plan = plan_apply(stack, names)
        if plan.steps:
            need_root("mounting the pool", "storage apply", [], stack)
        outcome = session.run(plan)
    # At boot Docker waits for this, and its socket would wait for Docker.
    result = pool_status(stack, seconds=0)
    result.data["steps"] = len(plan.steps)
    for failure in outcome.failures:
        result.errors.append(failure.error)
        result.partial = True
    return result
