"""`usenet storage add`: a drive joins the pool, while everything runs."""

import os
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import msgspec

from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage.admission import admit
from usenet_stack.storage.applications import (
    Applications,
    find_applications,
)
from usenet_stack.storage.layouts import (
    drive_place,
    folder_names,
    is_union,
    library_place,
    pool_folder,
    roots,
    union_place,
)
from usenet_stack.storage.mounting import mount_options
from usenet_stack.storage.mountpoints import covered
from usenet_stack.storage.operations import (
    VISIBLE_WITHIN_S,
    AttachDrive,
    AwaitInContainers,
    CheckDrive,
    JoinUnion,
    MakeMountpoint,
    RecordDrive,
    ShareFolder,
    WriteSentinel,
)
from usenet_stack.storage.pool import pool_is_shared
from usenet_stack.storage.privilege import need_root
from usenet_stack.storage.probe import Request, probe
from usenet_stack.storage.registry import PoolDrive, read_pool, read_registry
from usenet_stack.storage.sentinel import Sentinel
from usenet_stack.storage.shelving import APP_SECONDS
from usenet_stack.storage.sources import Source
from usenet_stack.storage.status import pool_status
from usenet_stack.storage.union import require_mergerfs
from usenet_stack.storage.wiring import steps_to_add
from usenet_stack.storage.writers import writers_of
from usenet_stack.transaction import SILENT, Observer, Plan, Step, open_session
from usenet_stack.transaction.files import MakeFolder, MakeFolders


class Addition(msgspec.Struct, frozen=True):
    """What `storage add` was asked for.

    Args:
        named: a folder, a device or a UUID.
        name: its name in the pool; None: its own.
        services: whose root folders it becomes; empty: all.
        limit_s: seconds in which every container must see it; no
            application may take longer to answer either.
    """

    named: str
    name: str | None = None
    services: tuple[str, ...] = ()
    limit_s: float = VISIBLE_WITHIN_S

    @property
    def app_seconds(self) -> float:
        return min(APP_SECONDS, max(0.5, self.limit_s))


def plan_add(
    stack: Stack,
    path: Path | str,
    name: str | None = None,
    limit_s: float = VISIBLE_WITHIN_S,
    services: tuple[str, ...] = (),
) -> Plan:
    """Return what `add_drive` would do, after all its checks.

    Raises:
        UsenetError: as `add_drive`, before anything is changed.
    """
    wish = Addition(os.fspath(path), name, services, limit_s)
    return _checked_plan(stack, wish)[0]


class _Checked(NamedTuple):
    plan: Plan
    source: Source
    name: str
    found: Applications


def _checked_plan(stack: Stack, wish: Addition) -> _Checked:
    source, name = admit(stack, wish.named, wish.name)
    refuse_union(stack)
    if is_union(stack):
        refuse_incomplete(stack, name)
    known = read_registry(stack.folder).get(name)
    if known and known.services and not wish.services:
        # A drive that was away comes back to those that had it.
        wish = msgspec.structs.replace(wish, services=known.services)
    found = find_applications(stack, wish.services, wish.app_seconds)
    plan = _plan_add(stack, wish, source, name, found)
    return _Checked(plan, source, name, found)


def _plan_add(
    stack: Stack,
    wish: Addition,
    source: Source,
    name: str,
    found: Applications,
) -> Plan:
    place = drive_place(stack, name)
    pool = read_pool(stack.folder).id or uuid4().hex
    names = tuple(stack.resolve(each).name for each in wish.services)
    drive = PoolDrive(
        str(source.path), source.uuid, source.device, source.by_id,
        source.fstype, source.mounts, names,
    )  # fmt: skip
    steps = steps_to_share(stack)
    steps += [
        Step(MakeMountpoint(place), f"{name} needs a place in the pool"),
        Step(RecordDrive(name, drive, pool), "the pool knows its drives"),
        Step(_attach(stack, source, place), f"you asked for {source.path}"),
    ]
    owner = stack.settings.stack
    folders = tuple(folder_names(stack).values())
    if source.mounts:
        check = CheckDrive(place, owner.puid, owner.pgid, folders, pool)
        steps.append(Step(check, "only now its files can be seen"))
    steps += steps_on_drive(stack, name, Sentinel(pool, name, source.uuid))
    steps += steps_to_show(stack, (name,), wish.limit_s)
    steps += steps_to_add(found.ready, roots(stack, name), wish.app_seconds)
    return Plan("storage add", tuple(steps))


def refuse_union(stack: Stack) -> None:
    """Check that a union could be made, where that is the layout.

    mergerfs touches its branches with the rights of whoever asks, by their
    whole path: a folder above them that the applications' user cannot pass
    would hide all drives.

    Raises:
        UsenetError: "storage.no-mergerfs", "storage.unreachable".
    """
    if not is_union(stack):
        return
    require_mergerfs()
    settings = stack.settings.stack
    owner = (settings.puid, settings.pgid)
    pool = pool_folder(stack)
    above = [pool, *pool.parents]
    asked = [Request("reach", str(folder)) for folder in above]
    for folder, answer in zip(
        reversed(above), reversed(probe(asked, identity=owner)), strict=True
    ):
        if answer.errno == "EACCES":
            raise UsenetError(
                "storage.unreachable",
                path=pool,
                folder=folder.parent,
                uid=owner[0],
            )


def refuse_incomplete(stack: Stack, name: str) -> None:
    """Check that all drives of the pool but one are there.

    Raises:
        UsenetError: "storage.union-incomplete".
    """
    away = [
        other
        for other in read_registry(stack.folder)
        if other != name and not covered(drive_place(stack, other))
    ]
    if away:
        raise UsenetError(
            "storage.union-incomplete", drives=", ".join(away), first=away[0]
        )


def steps_to_share(stack: Stack) -> list[Step]:
    """Return the step that lets containers see later mounts, if needed."""
    if pool_is_shared(stack):
        return []
    why = "running containers must see what is mounted later"
    return [Step(ShareFolder(stack.data_root.resolve()), why)]


def _attach(stack: Stack, source: Source, place: Path) -> AttachDrive:
    if not source.mounts:
        return AttachDrive(source.path, place)
    settings = stack.settings.stack
    how = mount_options(
        source.fstype, settings.puid, settings.pgid, source.devices
    )
    return AttachDrive(source.path, place, how.types, how.data)


def steps_on_drive(stack: Stack, name: str, sentinel: Sentinel) -> list[Step]:
    """Return the steps that make what the drive itself must hold."""
    place = drive_place(stack, name)
    settings = stack.settings.stack
    folders = tuple(
        MakeFolder(place / folder, 0o775, settings.puid, settings.pgid)
        for folder in folder_names(stack).values()
    )
    return [
        Step(
            WriteSentinel(place, sentinel),
            "an empty mountpoint must never pass for the drive",
        ),
        Step(MakeFolders(folders), "each kind of media has its own"),
    ]


def steps_to_show(
    stack: Stack, names: tuple[str, ...], limit_s: float
) -> list[Step]:
    """Return the steps until the containers can use mounted drives."""
    steps = []
    if is_union(stack):
        # The union is gone while one of its drives is away: all join it.
        all_names = dict.fromkeys((*read_registry(stack.folder), *names))
        join = JoinUnion(
            union_place(stack),
            tuple(str(drive_place(stack, name)) for name in all_names),
            stack.settings.pool.create,
        )
        steps += [
            Step(MakeMountpoint(union_place(stack)), "the union's own place"),
            Step(join, "one folder shows all drives"),
        ]
    places = dict.fromkeys(library_place(stack, name) for name in names)
    why = "no container is restarted, so each must see it by itself"
    writers = writers_of(stack)
    for place in places:
        steps.append(
            Step(
                AwaitInContainers(
                    stack.project, place, "", True, limit_s, writers
                ),
                why,
            )
        )
    return steps


def add_drive(
    stack: Stack,
    path: Path | str,
    name: str | None = None,
    observer: Observer = SILENT,
    limit_s: float = VISIBLE_WITHIN_S,
    services: tuple[str, ...] = (),
) -> Result:
    """Add a drive to the pool and to the applications; all or nothing.

    Args:
        stack: whose pool; deployed or not.
        path: a folder, usually where a drive is mounted; a device or UUID.
        name: its name in the pool; by default the drive's own.
        observer: is told of the steps.
        limit_s: seconds in which every running container must see it.
        services: whose root folders and libraries get it; empty: all.

    Returns: the pool as `pool_status` tells it, and the drive's name.
    Raises:
        UsenetError: a "storage.*" or "app.*" code before anything was
            changed; exit 13 when it was undone, 14 when that failed too.
    Effects: a mount in the pool, seen in every running container; a
        sentinel and the media folders on the drive; root folders and
        library folders in the applications.
    Undo: `remove_drive`.
    """
    wish = Addition(os.fspath(path), name, services, limit_s)
    with open_session(stack.folder, "storage add", observer) as session:
        plan, source, chosen, found = _checked_plan(stack, wish)
        what = f"mounting {source.path} in the pool"
        need_root(what, "storage add", _words(wish), stack)
        session.run(plan)
    result = pool_status(stack)
    result.data["added"] = chosen
    result.data["folders"] = {
        app.service.name: [
            roots(stack, chosen)[media] for media in app.service.keeps
        ]
        for app in found.ready
    }
    result.data["skipped"] = found.skipped
    _tell_skipped(result, found)
    return result


def _words(wish: Addition) -> list[str]:
    words = [wish.named]
    if wish.name is not None:
        words += ["--name", wish.name]
    if wish.services:
        words += ["--services", ",".join(wish.services)]
    return words


def _tell_skipped(result: Result, found: Applications) -> None:
    for service, why in found.skipped.items():
        result.info(
            f"{service} was left out: {why}. Later: usenet storage sync"
        )
