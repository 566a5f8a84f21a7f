"""The operations of the storage room."""

import time
from pathlib import Path
from typing import ClassVar

from usenet_stack.errors import UsenetError
from usenet_stack.storage.containers import pool_views
from usenet_stack.storage.fitness import CheckDrive
from usenet_stack.storage.mounting import (
    PATIENCE_S,
    MountOptions,
    bind_on_itself,
    bind_tree,
    make_shared,
    mount_device,
    unmount_tree,
)
from usenet_stack.storage.mountpoints import MakeMountpoint, RemoveMountpoint
from usenet_stack.storage.mounts import Mount, mount_of, read_mounts
from usenet_stack.storage.registry import (
    Pool,
    PoolDrive,
    read_pool,
    read_registry,
    registry_path,
    write_pool,
)
from usenet_stack.storage.sentinel import RemoveSentinel, WriteSentinel
from usenet_stack.storage.shelving import AddFolder, RemoveFolder
from usenet_stack.storage.union import JoinUnion, LeaveUnion
from usenet_stack.storage.units import EnableUnit
from usenet_stack.storage.views import PAUSE_S, holders, wait_for
from usenet_stack.storage.writers import Writer, cannot_write
from usenet_stack.transaction.files import keep_file, put_back
from usenet_stack.transaction.operation import Before, Context, Operation

# A journal finds the class of every "storage." kind through this module.
__all__ = [
    "AddFolder",
    "AttachDrive",
    "AwaitInContainers",
    "CheckDrive",
    "CheckUnused",
    "DetachDrive",
    "EnableUnit",
    "JoinUnion",
    "LeaveUnion",
    "MakeMountpoint",
    "RecordDrive",
    "RemoveFolder",
    "RemoveMountpoint",
    "RemoveSentinel",
    "ShareFolder",
    "UnshareFolder",
    "WriteSentinel",
]
VISIBLE_WITHIN_S = 30.0


def _tops(path: Path) -> list[Mount]:
    return [mount for mount in read_mounts() if mount.target == str(path)]


class ShareFolder(Operation, frozen=True):
    """Make a folder a shared mount, so that containers see later mounts.

    Args:
        path: absolute, without symlinks.
    """

    kind: ClassVar[str] = "storage.share"
    path: Path

    def describe(self) -> str:
        return f"make {self.path} a shared mount"

    def prepare(self, context: Context) -> Before:
        return {"mounts": len(_tops(self.path))}

    def do(self, context: Context, before: Before) -> None:
        if not _tops(self.path):
            bind_on_itself(self.path)
        make_shared(self.path)

    def undo(self, context: Context, before: Before) -> None:
        if len(_tops(self.path)) > before["mounts"]:
            unmount_tree(self.path)

    def verify(self, context: Context) -> bool:
        return mount_of(self.path, read_mounts()).propagation == "shared"

    def manual(self, before: Before) -> str:
        return f"umount -R '{self.path}'"


class UnshareFolder(Operation, frozen=True):
    """Take away the mount that `ShareFolder` made of a folder.

    Args:
        path: absolute, without symlinks; nothing is mounted below it.
    """

    kind: ClassVar[str] = "storage.unshare"
    path: Path

    def describe(self) -> str:
        return f"unmount {self.path} from itself"

    def do(self, context: Context, before: Before) -> None:
        if _tops(self.path):
            unmount_tree(self.path)

    def undo(self, context: Context, before: Before) -> None:
        ShareFolder(self.path).do(context, before)

    def verify(self, context: Context) -> bool:
        return not _tops(self.path)

    def manual(self, before: Before) -> str:
        return f"mount --bind --make-rshared '{self.path}' '{self.path}'"


class AttachDrive(Operation, frozen=True):
    """Show a folder of the host, or a whole drive, in the pool.

    Args:
        source: the folder, or the device to mount; `target` its
            mountpoint in the pool.
        types, data: how to mount a device; empty for a folder.
    """

    kind: ClassVar[str] = "storage.attach"
    source: Path
    target: Path
    types: tuple[str, ...] = ()
    data: str = ""

    def describe(self) -> str:
        verb = "mount" if self.types else "bind"
        return f"{verb} {self.source} to {self.target}"

    def prepare(self, context: Context) -> Before:
        return {"mounts": len(_tops(self.target))}

    def do(self, context: Context, before: Before) -> None:
        if len(_tops(self.target)) == before["mounts"]:
            _attach(self)

    def undo(self, context: Context, before: Before) -> None:
        if len(_tops(self.target)) > before["mounts"]:
            unmount_tree(self.target)

    def verify(self, context: Context) -> bool:
        return bool(_tops(self.target))

    def manual(self, before: Before) -> str:
        return f"umount -R '{self.target}'"


class DetachDrive(Operation, frozen=True):
    """Take a drive out of the pool.

    Args:
        source, target, types, data: how it came there, for the undo.
    """

    kind: ClassVar[str] = "storage.detach"
    source: Path
    target: Path
    types: tuple[str, ...] = ()
    data: str = ""

    def describe(self) -> str:
        return f"unmount {self.target}"

    def prepare(self, context: Context) -> Before:
        return {"mounts": len(_tops(self.target))}

    def do(self, context: Context, before: Before) -> None:
        try:
            unmount_tree(self.target)
        except OSError as problem:
            raise UsenetError(
                "storage.busy",
                name=self.target.name,
                holders="a process",
                path=self.target,
                why=str(problem),
            ) from problem

    def undo(self, context: Context, before: Before) -> None:
        if len(_tops(self.target)) < before["mounts"]:
            _attach(self)

    def verify(self, context: Context) -> bool:
        return not _tops(self.target)

    def manual(self, before: Before) -> str:
        how = f"-t {self.types[0]}" if self.types else "--rbind"
        return f"mount {how} '{self.source}' '{self.target}'"


def _attach(drive: AttachDrive | DetachDrive) -> None:
    if not drive.types:
        bind_tree(drive.source, drive.target)
        return
    try:
        how = MountOptions(drive.types, drive.data)
        mount_device(str(drive.source), drive.target, how)
    except OSError as problem:
        raise UsenetError(
            "storage.unmountable",
            path=drive.source,
            fstype=drive.types[0],
            why=f"{problem.strerror}.",
        ) from problem


class AwaitInContainers(Operation, frozen=True):
    """Wait until every running container sees a pool mount, or none does.

    Args:
        project: the Compose project.
        path: the mountpoint; `device` its "major:minor", "" for what is
            mounted there when it is done.
        there: True waits for it to appear, False for it to vanish.
        limit_s: seconds to wait.
        writers: services that must be able to write as well.
    """

    kind: ClassVar[str] = "storage.await"
    project: str
    path: Path
    device: str
    there: bool
    limit_s: float = VISIBLE_WITHIN_S
    writers: tuple[Writer, ...] = ()

    def describe(self) -> str:
        if not self.there:
            wanted = "have let go of"
        else:
            wanted = "can use" if self.writers else "see"
        return f"wait until all containers {wanted} {self.path}"

    def do(self, context: Context, before: Before) -> None:
        end = time.monotonic() + self.limit_s
        views = pool_views(self.project, self.path)
        tops = _tops(self.path)
        device = self.device or (tops[-1].device if tops else "")
        words = "see it" if self.there else "have let go"
        late = wait_for(
            views,
            self.path,
            device,
            there=self.there,
            limit_s=self.limit_s,
            told=lambda done: context.progress(
                words, done, len(views), "containers"
            ),
        )
        if late:
            raise self._error(late)
        if self.writers:
            left = max(0.0, end - time.monotonic())
            refused = cannot_write(views, self.writers, self.path, left)
            if refused:
                raise self._unwritable(refused)

    def _error(self, late: list[str]) -> UsenetError:
        return UsenetError(
            "storage.invisible" if self.there else "storage.held",
            path=self.path,
            name=self.path.name,
            containers=", ".join(late),
            seconds=int(self.limit_s),
            services=" ".join(late),
        )

    def _unwritable(self, refused: dict[str, str]) -> UsenetError:
        return UsenetError(
            "storage.refused-inside",
            path=self.path,
            containers=", ".join(refused),
            details=tuple(f"{name}: {why}" for name, why in refused.items()),
            why="; ".join(dict.fromkeys(refused.values())) + ".",
            uid=self.writers[0].uid,
            gid=self.writers[0].gid,
        )

    def undo(self, context: Context, before: Before) -> None:
        """Waiting changed nothing."""


class CheckUnused(Operation, frozen=True):
    """Refuse to go on while a process has files open in a drive.

    Args:
        project: the Compose project; `path` the mountpoint.
    """

    kind: ClassVar[str] = "storage.check-unused"
    project: str
    path: Path

    def describe(self) -> str:
        return f"make sure that nothing is open in {self.path}"

    def do(self, context: Context, before: Before) -> None:
        end = time.monotonic() + PATIENCE_S
        views = pool_views(self.project, self.path)
        while found := holders(self.path, views):
            if time.monotonic() >= end:
                raise busy(self.path, [str(holder) for holder in found])
            time.sleep(PAUSE_S)

    def undo(self, context: Context, before: Before) -> None:
        """Looking changed nothing."""


def busy(path: Path, found: list[str]) -> UsenetError:
    """Return the error that names who uses a drive."""
    return UsenetError(
        "storage.busy",
        name=path.name,
        path=path,
        holders=", ".join(found[:3]) + (" ..." if len(found) > 3 else ""),
        details=tuple(found),
    )


class RecordDrive(Operation, frozen=True):
    """Note in the stack which drives its pool has.

    Args:
        drive: the drive to note; None forgets the one called `name`.
        name: its name in the pool.
        pool: the pool's id, for when it has none yet.
    """

    kind: ClassVar[str] = "storage.record"
    name: str
    drive: PoolDrive | None = None
    pool: str = ""

    def describe(self) -> str:
        verb = "note" if self.drive else "forget"
        return f"{verb} the drive {self.name} in the stack's pool"

    def prepare(self, context: Context) -> Before:
        return {"kept": keep_file(context, registry_path(context.stack_folder))}

    def do(self, context: Context, before: Before) -> None:
        known = read_pool(context.stack_folder)
        drives = {n: d for n, d in known.drives.items() if n != self.name}
        departed = [name for name in known.departed if name != self.name]
        if self.drive is not None:
            drives[self.name] = self.drive
        else:
            departed.append(self.name)
        found = Pool(known.id or self.pool, drives, tuple(departed))
        write_pool(context.stack_folder, found)

    def undo(self, context: Context, before: Before) -> None:
        put_back(before["kept"], registry_path(context.stack_folder))

    def verify(self, context: Context) -> bool:
        known = read_registry(context.stack_folder)
        return known.get(self.name) == self.drive

    def manual(self, before: Before) -> str:
        return f"usenet storage remove {self.name}"
