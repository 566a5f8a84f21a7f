"""Mount and unmount by system call: atomic, and no program to be missing.

A plain recursive bind of a shared tree joins its peer group, and unmounting
the copy's inner mounts would then unmount the originals too. So the tree is
cloned while detached, cut off from the original, and attached whole: before
the last call nothing is there, after it everything.

Source: open_tree(2), mount_setattr(2), move_mount(2), umount(2).
"""

import ctypes
import errno
import os
import time
from pathlib import Path
from typing import NamedTuple

from usenet_stack.storage.mounts import read_mounts

PATIENCE_S = 3.0
_PAUSE_S = 0.05

_libc = ctypes.CDLL(None, use_errno=True)

# The same numbers on every architecture that Debian supports.
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MS_NOSUID, _MS_NODEV, _MS_NOATIME = 2, 4, 1024
_MS_BIND, _MS_REC = 4096, 16384
_MS_PRIVATE, _MS_SHARED = 1 << 18, 1 << 20
_UMOUNT_NOFOLLOW = 8
_MNT_DETACH = 2


class MountOptions(NamedTuple):
    """How a file system is mounted.

    Args:
        types: the kernel's names for it; a later one is for kernels that
            lack those before.
        data: its own options.
    """

    types: tuple[str, ...]
    data: str = ""


def mount_options(
    fstype: str, uid: int, gid: int, devices: tuple[str, ...] = ()
) -> MountOptions:
    """Return how to mount a file system so that the services can write.

    Args:
        fstype: as lsblk names it.
        uid, gid: of the services; those who keep no owners get them here.
        devices: all of a btrfs of several.

    Source: Documentation/filesystems/{vfat,ntfs3}.rst, fs/exfat/super.c.
    """
    owner = f"uid={uid},gid={gid},umask=0002"
    match fstype:
        case "vfat" | "msdos":
            return MountOptions(("vfat",), f"{owner},quiet,utf8")
        case "exfat":
            return MountOptions(("exfat",), owner)
        case "ntfs":
            return MountOptions(("ntfs3", "ntfs"), owner)
        case "hfsplus":
            return MountOptions(("hfsplus",), owner)
        case "btrfs":
            several = devices if len(devices) > 1 else ()
            return MountOptions(
                ("btrfs",), ",".join(f"device={each}" for each in several)
            )
    return MountOptions((fstype,))


# What keeps no owners on the disk: the mount decides whose its files are.
OWNERLESS = (
    *("vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "hfsplus"),
    *("fuse.exfat", "cifs", "smb3", "fuse.rclone"),
)


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def bind_tree(source: Path, target: Path) -> None:
    """Show `source`, with all that is mounted in it, at `target` as well.

    Args:
        source, target: existing folders, absolute, without symlinks.

    Raises:
        OSError: nothing was mounted.
    Undo: `unmount_tree(target)`; it leaves the originals alone.
    """
    try:
        _bind_detached(source, target)
    except OSError as problem:
        if problem.errno != errno.ENOSYS:
            raise
        # A kernel before 5.12: what is mounted inside stays outside.
        _mount(source, target, _MS_BIND)


def _bind_detached(source: Path, target: Path) -> None:
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    path = os.fsencode(source)
    tree = _checked(
        _libc.syscall(_SYS_OPEN_TREE, _AT_FDCWD, path, flags), source
    )
    try:
        wanted = _MountAttributes(propagation=_MS_PRIVATE)
        _checked(
            _libc.syscall(
                _SYS_MOUNT_SETATTR,
                tree,
                b"",
                _AT_EMPTY_PATH | _AT_RECURSIVE,
                ctypes.byref(wanted),
                ctypes.c_size_t(ctypes.sizeof(wanted)),
            ),
            source,
        )
        _checked(
            _libc.syscall(
                _SYS_MOVE_MOUNT,
                tree,
                b"",
                _AT_FDCWD,
                os.fsencode(target),
                _MOVE_MOUNT_F_EMPTY_PATH,
            ),
            target,
        )
    finally:
        os.close(tree)


def mount_device(device: str, target: Path, how: MountOptions) -> None:
    """Mount the file system of a device.

    Args:
        device: "/dev/sdb1"; `target` an existing folder.
        how: the types to try, in order, and the file system's options.

    Raises:
        OSError: nothing was mounted.
    Undo: `unmount_tree(target)`.
    """
    for last, kind in enumerate(how.types, 1 - len(how.types)):
        done = _libc.mount(
            os.fsencode(device),
            os.fsencode(target),
            kind.encode(),
            ctypes.c_ulong(_MS_NOSUID | _MS_NODEV | _MS_NOATIME),
            how.data.encode(),
        )
        if done == 0:
            return
        number = ctypes.get_errno()
        if number != errno.ENODEV or last == 0:
            why = os.strerror(number)
            if number == errno.ENODEV:
                why = f"this kernel has no driver for {kind}"
            raise OSError(number, why, device)


def bind_on_itself(folder: Path) -> None:
    """Make a folder a mount of its own, with what is mounted in it."""
    _mount(folder, folder, _MS_BIND | _MS_REC)


def make_shared(folder: Path) -> None:
    """Let mounts made below a mounted folder later reach its copies."""
    _mount(None, folder, _MS_SHARED | _MS_REC)


def unmount_tree(folder: Path, patience_s: float = PATIENCE_S) -> None:
    """Unmount `folder` and what is mounted in it, innermost first.

    Only the uppermost of several mounts on the folder goes, with what lies
    in it; a folder that is no mount is left alone.

    Args:
        patience_s: seconds to wait for who has something open in it. Whoever
            looks through a folder is mostly done in a moment.

    Raises:
        OSError: EBUSY when something in it stays in use; then what could be
            unmounted before it is gone.
    """
    end = time.monotonic() + patience_s
    table = read_mounts()
    tops = [mount for mount in table if mount.target == str(folder)]
    # What an older mount on the same folder holds is covered: not ours.
    tree = tops[-1:]
    for mount in tree:
        tree += [other for other in table if other.parent == mount.id]
    for mount in reversed(tree):
        _unmount(Path(mount.target), end)


def _unmount(target: Path, end: float) -> None:
    while True:
        try:
            result = _libc.umount2(os.fsencode(target), _UMOUNT_NOFOLLOW)
            _checked(result, target)
            return
        except OSError as problem:
            if problem.errno != errno.EBUSY or time.monotonic() >= end:
                raise
            time.sleep(_PAUSE_S)


def unmount_lazily(folder: Path) -> None:
    """Take the uppermost mount on a folder away, in use or dead.

    Who has something open in it keeps that; nobody else sees it any more.

    Raises:
        OSError: nothing is mounted there.
    """
    flags = _MNT_DETACH | _UMOUNT_NOFOLLOW
    _checked(_libc.umount2(os.fsencode(folder), flags), folder)


def _mount(source: Path | None, target: Path, flags: int) -> None:
    origin = b"none" if source is None else os.fsencode(source)
    done = _libc.mount(
        origin, os.fsencode(target), None, ctypes.c_ulong(flags), None
    )
    _checked(done, target)


def _checked(returned: int, path: Path) -> int:
    if returned < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return int(returned)
