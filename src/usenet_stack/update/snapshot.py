"""The settings of one service as they were: taken, and put back whole."""

import errno
import os
import shutil
from functools import partial
from itertools import count
from pathlib import Path

from usenet_stack.backup import is_dropped
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service
from usenet_stack.storage import read_mounts
from usenet_stack.transaction.durable import (
    sync_file_system,
    sync_folder,
    write_durably,
)
from usenet_stack.update.copying import (
    Dropped,
    copy_tree,
    empty,
    measure,
)

# The stack's other services write meanwhile; a full disk would stop them.
RESERVE_BYTES = 64 * 1024 * 1024
ANOTHER_MOUNT = (errno.EXDEV, errno.EBUSY)


def config_of(stack: Stack, service: Service) -> Path:
    """Return the folder with the settings of a service; it may be absent."""
    return stack.config_folder(service).resolve()


def check_snapshot(stack: Stack, service: Service, near: Path) -> None:
    """Check that a snapshot can be taken, and put back.

    Args:
        near: an existing folder on the file system that will hold it.

    Raises:
        UsenetError: update.mount-inside, update.needs-root,
            update.no-room.
    """
    folder = config_of(stack, service)
    for mount in read_mounts():
        if mount.target.startswith(f"{folder}/"):
            # It would be carried off with the folder, and lost with it.
            raise UsenetError(
                "update.mount-inside", service=service.name, path=mount.target
            )
    try:
        size = measure(folder, _dropped(service))
    except PermissionError as problem:
        raise _needs_root(stack, service, str(problem.filename)) from problem
    if size.foreign and os.geteuid() != 0:
        raise _needs_root(stack, service, size.foreign)
    disk = os.statvfs(near)
    free = disk.f_bavail * disk.f_frsize - RESERVE_BYTES
    if size.bytes > free:
        raise UsenetError(
            "update.no-room",
            service=service.name,
            mebibytes=-(-(size.bytes - free) // 2**20),
            folder=near,
        )


def _needs_root(stack: Stack, service: Service, path: str) -> UsenetError:
    return UsenetError(
        "update.needs-root",
        service=service.name,
        path=path,
        folder=stack.folder,
    )


def _dropped(service: Service) -> Dropped:
    return partial(_is_dropped, service)


def _is_dropped(service: Service, below: str) -> bool:
    return is_dropped(below, service.backup)


def snapshot_config(stack: Stack, service: Service, target: Path) -> None:
    """Take a durable copy of a service's settings, whole or not at all.

    Its container must not run: then a plain copy is consistent, databases
    with their logs included. What the catalogue calls regenerable is left
    out; folders of it are there, empty.

    Args:
        target: the copy; what a crash left of an earlier one is removed.
            On the file system of the settings, putting it back is a rename.

    Raises:
        UsenetError: as `check_snapshot`.
        OSError: it could not be copied.
    Effects: `target`, and beside it a mark that it is whole.
    Undo: `discard_snapshot`; `put_back` uses it.
    """
    discard_snapshot(target)
    check_snapshot(stack, service, target.parent)
    copy_tree(config_of(stack, service), target, _dropped(service))
    sync_file_system(target)
    write_durably(_mark(target), b"", 0o600)


def is_whole(target: Path) -> bool:
    """Tell whether a snapshot is complete and was not put back yet."""
    return _mark(target).exists()


def discard_snapshot(target: Path) -> None:
    """Remove a snapshot, or what there is of it."""
    if _mark(target).exists():
        _mark(target).unlink()
        sync_folder(target.parent)
    if target.exists():
        shutil.rmtree(target)


def put_back(target: Path, folder: Path) -> None:
    """Make a service's settings what they were, all of them or none.

    A crash in the middle is mended by calling it again, as long as nothing
    starts the service before.

    Args:
        target: a snapshot; one that is not whole changes nothing.
        folder: the settings, which nobody uses now.

    Effects: the present settings stand beside the snapshot afterwards,
        until that place is cleared.
    Raises:
        OSError: it is not done; call it again.
    """
    if not is_whole(target):
        return
    if target.exists():
        try:
            _exchange(target, folder)
        except OSError as problem:
            if problem.errno not in ANOTHER_MOUNT:
                raise
            _refill(target, folder)
    _mark(target).unlink()
    sync_folder(target.parent)


def _exchange(target: Path, folder: Path) -> None:
    if folder.exists():
        names = (f"{target.name}.{number}" for number in count(1))
        asides = (target.with_name(name) for name in names)
        folder.rename(next(a for a in asides if not a.exists()))
        sync_folder(target.parent)
    target.rename(folder)
    sync_folder(folder.parent)
    sync_folder(target.parent)


def _refill(target: Path, folder: Path) -> None:
    """The way for settings on a mount of their own, which cannot move."""
    folder.mkdir(exist_ok=True)
    empty(folder)
    copy_tree(target, folder)
    sync_file_system(folder)


def _mark(target: Path) -> Path:
    return target.with_name(f"{target.name}.whole")
