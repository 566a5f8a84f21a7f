"""Block devices as `lsblk` tells of them: it never touches a mount."""

import os
import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from usenet_stack.storage.probe import ask_program

Medium = Literal["HDD", "SSD", "NVMe", "USB", "loop", "memory", "other"]
COLUMNS = (
    "NAME,PATH,MAJ:MIN,TYPE,FSTYPE,LABEL,UUID,SIZE,ROTA,RO,RM,TRAN,MODEL,"
    "MOUNTPOINTS"
)
DEADLINE_S = 5.0
UDEV = Path("/run/udev/data")
# What holds other devices or swap, and never files of its own.
CONTAINERS = ("swap", "LVM2_member", "linux_raid_member", "zfs_member")


class BlockDevice(msgspec.Struct, frozen=True):
    """One device or partition.

    Args:
        path: "/dev/sdb1"; `number` its "major:minor".
        type: "disk", "part", "lvm", "crypt", "raid1", "loop", ...
        medium: what it is made of, taken from the disk under it.
    """

    path: str
    number: str
    type: str
    fstype: str
    label: str
    uuid: str
    size: int
    medium: Medium
    model: str
    read_only: bool
    mountpoints: tuple[str, ...]
    has_children: bool
    disk: str


def read_block_devices() -> list[BlockDevice]:
    """Return all block devices; none when `lsblk` is missing or fails."""
    command = ["lsblk", "--json", "--bytes", "--output", COLUMNS]
    document = ask_program(command, DEADLINE_S)
    devices = parse_block_devices(document) if document else []
    if UDEV.is_dir() or os.geteuid() != 0:
        return devices
    # lsblk takes labels from udev; without it the devices tell themselves.
    blank = [d.path for d in devices if not d.fstype and not d.has_children]
    command = ["blkid", "-p", "-o", "export", *blank]
    told = parse_labels(ask_program(command, DEADLINE_S) if blank else b"")
    return [
        msgspec.structs.replace(device, **told.get(device.path, {}))
        for device in devices
    ]


def parse_labels(export: bytes) -> dict[str, dict[str, str]]:
    """Return fstype, label and uuid by device from `blkid -o export`."""
    names = {"TYPE": "fstype", "LABEL": "label", "UUID": "uuid"}
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in export.decode(errors="replace").splitlines():
        key, _, value = line.partition("=")
        value = re.sub(r"\\(.)", r"\1", value)
        if key == "DEVNAME":
            current = found.setdefault(value, {})
        elif key in names:
            current[names[key]] = value
    return found


def parse_block_devices(document: bytes) -> list[BlockDevice]:
    """Return the devices of a document of `lsblk --json`, parents first."""
    found: dict[str, BlockDevice] = {}
    tops = msgspec.json.decode(document)["blockdevices"]
    pending = [(row, row) for row in reversed(tops)]
    while pending:
        row, disk = pending.pop()
        device = _device(row, disk)
        # A child of two parents (RAID) stands below each of them.
        found.setdefault(device.path, device)
        children = row.get("children") or []
        pending += [(child, disk) for child in reversed(children)]
    return list(found.values())


def _device(row: dict[str, Any], disk: dict[str, Any]) -> BlockDevice:
    points = row.get("mountpoints") or [row.get("mountpoint")]
    return BlockDevice(
        path=row["path"],
        number=row["maj:min"],
        type=row["type"],
        fstype=row.get("fstype") or "",
        label=row.get("label") or "",
        uuid=row.get("uuid") or "",
        size=int(row.get("size") or 0),
        medium=_medium(disk),
        model=(disk.get("model") or "").strip(),
        read_only=_true(row.get("ro")),
        mountpoints=tuple(point for point in points if point),
        has_children=bool(row.get("children")),
        disk=disk["path"],
    )


def _medium(disk: dict[str, Any]) -> Medium:
    if disk["type"] == "loop":
        return "loop"
    if disk["name"].startswith(("zram", "ram")):
        return "memory"
    if disk.get("tran") == "usb":
        return "USB"
    if disk.get("tran") == "nvme" or disk["name"].startswith("nvme"):
        return "NVMe"
    if disk["type"] not in ("disk", "mpath"):
        return "other"
    return "HDD" if _true(disk.get("rota")) else "SSD"


def _true(value: object) -> bool:
    # Versions before 2.33 write "0" and "1".
    return value in (True, "1", 1)
