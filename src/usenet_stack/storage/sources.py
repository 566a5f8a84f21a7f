"""What a user names as a drive: a folder, a device or a UUID."""

import os
import re
import stat
from pathlib import Path

import msgspec

from usenet_stack.errors import UsenetError
from usenet_stack.storage.blockdevices import (
    CONTAINERS,
    BlockDevice,
    read_block_devices,
)
from usenet_stack.storage.mounts import Mount, is_below, mount_of, read_mounts
from usenet_stack.storage.probe import Request, probe

_UUID = re.compile(r"(?i)[0-9a-f]{4}-?[0-9a-f]{4}([0-9a-f-]*)")


class Source(msgspec.Struct, frozen=True):
    """A drive as it was found.

    Args:
        path: the real folder, or the device when nothing mounts it yet.
        mounts: it is a device that we are to mount.
        devices: all of a btrfs of several, else the one.
    """

    path: Path
    uuid: str = ""
    device: str = ""
    by_id: str = ""
    fstype: str = ""
    label: str = ""
    mounts: bool = False
    devices: tuple[str, ...] = ()


def find_source(named: str | Path, pool: Path) -> Source:
    """Return the drive that a user means; change nothing.

    Args:
        named: a folder, a device ("/dev/sdb1", a link in /dev/disk), a UUID
            or "UUID=...", "LABEL=...".
        pool: the pool's folder: mounts in it are our own.

    Raises:
        UsenetError: "storage.path", "storage.silent", "storage.no-drive",
            "storage.system", "storage.unmountable".
    """
    text = os.fspath(named)
    if not text:  # what a variable that is not set leaves: no folder is meant
        raise UsenetError("storage.path", path=repr(""))
    devices = read_block_devices()
    device = _named_device(text, devices)
    if device is None:
        return _folder(Path(text), devices)
    table = read_mounts()
    own = [m for m in table if _shows(m, device)]
    outside = [m for m in own if not is_below(m.target, pool)]
    if outside:
        whole = min(outside, key=lambda m: (m.root != "/", m.id))
        return _folder(Path(whole.target), devices)
    _refuse_unmountable(device, devices, table)
    parts = [each for each in devices if device.uuid in ("", each.uuid)]
    several = tuple(d.path for d in parts if d.uuid and d.uuid == device.uuid)
    return Source(
        Path(device.path),
        device.uuid,
        device.path,
        device.by_id,
        device.fstype,
        device.label,
        True,
        several or (device.path,),
    )


def find_uuid(uuid: str, devices: list[BlockDevice]) -> BlockDevice | None:
    """Return the device of a file system; of several the first."""
    known = [device for device in devices if uuid and device.uuid == uuid]
    return known[0] if known else None


def _named_device(text: str, devices: list[BlockDevice]) -> BlockDevice | None:
    key, _, value = text.partition("=")
    if key.upper() in ("UUID", "LABEL") and value:
        for device in devices:
            of = device.uuid if key.upper() == "UUID" else device.label
            if of.lower() == value.lower():
                return device
        raise UsenetError("storage.no-drive", name=value)
    if "/" not in text and _UUID.fullmatch(text) and not os.path.isdir(text):  # noqa: PTH112
        return _named_device(f"UUID={text}", devices)
    # Nothing but /dev is touched here: elsewhere a mount may hang.
    full = os.path.abspath(text)  # noqa: PTH100
    real = os.path.realpath(full) if is_below(full, "/dev") else ""
    try:
        if not real or not stat.S_ISBLK(os.stat(real).st_mode):  # noqa: PTH116
            return None
    except (OSError, ValueError):
        return None
    for device in devices:
        if device.path == real:
            return device
    raise UsenetError("storage.no-drive", name=text)


def _folder(path: Path, devices: list[BlockDevice]) -> Source:
    full = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100
    if "\0" in str(full):
        raise UsenetError("storage.path", path=repr(str(path)))
    (answer,) = probe([Request("stat", str(full), doubtful=True)])
    if answer.state == "silent":
        raise UsenetError("storage.silent", path=full)
    if not answer.ok or not answer.data["folder"]:
        why = answer.why or "It is no folder."
        raise UsenetError("storage.path", path=repr(str(path)), why=why)
    real = Path(answer.data["real"])
    mount = mount_of(real, read_mounts())
    # A folder of a drive is known by its path, a whole drive by its UUID.
    whole = mount.target == str(real) and mount.root == "/"
    found = [d for d in devices if _shows(mount, d)] if whole else []
    if not found:
        return Source(real, device=mount.source, fstype=mount.fstype)
    (device, *_) = found
    return Source(
        real,
        device.uuid,
        mount.source,
        device.by_id,
        mount.fstype,
        device.label,
    )


def _shows(mount: Mount, device: BlockDevice) -> bool:
    # btrfs mounts under numbers of its own: go by the path as well.
    return mount.source == device.path or mount.device == device.number


def _refuse_unmountable(
    device: BlockDevice, devices: list[BlockDevice], table: list[Mount]
) -> None:
    root = mount_of("/", table)
    system = {disk for d in devices if _shows(root, d) for disk in d.disks}
    if system & set(device.disks):
        raise UsenetError("storage.system", path=device.path)
    why = ""
    if device.fstype == "crypto_LUKS":
        why = "It is encrypted and locked: unlock it first."
    elif device.fstype in CONTAINERS:
        why = f"It is part of something else ({device.fstype})."
    elif device.has_children and not device.fstype:
        why = "It is a whole disk: name one of its partitions."
    elif not device.fstype:
        why = "There is no file system on it."
    elif device.read_only:
        raise UsenetError("storage.read-only", path=device.path)
    if why:
        raise UsenetError(
            "storage.unmountable", path=device.path, fstype="", why=why
        )
