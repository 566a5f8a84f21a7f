"""One row for each place that could hold media, from what was observed.

Nothing here looks at the machine, but for the kernel's counters of errors.
"""

import os
from collections.abc import Iterable
from pathlib import PurePath
from typing import Literal, NamedTuple

from usenet_stack.storage.blockdevices import (
    CONTAINERS,
    BlockDevice,
    slowest,
)
from usenet_stack.storage.faults import Fault, Verdict, find_faults, worst
from usenet_stack.storage.mounts import Mount, is_below
from usenet_stack.storage.probe import Answer

EVERYWHERE = "Linux, Windows, macOS"
PORTABILITY = {
    "exfat": EVERYWHERE,
    "fuse.exfat": EVERYWHERE,
    "vfat": EVERYWHERE,
    "msdos": EVERYWHERE,
    "ntfs": "Linux, Windows",
    "ntfs3": "Linux, Windows",
    "hfsplus": "Linux, macOS",
    "udf": EVERYWHERE,
}
CLOUD = ("rclone", "dropbox", "onedrive", "gcsfuse", "s3fs", "google")
# Programs that put them there; a person never stores media in them.
ENGINE_FOLDERS = (
    "/var/lib/docker/",
    "/var/lib/containers/",
    "/var/lib/kubelet/",
)
DriveState = Literal["mounted", "not answering", "not mounted", "away"]


class Drive(NamedTuple):
    """One row of the list.

    Args:
        name: its label, else the last part of its mount point.
        mountpoint: "" when it is not mounted.
        source: the device, share or remote.
        fstype: its file system; that of the clouds is their name.
        medium: HDD, SSD, NVMe, USB, loop, network, cloud, union, fuse,
            memory or other; of several disks the slowest.
        layers: what lies between it and its disks: RAID, LUKS, LVM.
        devices: all of a btrfs or ZFS of several; else its own.
        disks: the disks under it.
        by_id: the device's lasting name.
        size, used, free: bytes; None when unknown.
        portable: other systems read and write it; `portability` says which.
        pool: the name that it has in the pool, or "".
        state: "not answering" when its file system did not answer in time;
            "away" when the pool knows it and it is not plugged in.
        health: by what the kernel counted and the last `storage health`.
        faults: the sentences behind it.
        system: it belongs to the system; shown with --all only.
        also: other places where parts of it are mounted.
    """

    name: str
    mountpoint: str
    source: str
    fstype: str
    medium: str
    state: DriveState
    label: str = ""
    uuid: str = ""
    by_id: str = ""
    model: str = ""
    layers: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    disks: tuple[str, ...] = ()
    size: int | None = None
    used: int | None = None
    free: int | None = None
    read_only: bool = False
    portable: bool = False
    portability: str = ""
    pool: str = ""
    health: Verdict = "unknown"
    faults: tuple[str, ...] = ()
    mend: str = ""
    system: bool = False
    also: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What it is remembered by: its UUID, else its place."""
        return self.uuid or self.mountpoint or self.source


def printable_row(drive: Drive) -> dict[str, object]:
    """Return a row as plain data; names that are no UTF-8 are mended."""
    return {key: _plain(value) for key, value in drive._asdict().items()}


def _plain(value: object) -> object:
    if isinstance(value, str):
        if value.isascii():
            return value
        return os.fsencode(value).decode(errors="replace")
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


def group_mounts(mounts: list[Mount], pool: str | None) -> list[list[Mount]]:
    """Return the mounts of each file system, those that none covers.

    Binds show the same file system again: the one that shows most of it,
    outside the pool, stands first and speaks for all.
    """
    # What autofs holds stands in the table itself; touching it would mount.
    visible = {m.target: m for m in mounts if m.fstype != "autofs"}
    groups: dict[str, list[Mount]] = {}
    for mount in visible.values():
        groups.setdefault(_identity(mount), []).append(mount)
    return [
        sorted(group, key=lambda mount: _rank(mount, pool))
        if len(group) > 1
        else group
        for group in groups.values()
    ]


def _identity(mount: Mount) -> str:
    if mount.kind == "pseudo":
        return mount.target
    # The data sets of one ZFS pool share its space.
    if mount.fstype == "zfs":
        return f"zfs {mount.source.partition('/')[0]}"
    return mount.device


def _rank(mount: Mount, pool: str | None) -> tuple[bool, int, int, int]:
    in_pool = pool is not None and is_below(mount.target, pool)
    depth = mount.source.count("/") if mount.fstype == "zfs" else 0
    return (in_pool, depth, len(PurePath(mount.root).parts), mount.id)


def hidden(mount: Mount) -> bool:
    if mount.system or mount.target in ("/etc", "/usr"):
        return True
    return f"{mount.target}/".startswith(ENGINE_FOLDERS)


class Devices:
    """The block devices, found by what a mount says of them."""

    def __init__(self, devices: list[BlockDevice]) -> None:
        self.all = devices
        self._by_path = {device.path: device for device in devices}
        self._by_number = {device.number: device for device in devices}
        self._parts: dict[str, list[BlockDevice]] = {}
        for device in devices:
            if key := several(device):
                self._parts.setdefault(key, []).append(device)

    def of(self, mount: Mount) -> tuple[BlockDevice, ...]:
        """Return the devices of a mounted file system, the named one first."""
        if mount.fstype == "zfs":
            pool = mount.source.partition("/")[0]
            return tuple(self._parts.get(f"zfs {pool}", ()))
        # btrfs mounts under numbers of its own: go by the path first.
        by_path = self._by_path.get(mount.source)
        device = by_path or self._by_number.get(mount.device)
        if device is None:
            return ()
        parts = self._parts.get(several(device), [])
        return (device, *(part for part in parts if part != device))

    def part_of(self, device: BlockDevice) -> tuple[BlockDevice, ...]:
        """Return the devices that form a file system with this one."""
        return tuple(self._parts.get(several(device), (device,)))


def several(device: BlockDevice) -> str:
    """Return what the devices of one btrfs or ZFS pool have in common."""
    if device.fstype == "btrfs" and device.uuid:
        return f"btrfs {device.uuid}"
    if device.fstype == "zfs_member" and device.label:
        return f"zfs {device.label}"
    return ""


def mounted_row(
    group: list[Mount],
    answer: Answer,
    devices: Devices,
    names: dict[str, str],
) -> Drive:
    mount = group[0]
    parts = devices.of(mount)
    device = parts[0] if parts else None
    path, uuid = (device.path, device.uuid) if device else ("", "")
    fstype = _file_system(mount, device)
    system = hidden(mount)
    faults = [] if system else find_faults(mount, path, uuid)
    row = _row(parts, fstype)._replace(
        mountpoint=mount.target,
        source=mount.source,
        medium=_medium(mount, parts),
        size=answer.data.get("size"),
        used=answer.data.get("used"),
        free=answer.data.get("free"),
        read_only=mount.read_only,
        pool=_first(names.get(mount.device, "") for mount in group),
        state="mounted" if answer.ok else "not answering",
        system=system or mount.target == "/",
        also=tuple(m.target for m in group[1:] if m.fstype == "zfs"),
    )
    own_name = PurePath(mount.target).name or "system"
    return _with_faults(row._replace(name=row.label or own_name), faults)


def _first(words: Iterable[str]) -> str:
    return next((word for word in words if word), "")


def _file_system(mount: Mount, device: BlockDevice | None) -> str:
    # The kernel knows not what a program serves; the device does.
    if mount.fstype == "fuseblk" and device and device.fstype:
        return device.fstype
    return mount.fstype


def _row(parts: tuple[BlockDevice, ...], fstype: str) -> Drive:
    device = parts[0] if parts else None
    portability = PORTABILITY.get(fstype, "")
    row = Drive(
        name="",
        mountpoint="",
        source="",
        fstype=fstype,
        medium="other",
        state="not mounted",
        portable=bool(portability),
        portability=portability or "Linux",
    )
    if device is None:
        return row
    disks = dict.fromkeys(disk for part in parts for disk in part.disks)
    return row._replace(
        label=device.label,
        uuid="" if device.fstype == "zfs_member" else device.uuid,
        by_id=device.by_id,
        model=device.model,
        layers=device.layers,
        devices=tuple(part.path for part in parts),
        disks=tuple(disks),
        medium=slowest({part.medium for part in parts}),
    )


def _medium(mount: Mount, parts: tuple[BlockDevice, ...]) -> str:
    if parts:
        return slowest({part.medium for part in parts})
    words = f"{mount.fstype} {mount.source}".lower()
    if "mergerfs" in words or "unionfs" in words:
        return "union"
    if any(word in words for word in CLOUD):
        return "cloud"
    if mount.kind == "disk":
        return "other"
    return "memory" if mount.fstype in ("tmpfs", "ramfs") else mount.kind


def _with_faults(row: Drive, faults: list[Fault]) -> Drive:
    if not faults:
        return row
    return row._replace(
        health=worst([fault.verdict for fault in faults]),
        faults=tuple(fault.why for fault in faults),
        mend=faults[0].mend,
    )


def cloud_row(service: str, path: str, answer: Answer) -> Drive:
    return Drive(
        name=PurePath(path).name,
        mountpoint=path,
        source=service,
        fstype=service,
        medium="cloud",
        state="mounted" if answer.ok else "not answering",
        size=answer.data.get("size"),
        used=answer.data.get("used"),
        free=answer.data.get("free"),
        portable=True,
        portability=EVERYWHERE,
    )


def unmounted_rows(devices: Devices, mounts: list[Mount]) -> list[Drive]:
    taken = {part for m in mounts for part in devices.of(m)}
    rows = []
    for device in devices.all:
        if device in taken or not _could_be_mounted(device):
            continue
        parts = devices.part_of(device)
        taken.update(parts)
        fstype = "zfs" if device.fstype == "zfs_member" else device.fstype
        row = _row(parts, fstype)._replace(
            name=device.label or PurePath(device.path).name,
            source=device.path,
            size=sum(part.size for part in parts),
            read_only=device.read_only,
        )
        rows.append(row)
    return rows


def _could_be_mounted(device: BlockDevice) -> bool:
    usable = device.fstype not in ("", "squashfs", *CONTAINERS)
    return usable and not device.mountpoints and not device.has_children
