"""The plans of a restore and of its undo."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from usenet_stack.backup.manifest import Manifest
from usenet_stack.backup.reading import open_archive
from usenet_stack.backup.restoring.checks import (
    check_folders,
    check_room,
    check_versions,
)
from usenet_stack.backup.restoring.closing_operations import (
    AwaitReturn,
    ForgetRestores,
    MendKeys,
    NoteRestore,
)
from usenet_stack.backup.restoring.folder_operations import (
    CarryOver,
    SetKeys,
    SwapFolders,
)
from usenet_stack.backup.restoring.operations import (
    StageBackup,
    UnpackBackup,
    refuse_missing,
)
from usenet_stack.backup.restoring.places import (
    Only,
    kept_restores,
    noted_restores,
)
from usenet_stack.backup.verify import readable
from usenet_stack.errors import UsenetError
from usenet_stack.services import plan_restart, plan_stop
from usenet_stack.stack.model import Stack
from usenet_stack.transaction import Plan, Step

RESTORE, UNDO = "backup restore", "backup undo"
STOP, START = "service.stop", "service.start"
TAKEN_BACK = "so that this can be taken back"
Steps = tuple[Step, ...]


class RestoreRequest(NamedTuple):
    """What the user asked for.

    Args:
        path: of the backup.
        services: only those; none means all that it holds and that are on.
        to: a new folder to unpack into; nothing of the stack is touched.
        identity: opens an encrypted backup.
    """

    path: Path
    services: tuple[str, ...] = ()
    only: Only = ""
    to: Path | None = None
    identity: Path | None = None


class Held(NamedTuple):
    """What a backup says of itself, and whose files are in it."""

    manifest: Manifest
    services: tuple[str, ...]


def plan_restore(
    stack: Stack, request: RestoreRequest, held: Held | None = None
) -> Plan:
    """Return the steps of a restore.

    Args:
        held: what `look_into` found, where that is known already.

    Raises:
        UsenetError: backup.damaged, backup.locked-up, backup.not-held,
            backup.no-room, backup.mount-inside, backup.needs-root,
            backup.older-app, backup.in-the-way, service.unknown.
    """
    held = held or look_into(request)
    manifest = held.manifest
    if request.to is not None:
        return _plan_unpack(stack, held, request, request.to)
    names = _names(stack, held, request)
    check_folders(stack, names)
    check_room(manifest, stack.config_root)
    check_versions(stack, manifest, names)
    id = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{_random()}"
    stage = StageBackup(id, request.path, names, request.only, request.identity)
    carry = CarryOver(id, names, manifest.type, request.only)
    swap = SwapFolders(id, names, stack.project)
    steering = _steering(stack, names)
    steps = (
        *steering.awaited,
        Step(stage, "nothing of yours is touched until it is whole"),
        *steering.stops,
        Step(carry, "they are written to while the services run"),
        Step(swap, "from here on a crash completes it", commits=True),
        *steering.starts,
        *steering.keyed(id, all=False),
        Step(NoteRestore(id), TAKEN_BACK),
        *_forgotten(stack),
    )
    return Plan(RESTORE, steps)


def _forgotten(stack: Stack) -> Steps:
    """Return what drops the restores that nobody will take back."""
    standing = [r for r in kept_restores(stack) if not r.undone]
    room = stack.settings.backup.keep_restores - 1
    stay = {record.id for record in standing[:room]}
    ids = tuple(r.id for r in noted_restores(stack) if r.id not in stay)
    why = "so many are kept (backup.keep_restores)"
    return (Step(ForgetRestores(ids), why, "continue"),) if ids else ()


def plan_undo(stack: Stack, *, redo: bool = False) -> Plan:
    """Return the steps that make the old folders live again.

    Args:
        redo: those that the last undo replaced instead.

    Raises:
        UsenetError: backup.nothing-to-undo.
    """
    kept = [record for record in kept_restores(stack) if record.undone == redo]
    if not kept:
        raise UsenetError("backup.nothing-to-undo")
    # As a pile: what was undone last is the oldest that is undone.
    record = kept[-1] if redo else kept[0]
    check_folders(stack, record.services)
    steering = _steering(stack, record.services)
    swap = SwapFolders(record.id, record.services, stack.project)
    why = "they are swapped back, and what is live now is kept instead"
    steps = (
        *steering.awaited,
        *steering.stops,
        Step(
            SetKeys(record.id, record.services), "they may have changed since"
        ),
        Step(swap, why, commits=True),
        *steering.starts,
        *steering.keyed(record.id, all=True),
        Step(NoteRestore(record.id, undone=not redo), TAKEN_BACK),
    )
    return Plan(UNDO, steps)


def look_into(request: RestoreRequest) -> Held:
    """Read the list of a backup; its content is not read yet.

    Raises:
        UsenetError: backup.damaged, backup.locked-up.
    """
    with (
        readable(request.path, request.identity) as plain,
        open_archive(plain) as archive,
    ):
        tops = {
            parts[1]
            for record in archive.records()
            if (parts := record.name.split("/"))[0] == "config"
            and len(parts) > 1
        }
        listed = archive.manifest.service_names
        return Held(archive.manifest, tuple(n for n in listed if n in tops))


def _plan_unpack(
    stack: Stack, held: Held, request: RestoreRequest, to: Path
) -> Plan:
    if to.exists() or to.is_symlink():
        raise UsenetError("backup.in-the-way", path=to)
    if not to.parent.is_dir():
        raise UsenetError("backup.no-folder", path=to.parent)
    check_room(held.manifest, to.parent)
    names = _names(stack, held, request)
    unpack = UnpackBackup(
        request.path, names, to, request.only, request.identity
    )
    return Plan(RESTORE, (Step(unpack, "you asked for it there"),))


def _names(
    stack: Stack, found: Held, request: RestoreRequest
) -> tuple[str, ...]:
    held = found.services
    if request.services:
        wanted = [stack.resolve(name).name for name in request.services]
        if missing := [name for name in wanted if name not in held]:
            refuse_missing(request.path, missing)
        return tuple(dict.fromkeys(wanted))
    known = [n for n in held if n in stack.catalog]
    if request.to is None:
        known = [name for name in known if stack.enabled(name)]
    if not known:
        refuse_missing(request.path, ["a service that is on"])
    return tuple(known)


class _Steering(NamedTuple):
    """What stops the services that run, and what starts them again.

    Args:
        running: in the order of their start.
    """

    running: tuple[str, ...] = ()
    stops: Steps = ()
    starts: Steps = ()

    @property
    def awaited(self) -> Steps:
        """Return what waits for those again if the rest is undone."""
        if not self.running:
            return ()
        why = "whatever happens, they run afterwards"
        return (Step(AwaitReturn(self.running), why),)

    def keyed(self, id: str, *, all: bool) -> Steps:
        """Return what looks after the keys once they run."""
        if not self.running:
            return ()
        why = "the others reach them with the keys in .env"
        return (Step(MendKeys(id, self.running, all), why),)


def _steering(stack: Stack, names: Sequence[str]) -> _Steering:
    on = [name for name in names if stack.enabled(name)]
    if not on:
        return _Steering()
    running = [
        name
        for step in plan_stop(stack, on).steps
        for name in getattr(step.operation, "services", ())
    ]
    if not running:
        return _Steering()
    steps = plan_restart(stack, running).steps
    stops = (s for s in steps if s.operation.kind == STOP)
    # Those that use the network of another one get new containers.
    starts = (s for s in steps if s.operation.kind != STOP)
    return _Steering(
        tuple(reversed(running)),
        tuple(Step(s.operation, "nobody may write meanwhile") for s in stops),
        tuple(Step(s.operation, "it ran before") for s in starts),
    )


def _random() -> str:
    return os.urandom(2).hex()
