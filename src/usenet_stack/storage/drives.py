"""`usenet storage list`: every place that could hold media."""

import os
from pathlib import PurePath
from typing import Literal

import msgspec

from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage.blockdevices import (
    CONTAINERS,
    BlockDevice,
    read_block_devices,
)
from usenet_stack.storage.mounts import Mount, is_below, read_mounts
from usenet_stack.storage.probe import Answer, Request, probe

# Read and written by Linux, Windows and macOS alike.
PORTABLE = frozenset({"exfat", "vfat", "msdos", "fuse.exfat"})
CLOUD = ("rclone", "dropbox", "onedriver", "gcsfuse", "s3fs", "google")
# Programs that put them there; a person never stores media in them.
ENGINE_FOLDERS = ("/var/lib/docker", "/var/lib/containers", "/var/lib/kubelet")

DriveState = Literal["mounted", "not answering", "not mounted"]


class Drive(msgspec.Struct, frozen=True):
    """One row of the list.

    Args:
        name: its label, else the last part of its mount point.
        mountpoint: "" when it is not mounted.
        source: the device, share or remote.
        medium: HDD, SSD, NVMe, USB, loop, network, cloud, fuse, memory...
        size, used, free: bytes; None when unknown.
        portable: other systems read and write it as well.
        pool: the name that it has in the pool, or "".
        state: "not answering" when its file system did not answer in time.
        system: it belongs to the system; shown with --all only.
    """

    name: str
    mountpoint: str
    source: str
    fstype: str
    medium: str
    label: str
    uuid: str
    size: int | None
    used: int | None
    free: int | None
    read_only: bool
    portable: bool
    pool: str
    state: DriveState
    system: bool


def list_drives(all: bool = False, stack: Stack | None = None) -> Result:
    """Return every drive, asking each mount without ever waiting for it.

    Args:
        all: system and pseudo mounts as well.
        stack: whose pool is marked; None marks nothing.
    """
    drives = find_drives(stack, all=all)
    result = Result({"drives": [_printable(drive) for drive in drives]})
    for drive in drives:
        if drive.state == "not answering":
            result.warn(
                f"{drive.mountpoint} does not answer: its server or drive "
                f"is gone. To take it away: sudo umount -l {drive.mountpoint}"
            )
    return result


def _printable(drive: Drive) -> dict[str, object]:
    """Return a row as plain data; names that are no UTF-8 are mended."""
    return {
        key: os.fsencode(value).decode(errors="replace")
        if isinstance(value, str)
        else value
        for key, value in msgspec.to_builtins(drive).items()
    }


def find_drives(
    stack: Stack | None = None, *, all: bool = False
) -> list[Drive]:
    """Return the drives, mounted ones first, in the order of their paths."""
    mounts = read_mounts()
    devices = read_block_devices()
    pool = None if stack is None else str(stack.media_root)
    chosen = _one_for_each(mounts, pool)
    if not all:
        chosen = [mount for mount in chosen if not _hidden(mount)]
    answers = probe([_question(mount) for mount in chosen])
    names = _pool_names(mounts, pool)
    rows = [
        _mounted(mount, answer, devices, names)
        for mount, answer in zip(chosen, answers, strict=True)
    ]
    rows.sort(key=lambda row: PurePath(row.mountpoint))
    return rows + [_unmounted(d) for d in devices if _could_be_mounted(d)]


def _question(mount: Mount) -> Request:
    doubtful = mount.kind in ("network", "fuse") or mount.fstype == "fuseblk"
    return Request("statvfs", mount.target, doubtful=doubtful)


def _hidden(mount: Mount) -> bool:
    engine = any(is_below(mount.target, top) for top in ENGINE_FOLDERS)
    # A file bound over a file (resolv.conf in containers) holds nothing.
    return mount.system or engine or mount.target in ("/etc", "/usr")


def _one_for_each(mounts: list[Mount], pool: str | None) -> list[Mount]:
    """Return one mount for each file system, and those that none covers.

    Binds show the same file system again: the one that shows most of it,
    outside the pool, speaks for all.
    """
    # What autofs holds stands in the table itself; touching it would mount.
    visible = {m.target: m for m in mounts if m.fstype != "autofs"}
    best: dict[str, Mount] = {}
    for mount in visible.values():
        # Every pseudo file system is its own, and so is every remote one.
        key = mount.device if mount.kind == "disk" else mount.target
        other = best.setdefault(key, mount)
        if _rank(mount, pool) < _rank(other, pool):
            best[key] = mount
    return list(best.values())


def _rank(mount: Mount, pool: str | None) -> tuple[bool, int, int]:
    in_pool = pool is not None and is_below(mount.target, pool)
    return (in_pool, len(PurePath(mount.root).parts), mount.id)


def _pool_names(mounts: list[Mount], pool: str | None) -> dict[str, str]:
    """Return, for each device mounted right in the pool, its name there."""
    if pool is None:
        return {}
    return {
        mount.device: PurePath(mount.target).name
        for mount in mounts
        if str(PurePath(mount.target).parent) == pool
    }


def _mounted(
    mount: Mount,
    answer: Answer,
    devices: list[BlockDevice],
    names: dict[str, str],
) -> Drive:
    device = _device_of(mount, devices)
    label = device.label if device else ""
    return Drive(
        name=label or PurePath(mount.target).name or "system",
        mountpoint=mount.target,
        source=mount.source,
        fstype=mount.fstype,
        medium=_medium(mount, device),
        label=label,
        uuid=device.uuid if device else "",
        size=answer.data.get("size"),
        used=answer.data.get("used"),
        free=answer.data.get("free"),
        read_only=mount.read_only,
        portable=_portable(mount.fstype, device),
        pool=names.get(mount.device, ""),
        state="mounted" if answer.ok else "not answering",
        system=_hidden(mount) or mount.target == "/",
    )


def _device_of(mount: Mount, devices: list[BlockDevice]) -> BlockDevice | None:
    # btrfs and ZFS mount under numbers of their own: go by the path first.
    for device in devices:
        if device.path == mount.source:
            return device
    for device in devices:
        if device.number == mount.device:
            return device
    return None


def _medium(mount: Mount, device: BlockDevice | None) -> str:
    if device is not None:
        return device.medium
    if any(word in f"{mount.fstype} {mount.source}".lower() for word in CLOUD):
        return "cloud"
    if mount.kind == "disk":
        return "other"
    return "memory" if mount.fstype in ("tmpfs", "ramfs") else mount.kind


def _portable(fstype: str, device: BlockDevice | None) -> bool:
    return fstype in PORTABLE or bool(device and device.fstype in PORTABLE)


def _could_be_mounted(device: BlockDevice) -> bool:
    usable = device.fstype not in ("", "squashfs", *CONTAINERS)
    return usable and not device.mountpoints and not device.has_children


def _unmounted(device: BlockDevice) -> Drive:
    return Drive(
        name=device.label or PurePath(device.path).name,
        mountpoint="",
        source=device.path,
        fstype=device.fstype,
        medium=device.medium,
        label=device.label,
        uuid=device.uuid,
        size=device.size,
        used=None,
        free=None,
        read_only=device.read_only,
        portable=device.fstype in PORTABLE,
        pool="",
        state="not mounted",
        system=False,
    )
