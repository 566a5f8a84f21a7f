"""Snapshots of settings on a real file system, and on real mounts."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.stack import tree
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.service import Service
from usenet_stack.stack.template import NewStack, new_settings_text
from usenet_stack.transaction import Context
from usenet_stack.update import snapshot
from usenet_stack.update.copying import copy_tree, measure
from usenet_stack.update.operations import SnapshotConfig
from usenet_stack.update.snapshot import (
    check_snapshot,
    discard_snapshot,
    put_back,
    snapshot_config,
)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "stack"
    folder.mkdir()
    text = new_settings_text(NewStack("snapshot"))
    (folder / "stack.toml").write_text(text)
    return load_stack(folder)


@pytest.fixture
def sonarr(stack: Stack) -> Service:
    """Return a service whose settings hold all kinds of things."""
    service = stack.catalog["sonarr"]
    config = stack.config_folder(service)
    (config / "asp").mkdir(parents=True, mode=0o700)
    (config / "sonarr.db").write_bytes(os.urandom(300_000))
    (config / "asp/key.xml").write_text("<key/>")
    (config / "asp/key.xml").chmod(0o640)
    os.chown(config / "asp/key.xml", 1234, 4321)
    os.setxattr(config / "asp/key.xml", "user.note", b"kept")
    os.link(config / "asp/key.xml", config / "second-name")
    (config / "away").symlink_to("/nowhere/at/all")
    os.mkfifo(config / "pipe", 0o600)
    (config / "logs").mkdir(mode=0o711)
    (config / "logs/sonarr.txt").write_text("much")
    (config / "Definitions/logs").mkdir(parents=True)
    (config / "Definitions/logs/mine").write_text("mine")
    os.utime(config / "asp", (1_700_000_000, 1_700_000_000))
    os.chown(config, 1000, 1000)
    return service


@pytest.fixture
def mounted() -> Iterator[list[Path]]:
    """Return a list; what a test puts on it is unmounted."""
    found: list[Path] = []
    yield found
    for path in found:
        subprocess.run(["umount", path], check=True)


def mount_memory(path: Path, mounted: list[Path], size: str = "4m") -> None:
    path.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path]
    subprocess.run(command, check=True)
    mounted.append(path)


def kept_part(config: Path) -> dict[str, object]:
    """Return what a snapshot keeps: all but the content of /logs."""
    return {k: v for k, v in tree(config).items() if k != "logs/sonarr.txt"}


def test_a_copy_carries_everything_but_what_can_be_made_again(
    stack: Stack, sonarr: Service, tmp_path: Path
) -> None:
    config, copy = stack.config_folder(sonarr), tmp_path / "copy"
    before = tree(config)
    snapshot_config(stack, sonarr, copy)
    assert tree(copy) == kept_part(config)
    assert "logs/sonarr.txt" not in tree(copy) and "logs" in tree(copy)
    assert os.getxattr(copy / "asp/key.xml", "user.note") == b"kept"
    assert (copy / "second-name").samefile(copy / "asp/key.xml")
    assert (copy / "away").readlink() == Path("/nowhere/at/all")
    assert (copy / "pipe").is_fifo()
    assert tree(config) == before


def test_a_socket_is_left_out(
    stack: Stack, sonarr: Service, tmp_path: Path
) -> None:
    config = stack.config_folder(sonarr)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(config / "socket"))
        snapshot_config(stack, sonarr, tmp_path / "copy")
    assert not (tmp_path / "copy/socket").exists()


def test_a_half_copy_is_begun_anew_and_never_put_back(
    stack: Stack, sonarr: Service, tmp_path: Path
) -> None:
    config, copy = stack.config_folder(sonarr), tmp_path / "copy"
    copy.mkdir()
    (copy / "half").write_text("of a crash")
    before = tree(config)
    put_back(copy, config)
    assert tree(config) == before
    snapshot_config(stack, sonarr, copy)
    assert not (copy / "half").exists()


@pytest.mark.parametrize("done", ["nothing", "moved-away", "renamed"])
def test_put_back_completes_what_a_crash_left(
    stack: Stack, sonarr: Service, tmp_path: Path, done: str
) -> None:
    config, copy = stack.config_folder(sonarr), tmp_path / "copy"
    before = kept_part(config)
    snapshot_config(stack, sonarr, copy)
    (config / "sonarr.db").write_text("spoiled")
    (config / "new").write_text("left over")
    if done != "nothing":
        config.rename(tmp_path / "copy.1")
    if done == "renamed":
        copy.rename(config)
    for _ in range(2):
        put_back(copy, config)
        assert tree(config) == before
    discard_snapshot(copy)
    assert tree(config) == before


def test_settings_on_a_mount_of_their_own_are_put_back(
    stack: Stack, sonarr: Service, tmp_path: Path, mounted: list[Path]
) -> None:
    config, copy = stack.config_folder(sonarr), tmp_path / "copy"
    elsewhere = tmp_path / "elsewhere"
    copy_tree(config, elsewhere)
    mount_memory(config, mounted)
    copy_tree(elsewhere, config)
    before = kept_part(config)
    snapshot_config(stack, sonarr, copy)
    (config / "sonarr.db").write_text("spoiled")
    (config / "new").mkdir()
    put_back(copy, config)
    after = tree(config)
    # A folder's own number of links is the file system's business.
    assert after == before
    assert config.is_mount()


def test_a_mount_inside_is_refused(
    stack: Stack, sonarr: Service, tmp_path: Path, mounted: list[Path]
) -> None:
    inside = stack.config_folder(sonarr) / "MediaCover"
    mount_memory(inside, mounted)
    (inside / "poster.jpg").write_text("far away")
    with pytest.raises(UsenetError) as caught:
        snapshot_config(stack, sonarr, tmp_path / "copy")
    assert caught.value.code == "update.mount-inside"
    assert str(inside) in caught.value.message
    assert not (tmp_path / "copy").exists()
    assert (inside / "poster.jpg").exists()


def test_room_is_checked_first(
    stack: Stack, sonarr: Service, tmp_path: Path, mounted: list[Path]
) -> None:
    near = tmp_path / "small"
    size = measure(stack.config_folder(sonarr)).bytes
    total = snapshot.RESERVE_BYTES + 2 * size
    mount_memory(near, mounted, str(total))
    check_snapshot(stack, sonarr, near)
    (near / "taken").write_bytes(bytes(2 * size))
    with pytest.raises(UsenetError) as caught:
        check_snapshot(stack, sonarr, near)
    assert caught.value.code == "update.no-room"


AS_A_USER = """
import os, sys
from pathlib import Path
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import load_stack
from usenet_stack.update.snapshot import check_snapshot
folder = Path(sys.argv[1])
stack = load_stack(folder)
os.setgroups([]); os.setgid(1000); os.setuid(1000)
try:
    check_snapshot(stack, stack.catalog["sonarr"], Path("/tmp"))
except UsenetError as error:
    print(error.code, error.hint)
"""


@pytest.mark.parametrize("readable", [True, False])
def test_files_of_others_need_root(
    stack: Stack, sonarr: Service, readable: bool
) -> None:
    """Only root can give files back to their owners; it is told before."""
    config = stack.config_folder(sonarr)
    for folder in [config, *config.parents]:
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    if readable:
        (config / "asp").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", AS_A_USER, stack.folder],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split(maxsplit=1) == [
        "update.needs-root",
        f"sudo usenet services update sonarr --stack {stack.folder}\n",
    ]


def test_without_an_engine_settings_are_not_exchanged(
    stack: Stack,
    sonarr: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container that may run would go on in the folder that is moved."""
    config, copy = stack.config_folder(sonarr), tmp_path / "copy"
    snapshot_config(stack, sonarr, copy)
    (config / "sonarr.db").write_text("of the new image")
    after = tree(config)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.socket")
    step = SnapshotConfig(stack.project, "sonarr", "registry.example/sonarr")
    before = {"container": "1", "copy": str(copy), "folder": str(config)}
    with pytest.raises(UsenetError):
        step.undo(Context(stack.folder, tmp_path), before)
    assert tree(config) == after
    # What it tells to do by hand does just that.
    subprocess.run(["sh", "-c", step.manual(before)], check=True)
    assert (config / "sonarr.db").stat().st_size == 300_000
