"""The operations of the storage room."""

from pathlib import Path
from typing import ClassVar

from usenet_stack.errors import UsenetError
from usenet_stack.storage.containers import pool_views
from usenet_stack.storage.mounting import (
    bind_on_itself,
    bind_tree,
    make_shared,
    unmount_tree,
)
from usenet_stack.storage.mounts import Mount, mount_of, read_mounts
from usenet_stack.storage.registry import (
    PoolDrive,
    read_registry,
    registry_path,
    write_registry,
)
from usenet_stack.storage.views import holders, wait_for
from usenet_stack.transaction.files import keep_file, put_back
from usenet_stack.transaction.operation import Before, Context, Operation

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


class MakeMountpoint(Operation, frozen=True):
    """Make an empty folder that a drive is going to cover.

    Nobody but root may write into it: what an application wrote there
    while the drive is away would hide under the drive afterwards.

    Args:
        path: absolute; its parent exists.
    """

    kind: ClassVar[str] = "storage.make-mountpoint"
    path: Path

    def describe(self) -> str:
        return f"create the mountpoint {self.path}"

    def prepare(self, context: Context) -> Before:
        return {"existed": self.path.is_dir()}

    def do(self, context: Context, before: Before) -> None:
        if not _tops(self.path):
            self.path.mkdir(mode=0o555, exist_ok=True)
            self.path.chmod(0o555)

    def undo(self, context: Context, before: Before) -> None:
        if not before["existed"] and self.path.is_dir():
            self.path.rmdir()

    def verify(self, context: Context) -> bool:
        return self.path.is_dir()

    def manual(self, before: Before) -> str:
        return f"rmdir '{self.path}'"


class AttachDrive(Operation, frozen=True):
    """Show a folder of the host, or a whole drive, in the pool.

    Args:
        source: the folder; `target` its mountpoint in the pool.
    """

    kind: ClassVar[str] = "storage.attach"
    source: Path
    target: Path

    def describe(self) -> str:
        return f"bind {self.source} to {self.target}"

    def prepare(self, context: Context) -> Before:
        return {"mounts": len(_tops(self.target))}

    def do(self, context: Context, before: Before) -> None:
        if len(_tops(self.target)) == before["mounts"]:
            bind_tree(self.source, self.target)

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
        source: what it shows, for the undo; `target` its mountpoint.
    """

    kind: ClassVar[str] = "storage.detach"
    source: Path
    target: Path

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
            bind_tree(self.source, self.target)

    def verify(self, context: Context) -> bool:
        return not _tops(self.target)

    def manual(self, before: Before) -> str:
        return f"mount --rbind '{self.source}' '{self.target}'"


class AwaitInContainers(Operation, frozen=True):
    """Wait until every running container sees a pool mount, or none does.

    Args:
        project: the Compose project.
        path: the mountpoint; `device` its "major:minor".
        there: True waits for it to appear, False for it to vanish.
        limit_s: seconds to wait.
    """

    kind: ClassVar[str] = "storage.await"
    project: str
    path: Path
    device: str
    there: bool
    limit_s: float = VISIBLE_WITHIN_S

    def describe(self) -> str:
        wanted = "see" if self.there else "have let go of"
        return f"wait until all containers {wanted} {self.path}"

    def do(self, context: Context, before: Before) -> None:
        views = pool_views(self.project, self.path)
        late = wait_for(
            views,
            self.path,
            self.device,
            there=self.there,
            limit_s=self.limit_s,
        )
        if late:
            code = "storage.invisible" if self.there else "storage.held"
            raise UsenetError(
                code,
                path=self.path,
                name=self.path.name,
                containers=", ".join(late),
                seconds=int(self.limit_s),
                services=" ".join(late),
            )

    def undo(self, context: Context, before: Before) -> None:
        """Waiting changed nothing."""


class RemoveMountpoint(Operation, frozen=True):
    """Remove an empty mountpoint.

    Args:
        path: absolute.
    """

    kind: ClassVar[str] = "storage.remove-mountpoint"
    path: Path

    def describe(self) -> str:
        return f"remove the empty mountpoint {self.path}"

    def prepare(self, context: Context) -> Before:
        return {"existed": self.path.is_dir()}

    def do(self, context: Context, before: Before) -> None:
        if self.path.is_dir():
            self.path.rmdir()

    def undo(self, context: Context, before: Before) -> None:
        if before["existed"]:
            self.path.mkdir(mode=0o555, exist_ok=True)
            self.path.chmod(0o555)

    def verify(self, context: Context) -> bool:
        return not self.path.exists()

    def manual(self, before: Before) -> str:
        return f"mkdir '{self.path}'"


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
        found = holders(self.path, pool_views(self.project, self.path))
        if found:
            raise busy(self.path, [str(holder) for holder in found])

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
    """

    kind: ClassVar[str] = "storage.record"
    name: str
    drive: PoolDrive | None = None

    def describe(self) -> str:
        verb = "note" if self.drive else "forget"
        return f"{verb} the drive {self.name} in the stack's pool"

    def prepare(self, context: Context) -> Before:
        return {"kept": keep_file(context, registry_path(context.stack_folder))}

    def do(self, context: Context, before: Before) -> None:
        drives = dict(read_registry(context.stack_folder))
        drives.pop(self.name, None)
        if self.drive is not None:
            drives[self.name] = self.drive
        write_registry(context.stack_folder, drives)

    def undo(self, context: Context, before: Before) -> None:
        put_back(before["kept"], registry_path(context.stack_folder))

    def verify(self, context: Context) -> bool:
        known = read_registry(context.stack_folder)
        return known.get(self.name) == self.drive

    def manual(self, before: Before) -> str:
        return f"usenet storage remove {self.name}"
