"""Targets that are full, read-only, not ours, or go away."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from usenet_stack.backup import (
    BackupRequest,
    all_backups,
    copy_backup,
    create_backup,
    verify_backup,
)
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack

MIB = 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, on a loop device."""
    assert os.geteuid() == 0, "mounting needs root, as make test has it"
    image, target = tmp_path / "image", tmp_path / "disk"
    target.mkdir()
    with image.open("wb") as file:
        file.truncate(24 * MIB)
    subprocess.run(["mkfs.ext4", "-qm0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", image, target], check=True)
    (target / "lost+found").rmdir()
    yield target
    subprocess.run(["umount", "-l", target], check=True)


@pytest.fixture
def heavy(bare: Stack) -> Stack:
    """A stack whose backup takes 6 MB that nothing makes smaller."""
    folder = bare.config_root / "recyclarr/state"
    folder.mkdir(parents=True)
    for number in range(12):
        (folder / str(number)).write_bytes(os.urandom(MIB // 2))
    return bare


def leave_free(disk: Path, megabytes: int) -> None:
    found = os.statvfs(disk)
    take = found.f_bavail * found.f_frsize - megabytes * MIB
    with (disk / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, take)


def refused(stack: Stack, target: Path) -> UsenetError:
    with pytest.raises(UsenetError) as caught:
        create_backup(stack, BackupRequest(target=target))
    assert caught.value.exit_code == 13
    return caught.value


def test_full_at_every_megabyte_of_the_way(heavy: Stack, disk: Path) -> None:
    failures = 0
    for free in range(20):
        leave_free(disk, free)
        target = disk / "backups"
        try:
            made = create_backup(heavy, BackupRequest(target=target))
        except UsenetError as error:
            failures += 1
            assert "space" in error.why, error.why
            assert f"df -h {disk}" in error.hint
            assert not target.exists()
        else:
            assert verify_backup(Path(made.data["path"])).ok
            break
        (disk / "filler").unlink()
    assert 5 <= failures < 20


def test_a_copy_to_a_full_disk(heavy: Stack, disk: Path) -> None:
    source = Path(create_backup(heavy).data["path"])
    for free in range(6):
        leave_free(disk, free)
        with pytest.raises(UsenetError) as caught:
            copy_backup(heavy, source, str(disk))
        assert caught.value.exit_code == 13
        assert f"df -h {disk}" in caught.value.hint
        assert [path.name for path in disk.iterdir()] == ["filler"]
        (disk / "filler").unlink()
    copy_backup(heavy, source, str(disk))
    assert verify_backup(disk / source.name).ok
    assert verify_backup(source).ok


def test_a_read_only_target(heavy: Stack, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    error = refused(heavy, disk)
    assert "Read-only" in error.why
    assert str(disk) in error.why
    assert list(disk.iterdir()) == []


def test_a_target_that_denies(heavy: Stack, disk: Path) -> None:
    locked = disk / "locked"
    locked.mkdir()
    subprocess.run(["chattr", "+i", locked], check=True)
    try:
        error = refused(heavy, locked)
        assert "permission" in error.why
        assert list(locked.iterdir()) == []
    finally:
        subprocess.run(["chattr", "-i", locked], check=True)


class Vanishing:
    """An observer that takes a disk away as soon as something is on it."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk
        self.gone = False

    def progress(self, *_: object) -> None:
        if not self.gone and any(self.disk.glob(".usenet*/*")):
            self.gone = True
            words = ["findmnt", "-no", "SOURCE", str(self.disk)]
            device = subprocess.check_output(words, text=True).strip()
            os.truncate(self.disk.with_name("image"), 0)
            subprocess.run(["losetup", "-c", device], check=True)

    def plan(self, *_: object) -> None: ...

    step_started = step_finished = warning = plan


@pytest.mark.parametrize("command", ["create", "copy"])
def test_a_target_that_vanishes(heavy: Stack, disk: Path, command: str) -> None:
    source = Path(create_backup(heavy).data["path"])
    observer = Vanishing(disk)
    with pytest.raises(UsenetError) as caught:
        if command == "create":
            create_backup(heavy, BackupRequest(target=disk), observer)
        else:
            copy_backup(heavy, source, str(disk), observer)
    assert observer.gone
    error = caught.value
    assert error.exit_code in (13, 14), error
    assert "gone" in error.why or "Read-only" in error.why, error.why
    assert str(disk) in error.why
    # The stack goes on as if that disk had never been there.
    subprocess.run(["umount", "-l", disk], check=True)
    assert [path.name for path in all_backups(heavy)] == [source.name]
    assert verify_backup(source).ok
    assert create_backup(heavy).ok
    assert list(disk.iterdir()) == []
    subprocess.run(["mount", "-t", "tmpfs", "none", disk], check=True)


def test_a_target_that_is_a_file(heavy: Stack, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("here\n")
    with pytest.raises(UsenetError) as caught:
        create_backup(heavy, BackupRequest(target=place))
    assert caught.value.code == "backup.target"
    assert place.read_text() == "here\n"


def test_a_verified_copy_on_a_read_only_disk(heavy: Stack, disk: Path) -> None:
    source = Path(create_backup(heavy).data["path"])
    copy_backup(heavy, source, str(disk))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert verify_backup(disk / source.name).ok
    assert all_backups(heavy) == [source]
