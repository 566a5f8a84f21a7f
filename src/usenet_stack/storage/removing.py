"""`usenet storage remove`: a drive leaves the pool, to be unplugged."""

import shlex
from pathlib import Path

from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage.applications import (
    Applications,
    find_applications,
)
from usenet_stack.storage.containers import pool_views
from usenet_stack.storage.departure import what_holds
from usenet_stack.storage.layouts import (
    drive_place,
    is_union,
    union_place,
)
from usenet_stack.storage.mounting import mount_options
from usenet_stack.storage.mountpoints import covered
from usenet_stack.storage.mounts import is_below, mounts_below, read_mounts
from usenet_stack.storage.operations import (
    VISIBLE_WITHIN_S,
    AwaitInContainers,
    CheckUnused,
    DetachDrive,
    JoinUnion,
    LeaveUnion,
    MakeMountpoint,
    RecordDrive,
    RemoveMountpoint,
    RemoveSentinel,
    busy,
)
from usenet_stack.storage.privilege import need_root
from usenet_stack.storage.probe import Request, probe
from usenet_stack.storage.registry import PoolDrive, read_registry
from usenet_stack.storage.residents import Residents, find_residents
from usenet_stack.storage.shelving import APP_SECONDS
from usenet_stack.storage.status import pool_status
from usenet_stack.storage.union import branches_of
from usenet_stack.storage.views import View, holders
from usenet_stack.storage.watching.operations import PauseScans, ResumeScans
from usenet_stack.storage.wiring import steps_to_remove
from usenet_stack.transaction import SILENT, Observer, Plan, Step, open_session


def plan_remove(
    stack: Stack,
    name: str,
    *,
    force: bool = False,
    limit_s: float = VISIBLE_WITHIN_S,
) -> Plan:
    """Return what `remove_drive` would do, after all its checks.

    Raises:
        UsenetError: as `remove_drive`, before anything is changed.
    """
    return _checked_plan(stack, name, force, limit_s)[0]


def _checked_plan(
    stack: Stack, name: str, force: bool, limit_s: float
) -> tuple[Plan, Applications]:
    drive = known_drive(stack, name)
    if is_union(stack) and not force and not covered(drive_place(stack, name)):
        raise UsenetError("storage.union-incomplete", drives=name, first=name)
    seconds = min(APP_SECONDS, limit_s)
    found = find_applications(stack, (), seconds, all_well=not force)
    if not force:
        _refuse_inhabited(stack, name, found, seconds)
    return _plan_remove(stack, name, drive, found, limit_s), found


def known_drive(stack: Stack, name: str) -> PoolDrive:
    """Return a drive of the pool.

    Raises:
        UsenetError: "storage.unknown".
    """
    registry = read_registry(stack.folder)
    if name not in registry:
        known = ", ".join(registry) or "none"
        raise UsenetError("storage.unknown", name=name, known=known)
    return registry[name]


def inhabitants(
    stack: Stack, name: str, seconds: float = APP_SECONDS
) -> list[Residents]:
    """Return what the applications have on a drive.

    Raises:
        UsenetError: "storage.unknown"; one of app.*.
    """
    known_drive(stack, name)
    found = find_applications(stack, (), seconds, all_well=False)
    return _residents(stack, name, found, seconds)


def _residents(
    stack: Stack, name: str, found: Applications, seconds: float
) -> list[Residents]:
    asked = tuple(app.service.name for app in found.ready)
    running = {view.service for view in _views(stack, name)}
    # Download clients have no root folders, and may seed from a drive.
    clients = tuple(
        service.name
        for service in stack.services
        if service.api == "transmission" and service.name in running
    )
    return find_residents(stack, name, asked + clients, seconds)


def _views(stack: Stack, name: str) -> list[View]:
    return pool_views(stack.project, drive_place(stack, name))


def _refuse_inhabited(
    stack: Stack, name: str, found: Applications, seconds: float
) -> None:
    living = _residents(stack, name, found, seconds)
    if living:
        raise UsenetError(
            "storage.inhabited",
            name=name,
            what="; ".join(f"{r.service}: {len(r.names)} {r.what}"
                           for r in living),
            details=tuple(str(each) for each in living),
        )  # fmt: skip


def _plan_remove(
    stack: Stack,
    name: str,
    drive: PoolDrive,
    found: Applications,
    limit_s: float,
) -> Plan:
    place = drive_place(stack, name)
    seconds = min(APP_SECONDS, limit_s)
    mounts = [m for m in read_mounts() if m.target == str(place)]
    union, branches = union_place(stack), branches_of(union_place(stack))
    leaves = is_union(stack) and str(place) in branches
    last = leaves and len(branches) == 1
    steps = []
    if mounts:
        check = CheckUnused(stack.project, place)
        steps.append(Step(check, "a drive in use must not be torn away"))
    tops = [f"{stack.media_inside}/{name}"]
    if last:
        tops.append(f"{stack.media_inside}/{union.name}")
    why = f"{name} leaves the pool"
    scanners = [
        app.service.name for app in found.ready if app.service.api == "jellyfin"
    ]
    steps += [
        Step(PauseScans(each, name), "it drops what it does not find")
        for each in scanners
    ]
    steps += steps_to_remove(found.ready, tops, seconds, why)
    if leaves:
        leave = LeaveUnion(union, str(place), stack.settings.pool.create)
        steps.append(Step(leave, "the union must not miss a part"))
    if mounts:
        detach = _detach(stack, drive, place)
        gone = AwaitInContainers(
            stack.project, place, mounts[-1].device, False, limit_s
        )
        if _answers(place):
            why = "the drive is no part of it any more"
            steps.append(Step(RemoveSentinel(place), why))
        steps += [
            Step(detach, f"you asked to remove {name}"),
            Step(gone, "a container that holds it keeps the drive busy"),
        ]
    steps += [
        Step(RecordDrive(name), "the pool knows its drives"),
        Step(RemoveMountpoint(place), "its place in the pool is empty now"),
    ]
    if last:
        step = RemoveMountpoint(union)
        steps.append(Step(step, "no drive is left for the union"))
    steps += _steps_to_unite(stack, name)
    steps += [
        Step(ResumeScans(each, name), "nothing of its is missing any more")
        for each in scanners
    ]
    return Plan("storage remove", tuple(steps))


def _steps_to_unite(stack: Stack, name: str) -> list[Step]:
    """Return what brings back a union that waited for this drive alone."""
    union = union_place(stack)
    left = [
        drive_place(stack, other)
        for other in read_registry(stack.folder)
        if other != name
    ]
    waits = is_union(stack) and not covered(union)
    if not waits or not left or not all(map(covered, left)):
        return []
    create = stack.settings.pool.create
    why = "it waited for this drive alone"
    return [
        Step(MakeMountpoint(union), why),
        Step(JoinUnion(union, tuple(map(str, left)), create), why),
    ]


def _answers(place: Path) -> bool:
    """Tell whether a drive can be touched without waiting for ever."""
    (answer,) = probe([Request("statvfs", str(place), doubtful=True)])
    return answer.state != "silent"


def _detach(stack: Stack, drive: PoolDrive, place: Path) -> DetachDrive:
    if not drive.mounts:
        return DetachDrive(Path(drive.source), place)
    settings = stack.settings.stack
    how = mount_options(drive.fstype, settings.puid, settings.pgid)
    return DetachDrive(Path(drive.source), place, how.types, how.data)


def remove_drive(
    stack: Stack,
    name: str,
    observer: Observer = SILENT,
    *,
    force: bool = False,
    limit_s: float = VISIBLE_WITHIN_S,
) -> Result:
    """Take a drive out of the pool; the drive's files stay as they are.

    Args:
        stack: whose pool.
        name: of the drive, as `pool_status` lists it.
        observer: is told of the steps.
        force: even if applications have media on it, or do not answer.
        limit_s: seconds in which every container must let go of it.

    Raises:
        UsenetError: "storage.unknown"; "storage.inhabited",
            "storage.union-incomplete" and "storage.busy" (nothing was
            changed); exit 13 when undone.
    Effects: root folders and library folders go; unmounts it in the pool,
        in all containers.
    Undo: `add_drive`.
    """
    with open_session(stack.folder, "storage remove", observer) as session:
        drive = known_drive(stack, name)
        what = f"unmounting {name} from the pool"
        need_root(what, "storage remove", [name], stack)
        plan, found = _checked_plan(stack, name, force, limit_s)
        # Before the plan too: a refusal is no failed transaction.
        _refuse_busy(stack, drive_place(stack, name))
        session.run(plan)
    result = pool_status(stack)
    result.data["removed"] = name
    held = what_holds(drive)
    result.data["safe_to_unplug"] = not held
    result.data["held_by"] = held
    _tell_kept(result, stack, name, found)
    if held:
        result.info(
            "The drive itself is still mounted. Before you unplug it: sudo "
            f"umount {shlex.quote(held[0])}"
        )
    else:
        result.info(f"{name} is safe to unplug.")
    return result


def _tell_kept(
    result: Result, stack: Stack, name: str, found: Applications
) -> None:
    top = f"{stack.media_inside}/{name}"
    for app in found.ready:
        for path in app.kept:
            if is_below(path, top):
                result.info(
                    f"{app.service.title} keeps {path}: a library without "
                    "any folder would lose its items."
                )
    for service, why in found.skipped.items():
        result.info(
            f"{service} was left out: {why}. Later: usenet storage sync"
        )


def _refuse_busy(stack: Stack, target: Path) -> None:
    if not mounts_below(target, read_mounts()):
        return
    found = holders(target, pool_views(stack.project, target))
    if found:
        raise busy(target, [str(holder) for holder in found])
