"""Restores on disks that fill up, are read-only, not ours, or go away."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from empty_engine import empty_engine

from cli_process import Cli
from usenet_stack.backup import (
    BackupRequest,
    RestoreRequest,
    copy_backup,
    create_backup,
    restore_backup,
)
from usenet_stack.backup.rules import Type
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text
from usenet_stack.transaction import SILENT, Observer, Step

MIB = 1024 * 1024
RESERVE = 64  # MiB that a restore leaves free
SERVICES = ("recyclarr", "transmission")
Facts = dict[str, tuple[object, ...]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with room for a restore."""
    assert os.geteuid() == 0, "mounting needs root, as make test has it"
    image, target = tmp_path / "image", tmp_path / "disk"
    target.mkdir()
    with image.open("wb") as file:
        file.truncate(112 * MIB)
    subprocess.run(["mkfs.ext4", "-qm0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", image, target], check=True)
    (target / "lost+found").rmdir()
    yield target
    subprocess.run(["umount", "-l", target], check=True)


@pytest.fixture(autouse=True)
def engine(tmp_path: Path) -> Iterator[None]:
    with empty_engine(tmp_path):
        yield


def stack_in(folder: Path, config: Path) -> Stack:
    folder.mkdir(exist_ok=True)
    text = new_settings_text(NewStack("disks", puid=0, pgid=0))
    text = text.replace('config = "config"', f'config = "{config}"')
    (folder / "stack.toml").write_text(text)
    return load_stack(folder)


def fill(stack: Stack, word: str, count: int) -> None:
    """Write settings, and `count` half megabytes that stay as large."""
    root = stack.config_root
    for path in ("recyclarr/recyclarr.yml", "transmission/settings.json"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f'{{"a": "{word}"}}\n')
    for service in ("recyclarr/state", "transmission/torrents"):
        (root / service).mkdir(exist_ok=True)
        for number in range(count // 2):
            half = root / service / f"{word}{number}"
            half.write_bytes(os.urandom(MIB // 2))


def packed(stack: Stack, type: Type = "config") -> Path:
    request = BackupRequest(type=type)
    return Path(create_backup(stack, request).data["path"])


def leave_free(disk: Path, megabytes: int) -> None:
    found = os.statvfs(disk)
    take = found.f_bavail * found.f_frsize - megabytes * MIB
    # It needs a few blocks of its own.
    take -= 0 if megabytes else MIB // 8
    with (disk / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, take)


class Meanwhile(Observer):
    """Others take all the room but some as soon as a restore begins."""

    def __init__(self, disk: Path, free: int) -> None:
        self.disk, self.free = disk, free

    def step_started(self, index: int, total: int, step: Step) -> None:
        if step.operation.kind in ("backup.stage", "backup.unpack"):
            leave_free(self.disk, self.free)

    def plan(self, *_: Any) -> None: ...

    progress: Any = plan
    step_finished: Any = plan
    warning: Any = plan


def seen(top: Path) -> Facts:
    """Return all that a restore could have spoiled below a folder."""
    found: Facts = {}
    for path in sorted((top, *top.rglob("*"))):
        status = path.lstat()
        told = (status.st_ino, status.st_mode, status.st_uid)
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path)] = (*told, status.st_mtime_ns, content)
    return found


def notes(stack: Stack) -> set[str]:
    """Return what is kept of restores; the journal itself may grow."""
    return {path.name for path in stack.state_path.glob("*restore*")}


def refused(
    stack: Stack,
    request: RestoreRequest,
    observer: Observer = SILENT,
    *,
    exit_codes: tuple[int, ...] = (13,),
) -> UsenetError:
    """Restore in vain, and see that nothing changed and nothing is left."""
    before, noted = seen_but_time(stack.config_root), notes(stack)
    with pytest.raises(UsenetError) as caught:
        restore_backup(stack, request, observer)
    error = caught.value
    assert error.exit_code in exit_codes, error
    assert seen_but_time(stack.config_root) == before
    assert notes(stack) == noted
    assert error.hint
    return error


def seen_but_time(root: Path) -> Facts:
    """Return what is seen of a root; what came and went changed its time."""
    found = seen(root)
    del found[str(root)]
    return found


def check_full(error: UsenetError, disk: Path) -> None:
    assert "space" in error.why, error.why
    _, _, folder = error.hint.partition("df -h ")
    shown = folder.split()[0].strip("'")
    assert shown.startswith(str(disk)) and Path(shown).is_dir(), error.hint


WAYS = [
    # Unpacking takes the room, or copying what the backup does not hold.
    pytest.param("config", 2, "unpack", id="unpacking"),
    pytest.param("minimal", 12, "copy", id="copying"),
]


@pytest.mark.parametrize("whole", [False, True], ids=["config", "stack"])
@pytest.mark.parametrize(("type", "count", "step"), WAYS)
def test_full_at_every_megabyte_of_the_way(
    tmp_path: Path, disk: Path, whole: bool, type: Type, count: int, step: str
) -> None:
    folder = disk / "stack" if whole else tmp_path / "stack"
    stack = stack_in(folder, disk / "config")
    fill(stack, "new", 14 - count)
    path = packed(stack, type)
    for file in stack.config_root.rglob("new*"):
        file.unlink()
    fill(stack, "old", count)
    request, failed = RestoreRequest(path), []
    for free in range(12):
        try:
            error = refused(stack, request, Meanwhile(disk, free))
        except pytest.fail.Exception:  # it was not in vain
            break
        finally:
            (disk / "filler").unlink()
        failed.append(error.message.split()[0])
        check_full(error, disk)
    assert 5 <= len(failed) < 12
    assert failed.count(step) >= 5
    found = (stack.config_root / "transmission/settings.json").read_text()
    assert "new" in found


def test_without_the_room_it_does_not_begin(disk: Path, tmp_path: Path) -> None:
    stack = stack_in(tmp_path / "stack", disk / "config")
    fill(stack, "new", 12)
    request = RestoreRequest(packed(stack))
    fill(stack, "old", 2)
    for free in (0, 1, RESERVE, RESERVE + 6):
        leave_free(disk, free)
        error = refused(stack, request, exit_codes=(1,))
        assert error.code == "backup.no-room"
        assert "usenet backup clean" in error.hint
        (disk / "filler").unlink()
    leave_free(disk, RESERVE + 8)
    assert restore_backup(stack, request).ok


def test_to_a_disk_that_fills_up(disk: Path, tmp_path: Path) -> None:
    stack = stack_in(tmp_path / "stack", tmp_path / "config")
    fill(stack, "new", 12)
    path, to = packed(stack), disk / "looked"
    request = RestoreRequest(path, to=to)
    for free in range(7):
        error = refused(stack, request, Meanwhile(disk, free))
        check_full(error, disk)
        assert [found.name for found in disk.iterdir()] == ["filler"]
        (disk / "filler").unlink()
    leave_free(disk, RESERVE)
    error = refused(stack, request, exit_codes=(1,))
    assert error.code == "backup.no-room"
    (disk / "filler").unlink()
    assert restore_backup(stack, request).ok
    assert sorted(found.name for found in to.iterdir()) == list(SERVICES)


def test_settings_on_a_read_only_disk(disk: Path, tmp_path: Path) -> None:
    stack = stack_in(tmp_path / "stack", disk / "config")
    fill(stack, "new", 2)
    path = packed(stack)
    fill(stack, "old", 2)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    error = refused(stack, RestoreRequest(path))
    assert "ead-only" in error.why, error.why
    assert str(disk) in error.why
    assert f"remount,rw \"$(findmnt -no TARGET -T '{disk}" in error.hint
    mend = error.hint.removeprefix("sudo ").partition("   ")[0]
    subprocess.run(mend, shell=True, check=True)
    assert restore_backup(stack, RestoreRequest(path)).ok


def test_a_whole_stack_on_a_read_only_disk(usenet: Cli, disk: Path) -> None:
    stack = stack_in(disk / "stack", Path("config"))
    fill(stack, "new", 2)
    packed(stack)
    fill(stack, "old", 2)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    before = seen(stack.folder)
    words = ("backup", "restore", "latest", "--yes", "--stack", stack.folder)
    ran = usenet(*words)
    assert ran.rc == 1, ran
    assert "ead-only" in ran.stderr and "fix: " in ran.stderr, ran
    assert seen(stack.folder) == before


def test_the_backup_goes_away(disk: Path, tmp_path: Path) -> None:
    stack = stack_in(tmp_path / "stack", tmp_path / "config")
    fill(stack, "new", 12)
    source = packed(stack)
    copy_backup(stack, source, str(disk))
    subprocess.run(["umount", disk], check=True)  # and all that was cached
    image = tmp_path / "image"
    subprocess.run(["mount", "-o", "loop", image, disk], check=True)
    fill(stack, "old", 2)
    error = refused(stack, RestoreRequest(disk / source.name), Unplug(disk))
    assert "nput/output error" in error.why, error
    assert source.name in f"{error.message} {error.why}"
    assert restore_backup(stack, RestoreRequest(source)).ok


class Unplug(Meanwhile):
    """Somebody unplugs a disk when a restore begins."""

    def __init__(self, disk: Path) -> None:
        super().__init__(disk, 0)

    def step_started(self, index: int, total: int, step: Step) -> None:
        if step.operation.kind == "backup.stage":
            words = ["findmnt", "-no", "SOURCE", str(self.disk)]
            device = subprocess.check_output(words, text=True).strip()
            os.truncate(self.disk.with_name("image"), 0)
            subprocess.run(["losetup", "-c", device], check=True)


def test_a_folder_that_denies(disk: Path, tmp_path: Path) -> None:
    stack = stack_in(tmp_path / "stack", disk / "config")
    fill(stack, "new", 2)
    path = packed(stack)
    fill(stack, "old", 2)
    subprocess.run(["chattr", "+i", stack.config_root], check=True)
    try:
        error = refused(stack, RestoreRequest(path))
    finally:
        subprocess.run(["chattr", "-i", stack.config_root], check=True)
    assert "permi" in f"{error.message} {error.why}".lower(), error
    assert str(stack.config_root) in f"{error.message} {error.hint}"
    assert restore_backup(stack, RestoreRequest(path)).ok


NOBODY = 65534


@contextmanager
def acting_as(uid: int) -> Iterator[None]:
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others can reach, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def open_python(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A Python that others can start, as one below /root is not."""
    place = open_folder / "python"
    place.mkdir()
    subprocess.run(["mount", "--bind", sys.base_prefix, place], check=True)
    binary = Path(sys.executable).resolve().relative_to(sys.base_prefix)
    monkeypatch.setattr(sys, "executable", str(place / binary))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(place / "lib"))
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


def theirs(stack: Stack) -> None:
    for path in (stack.folder, *stack.folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)


@pytest.mark.usefixtures("open_python")
def test_another_user(open_folder: Path) -> None:
    stack = stack_in(open_folder / "stack", Path("config"))
    fill(stack, "new", 2)
    request = RestoreRequest(packed(stack))
    fill(stack, "old", 2)
    theirs(stack)
    os.chown(stack.config_root / "recyclarr", 0, 0)
    with empty_engine(open_folder):
        (open_folder / "engine.sock").chmod(0o666)
        with acting_as(NOBODY):
            error = refused(stack, request, exit_codes=(1,))
            assert error.code == "backup.needs-root"
            assert error.hint.startswith("sudo usenet backup restore")
        os.chown(stack.config_root / "recyclarr", NOBODY, NOBODY)
        os.chown(stack.config_root, 0, 0)
        with acting_as(NOBODY):
            error = refused(stack, request)
            assert "permi" in f"{error.message} {error.why}".lower(), error
        os.chown(stack.config_root, NOBODY, NOBODY)
        with acting_as(NOBODY):
            assert restore_backup(stack, request).ok
