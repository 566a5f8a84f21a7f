"""Real mounts: loop devices, tmpfs and a FUSE file system that hangs."""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.storage import read_mounts

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


@pytest.fixture
def make_disk(arena: Path, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Return a function that makes and mounts a file system on a loop."""
    loops: list[str] = []

    def make(name: str, *, label: str = "", options: str = "rw") -> Path:
        image, target = tmp_path / f"{name}.img", arena / name
        with image.open("wb") as file:
            file.truncate(16 * 1024 * 1024)
        command = ["mkfs.ext4", "-q", "-E", f"root_owner={OWNER}:{OWNER}"]
        subprocess.run([*command, "-L", label, image], check=True)
        attach = ["losetup", "--find", "--show", str(image)]
        loop = subprocess.check_output(attach, text=True).strip()
        loops.append(loop)
        target.mkdir(parents=True)
        mount("-o", options, loop, target)
        return target

    yield make
    for target in (m.target for m in read_mounts() if m.source in loops):
        _libc.umount2(os.fsencode(target), _MNT_DETACH)
    for loop in loops:
        subprocess.run(["losetup", "--detach", loop], check=True)


@pytest.fixture
def make_hung(arena: Path) -> Iterator[Callable[[str], Path]]:
    """Return a function that mounts a FUSE file system nobody serves.

    The kernel asks, and this process never reads the questions: as a
    remote whose server has died. Closing the device frees all who wait.
    """
    devices: list[int] = []

    def make(name: str) -> Path:
        target = arena / name
        target.mkdir(parents=True)
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        devices.append(device)
        data = f"fd={device},rootmode=40000,user_id=0,group_id=0"
        done = _libc.mount(
            b"hung", os.fsencode(target), b"fuse.rclone", 0, data.encode()
        )
        assert done == 0, os.strerror(ctypes.get_errno())
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
