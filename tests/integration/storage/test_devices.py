"""Drives named by device, UUID or label, mounted or not, sound or not."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from test_hotswap import state

from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.storage import (
    add_drive,
    apply_pool,
    pool_status,
    read_mounts,
    remove_drive,
)
from usenet_stack.storage.mounting import unmount_tree
from usenet_stack.storage.registry import read_registry
from usenet_stack.storage.sentinel import FILE_NAME

Make = Callable[..., Path]


def uuid_of(device: Path) -> str:
    command = ["blkid", "-p", "-s", "UUID", "-o", "value", str(device)]
    return subprocess.check_output(command, text=True).strip()


@pytest.mark.parametrize("how", ["device", "uuid", "bare uuid", "label"])
def test_a_device_is_mounted_by_whatever_name(
    stack: Stack, make_disk: Make, how: str
) -> None:
    device = make_disk("films", label="FILMS", mounted=False)
    named = {
        "device": str(device),
        "uuid": f"UUID={uuid_of(device)}",
        "bare uuid": uuid_of(device),
        "label": "label=films",
    }[how]
    added = add_drive(stack, named)
    assert added.data["added"] == "FILMS"
    known = read_registry(stack.folder)["FILMS"]
    assert (known.uuid, known.mounts) == (uuid_of(device), True)
    (mount,) = [m for m in read_mounts() if m.source == str(device)]
    assert {"nosuid", "nodev"} <= set(mount.options.split(","))
    removed = remove_drive(stack, "FILMS")
    assert removed.data["safe_to_unplug"] is True


def test_a_device_that_is_mounted_is_bound_from_there(
    stack: Stack, make_disk: Make
) -> None:
    folder = make_disk("films")
    (device,) = [m.source for m in read_mounts() if m.target == str(folder)]
    add_drive(stack, device)
    known = read_registry(stack.folder)["films"]
    assert (known.source, known.mounts) == (str(folder), False)
    removed = remove_drive(stack, "films")
    assert removed.data["safe_to_unplug"] is False
    assert str(folder) in removed.messages[-1].text


def test_one_drive_under_two_names_is_refused(
    stack: Stack, make_disk: Make
) -> None:
    device = make_disk("films", mounted=False)
    add_drive(stack, device, "one")
    before = state(stack)
    with pytest.raises(UsenetError) as caught:
        add_drive(stack, f"UUID={uuid_of(device)}", "two")
    assert caught.value.code == "storage.already"
    assert state(stack) == before


def test_a_known_drive_comes_back_under_another_device_name(
    stack: Stack, make_disk: Make
) -> None:
    device = make_disk("films", mounted=False)
    add_drive(stack, device, "films", services=("sonarr",))
    place = stack.media_root / "films"
    (place / "tv/film").write_text("x")
    unmount_tree(place)
    backing = Path(
        f"/sys/block/{device.name}/loop/backing_file"
    ).read_text().strip()  # fmt: skip
    other = subprocess.check_output(
        ["losetup", "--find", "--show", backing], text=True
    ).strip()
    try:
        result = apply_pool(stack)
        assert result.data["drives"][0]["state"] == "mounted"
        assert (place / "tv/film").read_text() == "x"
        assert apply_pool(stack).data["steps"] == 0
        assert read_registry(stack.folder)["films"].services == ("sonarr",)
        unmount_tree(place)
    finally:
        subprocess.run(["losetup", "--detach", other], check=True)


def test_what_lies_on_the_mountpoint_is_not_taken_for_the_drive(
    stack: Stack, make_tmpfs: Make, make_disk: Make
) -> None:
    """Another drive is mounted where a known one was: it is not bound."""
    folder = make_disk("films")
    add_drive(stack, folder)
    unmount_tree(stack.media_root / "films")
    unmount_tree(folder)
    other = make_tmpfs("films2")
    subprocess.run(["mount", "--bind", other, folder], check=True)
    result = apply_pool(stack)
    assert result.data["steps"] == 0
    assert result.data["drives"][0]["state"] == "away"
    assert list((stack.media_root / "films").iterdir()) == []


def test_a_drive_without_its_sentinel_is_called_another_drive(
    stack: Stack, make_tmpfs: Make
) -> None:
    drive = make_tmpfs("one")
    add_drive(stack, drive)
    (drive / FILE_NAME).unlink()
    (row,) = pool_status(stack).data["drives"]
    assert row["state"] == "another drive"


def test_no_file_system_and_a_broken_one(stack: Stack, make_disk: Make) -> None:
    empty = make_disk("empty", mounted=False)
    with empty.open("r+b") as file:
        file.write(bytes(2**20))
    broken = make_disk("broken", mounted=False)
    with broken.open("r+b") as file:
        file.seek(2048)  # what stands behind the superblock
        file.write(b"\xff" * 2048)
    before = state(stack)
    for device, code, exit_code in (
        (empty, "storage.unmountable", 1),
        (broken, "transaction.rolled-back", 13),
    ):
        with pytest.raises(UsenetError) as caught:
            add_drive(stack, device, "x")
        assert caught.value.code == code, caught.value.why
        assert caught.value.exit_code == exit_code
        # Sharing the data folder is undone as well.
        assert state(stack) == before


def test_a_dead_drive_can_leave(stack: Stack, make_disk: Make) -> None:
    """Its sentinel cannot be removed any more; it leaves all the same."""
    device = make_disk("films", mounted=False)
    add_drive(stack, device, "films")
    place = stack.media_root / "films"
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    removed = remove_drive(stack, "films")
    assert removed.data["drives"] == []
