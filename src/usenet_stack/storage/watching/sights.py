"""What is to be seen of each drive of the pool, and what that calls for.

Told from the mount table and sysfs alone: a dead drive is never touched.
"""

import os
from pathlib import Path
from typing import Literal, NamedTuple

from usenet_stack.stack.model import Stack
from usenet_stack.storage.blockdevices import read_block_devices
from usenet_stack.storage.layouts import drive_place
from usenet_stack.storage.mounts import (
    Mount,
    is_below,
    mount_of,
    read_mounts,
)
from usenet_stack.storage.registry import PoolDrive, read_registry

State = Literal["here", "lost", "back", "away"]
SETTLE_S = 2.0


class Sight(NamedTuple):
    """One drive at one moment.

    Args:
        state: "here" in the pool; "lost": in the pool, and its device is
            gone; "back": not in the pool, and could be; "away".
        token: changes when the drive has gone and come again.
        device: "major:minor" of what is in the pool, or "".
    """

    state: State
    token: str = ""
    device: str = ""


def look(stack: Stack, gone: frozenset[str]) -> dict[str, Sight]:
    """Return what is to be seen of each drive.

    Args:
        gone: devices that the kernel has told to be removed.
    """
    drives = read_registry(stack.folder)
    table = read_mounts()
    attached = {
        name: [m for m in table if m.target == str(drive_place(stack, name))]
        for name in drives
    }
    uuids: dict[str, str] = {}
    if any(drive.uuid and not attached[n] for n, drive in drives.items()):
        uuids = {each.path: each.uuid for each in read_block_devices()}
    return {
        name: (
            _attached(drive, attached[name][-1], table, gone)
            if attached[name]
            else _absent(stack, drive, table, uuids, gone)
        )
        for name, drive in drives.items()
    }


def _attached(
    drive: PoolDrive, mount: Mount, table: list[Mount], gone: frozenset[str]
) -> Sight:
    alive = is_alive(mount, gone)
    if alive and not drive.mounts and not _on_disk(mount):
        # Shares and clouds have no device: their own mount says it.
        alive = mount_of(drive.source, table).device == mount.device
    token = f"{mount.id} {mount.device}"
    return Sight("here" if alive else "lost", token, mount.device)


def _absent(
    stack: Stack,
    drive: PoolDrive,
    table: list[Mount],
    uuids: dict[str, str],
    gone: frozenset[str],
) -> Sight:
    if drive.mounts:
        return _device_back(drive, uuids, gone)
    top = str(stack.data_root.resolve())
    # Where it was, or wherever the system has mounted it this time.
    for mount in [mount_of(drive.source, table), *table]:
        if drive.uuid:
            same = uuids.get(mount.source) == drive.uuid
        else:
            same = mount_of(drive.source, table) is mount and (
                mount.source == drive.device
            )
        outside = not is_below(mount.target, top)
        if same and outside and is_alive(mount, gone):
            return Sight("back", f"{mount.id} {mount.device}")
    return Sight("away")


def _device_back(
    drive: PoolDrive, uuids: dict[str, str], gone: frozenset[str]
) -> Sight:
    found = [path for path, uuid in uuids.items() if uuid == drive.uuid]
    for path in found if drive.uuid else [drive.source]:
        number = device_number(path)
        if number and number not in gone and _size(number):
            return Sight("back", f"{path} {number}")
    return Sight("away")


def _on_disk(mount: Mount) -> bool:
    return mount.source.startswith("/dev/")


def is_alive(mount: Mount, gone: frozenset[str]) -> bool:
    """Tell whether the device of a mount is still there."""
    number = mount.device
    if number.startswith("0:"):  # btrfs and the like number their own
        if not _on_disk(mount):
            return True
        number = device_number(mount.source)
    return bool(number) and number not in gone and _size(number) > 0


def device_number(path: str) -> str:
    """Return "major:minor" of a device file, "" when it is none."""
    name = Path(os.path.realpath(path)).name
    return _word(f"/sys/class/block/{name}/dev")


def _size(number: str) -> int:
    # A loop device that lost its file, a reader without its card: 0.
    return int(_word(f"/sys/dev/block/{number}/size") or 0)


def _word(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


class Wishes(NamedTuple):
    """What to do now, and when to look again.

    Args:
        fence, attach: drives.
        wait_s: until the next may be attached; None: nothing is due.
    """

    fence: tuple[str, ...]
    attach: tuple[str, ...]
    wait_s: float | None


class Patience:
    """Decides from what is seen, so that a flapping cable does little.

    A drive that is lost is fenced at once. One that is back is attached
    when it has been so for a while; going again begins that anew.

    Args:
        settle_s: that while, in seconds.
    """

    def __init__(self, settle_s: float = SETTLE_S) -> None:
        self._settle_s = settle_s
        self._since: dict[str, tuple[str, float]] = {}
        self._refused: dict[str, str] = {}

    def decide(self, sights: dict[str, Sight], now: float) -> Wishes:
        """Return what these sights call for at this time."""
        back = {n: s for n, s in sights.items() if s.state == "back"}
        for name in [n for n in self._since if n not in back]:
            del self._since[name]
        for name in [n for n in self._refused if n not in back]:
            del self._refused[name]
        due: dict[str, float] = {}
        for name, sight in back.items():
            if self._refused.get(name) == sight.token:
                continue
            token, since = self._since.get(name, ("", now))
            if token != sight.token:
                since = now
            self._since[name] = (sight.token, since)
            due[name] = since + self._settle_s
        later = [when - now for when in due.values() if when > now]
        return Wishes(
            tuple(n for n, s in sights.items() if s.state == "lost"),
            tuple(name for name, when in due.items() if when <= now),
            min(later) if later else None,
        )

    def again(self, name: str) -> None:
        """Start the wait for a drive anew: it went again meanwhile."""
        self._since.pop(name, None)

    def refuse(self, name: str, token: str) -> None:
        """Leave a drive alone until it has gone and come again."""
        self._refused[name] = token
