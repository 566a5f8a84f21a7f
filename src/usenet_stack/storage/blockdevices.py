"""Block devices as `lsblk` tells of them: it never touches a mount."""

import os
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from usenet_stack.storage.children import Child, finish, start

if TYPE_CHECKING:
    from pathlib import Path

Medium = Literal["HDD", "SSD", "NVMe", "USB", "loop", "memory", "other"]
COLUMNS = "NAME,PATH,MAJ:MIN,TYPE,SIZE,ROTA,RO,TRAN,MOUNTPOINTS"
NAME_COLUMNS = "FSTYPE,LABEL,UUID,MODEL"
DEADLINE_S = 5.0
UDEV = "/run/udev/data"
BY_ID = "/dev/disk/by-id"
# What holds other devices or swap, and never files of its own.
CONTAINERS = ("swap", "LVM2_member", "linux_raid_member")
# What a device of this type makes of those below it.
_LAYERS = {"lvm": "LVM", "crypt": "LUKS"}


class Identity(NamedTuple):
    """What a file system calls itself."""

    fstype: str = ""
    label: str = ""
    uuid: str = ""


class BlockDevice(NamedTuple):
    """One device or partition.

    Args:
        path: "/dev/sdb1"; `number` its "major:minor".
        type: "disk", "part", "lvm", "crypt", "raid1", "loop", ...
        medium: what it is made of, taken from the disks under it.
        disks: the disks under it, itself if it is one.
        layers: what lies between it and them: "RAID", "LUKS", "LVM".
        by_id: its name in /dev/disk/by-id, which stays with the drive.
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
    disks: tuple[str, ...]
    layers: tuple[str, ...] = ()
    by_id: str = ""


class Asked(NamedTuple):
    """What was asked for the devices and is at work.

    Args:
        lsblk: None when it is missing.
        names_too: whether it tells labels, UUIDs and models as well.
    """

    lsblk: Child | None
    names_too: bool


def ask_for_devices() -> Asked:
    """Start the program that tells of the devices."""
    # Without udev it finds no names, and takes its time for that.
    # By names alone: `lsblk` is at work before `pathlib` is imported.
    udev = os.path.isdir(UDEV)  # noqa: PTH112
    columns = f"{COLUMNS},{NAME_COLUMNS}" if udev else COLUMNS
    command = ["lsblk", "--json", "--bytes", "--output", columns]
    return Asked(start(command), udev)


def devices_told(
    asked: Asked, known: Mapping[str, Identity] | None = None
) -> list[BlockDevice]:
    """Return all block devices; none when `lsblk` is missing or fails.

    Args:
        known: by device number, what mounted file systems say of
            themselves; the rest is asked without udev, as root.
    """
    end = time.monotonic() + DEADLINE_S
    document = finish(asked.lsblk, end) if asked.lsblk else None
    devices = parse_block_devices(document) if document else []
    names = names_by_id()
    devices = [
        device._replace(by_id=names.get(device.path, "")) if names else device
        for device in devices
    ]
    return devices if asked.names_too else _named(devices, known or {}, end)


def _named(
    devices: list[BlockDevice], known: Mapping[str, Identity], end: float
) -> list[BlockDevice]:
    """Return the devices with the names that udev would have told."""
    blank = [
        device.path
        for device in devices
        if device.number not in known
        and device.size
        and not device.has_children
    ]
    told = parse_labels(_labels(blank, end) if os.geteuid() == 0 else b"")
    return [
        device
        if device.fstype or device.has_children
        else _with_names(
            device, told.get(device.path) or known.get(device.number)
        )
        for device in devices
    ]


def _with_names(device: BlockDevice, names: Identity | None) -> BlockDevice:
    if names is None:
        return device._replace(model=_model(device))
    return device._replace(**names._asdict(), model=_model(device))


def _model(device: BlockDevice) -> str:
    if device.type != "disk":
        return device.model
    name = device.path.removeprefix("/dev/")
    try:
        with open(f"/sys/class/block/{name}/device/model") as file:  # noqa: PTH123
            return file.read().strip()
    except OSError:
        return device.model


def _labels(devices: list[str], end: float) -> bytes:
    """Return what blkid says of devices.

    It stops at one that it cannot open, with an error, and at one that
    holds nothing it knows, without a word: those behind are asked anew.
    """
    export = b""
    while devices and time.monotonic() < end:
        command = ["blkid", "-p", "-o", "export", *devices]
        blkid = start(command, errors_too=True)
        part = (finish(blkid, end) if blkid else None) or b""
        export += part
        stopped = re.search(rb"^blkid: error: (/dev/\S+):", part, re.MULTILINE)
        told = re.findall(rb"^DEVNAME=(\S+)", part, re.MULTILINE)
        name = (stopped[1] if stopped else (told or [b""])[-1]).decode()
        seen = devices.index(name) + 1 if name in devices else 0
        devices = devices[seen if stopped and seen else seen + 1 :]
    return export


def read_block_devices() -> list[BlockDevice]:
    """Return all block devices; none when `lsblk` is missing or fails."""
    return devices_told(ask_for_devices())


def names_by_id(folder: "Path | str" = BY_ID) -> dict[str, str]:
    """Return the lasting name of each device: the one that people know.

    Of several, the longest that begins with a bus ("ata-", "usb-") holds
    model and serial number; world-wide names ("wwn-", "nvme-eui.") do not.
    """
    found: dict[str, str] = {}
    try:
        names = sorted(os.listdir(folder), key=_readability)  # noqa: PTH208
    except OSError:
        return found
    for name in names:
        found[os.path.realpath(f"{folder}/{name}")] = f"{folder}/{name}"
    return found


def _readability(name: str) -> tuple[bool, int, str]:
    plain = not name.startswith(("wwn-", "nvme-eui.", "dm-uuid-", "lvm-pv-"))
    return plain, len(name), name


def parse_labels(export: bytes) -> dict[str, Identity]:
    """Return the identities by device from `blkid -o export`."""
    names = {"TYPE": "fstype", "LABEL": "label", "UUID": "uuid"}
    found: dict[str, Identity] = {}
    current = ""
    for line in export.decode(errors="replace").split("\n"):
        key, _, value = line.partition("=")
        value = re.sub(r"\\(.)", r"\1", value)
        if key == "DEVNAME":
            current = value
            found.setdefault(current, Identity())
        elif key in names and current:
            found[current] = found[current]._replace(**{names[key]: value})
    return found


def parse_block_devices(document: bytes) -> list[BlockDevice]:
    """Return the devices of a document of `lsblk --json`, parents first."""
    import json

    rows: dict[str, dict[str, Any]] = {}
    tops: dict[str, dict[str, dict[str, Any]]] = {}
    layers: dict[str, tuple[str, ...]] = {}
    try:
        top_rows = json.loads(document)["blockdevices"]
    except (ValueError, KeyError):
        return []  # it ended in the middle
    nothing: tuple[str, ...] = ()
    pending = [(row, row, nothing) for row in reversed(top_rows)]
    while pending:
        row, disk, below = pending.pop()
        path = row["path"]
        # A child of two parents (RAID) stands below each of them.
        rows.setdefault(path, row)
        tops.setdefault(path, {})[disk["path"]] = disk
        # A device that goes while it looks has no type any more.
        row["type"] = row["type"] or ""
        own = layers.setdefault(path, _layers(row["type"], below))
        children = row.get("children") or []
        pending += [(child, disk, own) for child in reversed(children)]
    return [
        _device(row, list(tops[path].values()), layers[path])
        for path, row in rows.items()
    ]


def _layers(kind: str, below: tuple[str, ...]) -> tuple[str, ...]:
    layer = "RAID" if kind.startswith("raid") else _LAYERS.get(kind, "")
    return (*below, layer) if layer and layer not in below else below


def _device(
    row: dict[str, Any], disks: list[dict[str, Any]], layers: tuple[str, ...]
) -> BlockDevice:
    points = row.get("mountpoints") or [row.get("mountpoint")]
    media = {_medium(disk) for disk in disks}
    models = {(disk.get("model") or "").strip() for disk in disks}
    return BlockDevice(
        path=row["path"],
        number=row["maj:min"],
        type=row["type"],
        fstype=row.get("fstype") or "",
        label=row.get("label") or "",
        uuid=row.get("uuid") or "",
        size=int(row.get("size") or 0),
        medium=slowest(media),
        model=", ".join(sorted(models - {""})),
        read_only=_true(row.get("ro")),
        mountpoints=tuple(point for point in points if point),
        has_children=bool(row.get("children")),
        disks=tuple(disk["path"] for disk in disks),
        layers=layers,
    )


def slowest(media: set[Medium]) -> Medium:
    """Return the one of several media that sets the pace."""
    pace: tuple[Medium, ...] = ("USB", "HDD", "SSD", "NVMe", "loop", "memory")
    return next((medium for medium in pace if medium in media), "other")


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
