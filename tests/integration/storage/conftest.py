"""Real mounts: loop devices, tmpfs and a FUSE file system that hangs."""

import ctypes
import os
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_tools import Machine

from cli_process import Cli
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.storage import read_mounts
from usenet_stack.storage.mountpoints import set_immutable

_libc = ctypes.CDLL(None, use_errno=True)
_MNT_DETACH = 2
OWNER = 1000


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Path]:
    """Return a folder; whatever gets mounted in it goes with the test."""
    assert os.geteuid() == 0, "mounting needs root, as make test has it"
    folder = tmp_path / "arena"
    folder.mkdir()
    yield folder
    inside = [
        m.target for m in read_mounts() if m.target.startswith(f"{folder}/")
    ]
    for target in reversed(inside):
        _libc.umount2(os.fsencode(target), _MNT_DETACH)
    # Mountpoints are immutable: pytest could not remove them.
    for place in folder.glob("*/data/media/*"):
        set_immutable(place, False)


def mount(*words: str | Path) -> None:
    """Run mount(8)."""
    subprocess.run(["mount", *map(str, words)], check=True)


@pytest.fixture
def make_tmpfs(arena: Path) -> Callable[[str], Path]:
    """Return a function that mounts a tmpfs of 8 MB under a name."""

    def make(name: str) -> Path:
        target = arena / name
        target.mkdir(parents=True)
        options = f"size=8m,uid={OWNER},gid={OWNER}"
        mount("-t", "tmpfs", "-o", options, "none", target)
        return target

    return make


MIB = {"ext4": 16, "xfs": 300, "btrfs": 120}
MAKE = {
    "ext4": ["mkfs.ext4", "-q", "-E", f"root_owner={OWNER}:{OWNER}", "-L"],
    "xfs": ["mkfs.xfs", "-q", "-L"],
    "btrfs": ["mkfs.btrfs", "-q", "-d", "single", "-m", "single", "-L"],
}


def attach(image: Path, mib: int) -> str:
    """Return the loop device of a new empty image."""
    with image.open("wb") as file:
        file.truncate(mib * 1024 * 1024)
    command = ["losetup", "--find", "--show", str(image)]
    return subprocess.check_output(command, text=True).strip()


@pytest.fixture
def make_disk(arena: Path, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Return a function that makes and mounts a file system on loops.

    Not mounted, its device is returned instead of its folder.
    """
    loops: list[str] = []

    def make(
        name: str,
        *,
        label: str = "",
        options: str = "rw",
        kind: str = "ext4",
        disks: int = 1,
        mounted: bool = True,
    ) -> Path:
        made = [
            attach(tmp_path / f"{name}-{number}.img", MIB[kind])
            for number in range(disks)
        ]
        loops.extend(made)
        command = [*MAKE[kind], label, *made]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        target = arena / name
        if not mounted:
            return Path(made[0])
        target.mkdir(parents=True)
        if disks > 1:
            options += "".join(f",device={loop}" for loop in made)
        mount("-o", options, made[0], target)
        return target

    yield make
    for target in (m.target for m in read_mounts() if m.source in loops):
        _libc.umount2(os.fsencode(target), _MNT_DETACH)
    for loop in loops:
        subprocess.run(["losetup", "--detach", loop], check=True)


def take_questions(device: int) -> None:
    """Answer the greeting of a FUSE mount, then only take its questions.

    Source: linux/fuse.h, FUSE_INIT of protocol 7.
    """
    try:
        question = os.read(device, 1 << 17)
        unique = struct.unpack_from("<IIQ", question)[2]
        greeting = struct.pack("<IIIIHHI32x", 7, 31, 0, 0, 12, 9, 4096)
        size = 16 + len(greeting)
        os.write(device, struct.pack("<IiQ", size, 0, unique) + greeting)
        while os.read(device, 1 << 17):
            pass
    except OSError:
        return  # it is unmounted


@pytest.fixture
def make_hung(arena: Path) -> Iterator[Callable[[str], Path]]:
    """Return a function that mounts a FUSE file system nobody serves.

    The kernel asks, and this process never reads the questions: as a
    remote whose server has died. Closing the device frees all who wait.
    With `reads` it takes the questions and answers but the first: who asks
    then cannot be killed.
    """
    devices: list[int] = []

    def make(name: str, *, reads: bool = False) -> Path:
        target = arena / name
        target.mkdir(parents=True)
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        devices.append(device)
        data = f"fd={device},rootmode=40000,user_id=0,group_id=0"
        done = _libc.mount(
            b"hung", os.fsencode(target), b"fuse.rclone", 0, data.encode()
        )
        assert done == 0, os.strerror(ctypes.get_errno())
        if reads:
            threading.Thread(
                target=take_questions, args=(device,), daemon=True
            ).start()
        return target

    yield make
    for device in devices:
        os.close(device)


@pytest.fixture
def stack(arena: Path) -> Stack:
    """Return a stack whose folders exist, in a folder of its own."""
    folder = arena / "stack"
    for path in ("data/media", "data/downloads", "config", ".usenet"):
        (folder / path).mkdir(parents=True)
    name = f"test-{os.urandom(4).hex()}"
    text = f'[stack]\nname = "{name}"\nsandbox = true\n'
    (folder / "stack.toml").write_text(text)
    for path in ("data", "data/media", "data/downloads"):
        os.chown(folder / path, OWNER, OWNER)
    return load_stack(folder)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine whose lsblk and smartctl are the test's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return Machine(folder)


@pytest.fixture
def there(usenet: Cli, machine: Machine) -> Cli:
    """Return the CLI on that machine."""
    path = f"{machine.bin}:{usenet.environment()['PATH']}"
    return Cli(usenet.home, {"PATH": path})
