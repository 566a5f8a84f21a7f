"""`storage health` through the real CLI, on disks that tell what we say."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_tools import Machine, disk

from cli_process import Cli, Ran
from smart_documents import asleep, ata, forbidden, nvme, unknown_bridge
from usenet_stack.storage import read_mounts

Make = Callable[..., Path]


@pytest.fixture
def on_sda(make_disk: Make, machine: Machine) -> Path:
    """Return where a file system of the disk /dev/sda is mounted."""
    place = make_disk("films")
    (mount,) = [m for m in read_mounts() if m.target == str(place)]
    part = disk("sda1", type="part", fstype="ext4", uuid="u-films")
    part |= {"path": mount.source, "maj:min": mount.device}
    machine.has(disk("sda", children=[part]))
    return place


def drive(ran: Ran) -> dict[str, Any]:
    assert ran.rc == 0, ran
    (row,) = ran.json["data"]["drives"]
    return dict(row)


def check(there: Cli, place: Path) -> dict[str, Any]:
    return drive(there("storage", "health", place, "--format", "json"))


def whys(row: dict[str, Any]) -> list[str]:
    return [reason["why"] for reason in row["reasons"]]


def test_a_sound_disk(there: Cli, machine: Machine, on_sda: Path) -> None:
    machine.tells("/dev/sda", ata())
    row = check(there, on_sda)
    assert (row["verdict"], row["reasons"]) == ("good", [])
    assert row["disks"][0]["temperature_c"] == 34
    text = there("storage", "health", on_sda, "-v").stdout
    words = " ".join(text.split())
    assert "good 34 °C 12345 h" in words
    assert "Sectors pending 0" in words


def test_an_exit_status_of_bits_is_no_failure(
    there: Cli, machine: Machine, on_sda: Path
) -> None:
    told = ata(passed=False, pending=40, status=0b11011000)
    machine.tells("/dev/sda", told)
    row = check(there, on_sda)
    assert row["verdict"] == "replace it"
    assert "The disk itself says that it is failing." in whys(row)
    text = there("storage", "health", on_sda).stdout
    # The verdict first, then why, then what to do.
    assert text.index("replace it") < text.index("itself says")
    assert text.index("itself says") < text.index("another drive")


def test_the_list_shows_what_health_found(
    there: Cli, machine: Machine, on_sda: Path
) -> None:
    machine.tells("/dev/sda", ata(reallocated=3))
    assert check(there, on_sda)["verdict"] == "watch it"
    calls = len(machine.asked())
    ran = there("storage", "list", "--format", "json")
    rows = {row["mountpoint"]: row for row in ran.json["data"]["drives"]}
    assert rows[str(on_sda)]["health"] == "watch it"
    assert "watch it" in there("storage", "list").stdout
    assert len(machine.asked()) == calls, "a list asks no disk"
    machine.tells("/dev/sda", ata())
    assert check(there, on_sda)["verdict"] == "good"
    ran = there("storage", "list", "--format", "json")
    rows = {row["mountpoint"]: row for row in ran.json["data"]["drives"]}
    assert (rows[str(on_sda)]["health"], ran.stderr) == ("good", "")


def test_a_sleeping_disk_stays_asleep_and_keeps_its_verdict(
    there: Cli, machine: Machine, on_sda: Path
) -> None:
    machine.tells("/dev/sda", asleep())
    row = check(there, on_sda)
    assert (row["verdict"], row["disks"][0]["state"]) == ("unknown", "asleep")
    machine.tells("/dev/sda", ata(pending=2))
    check(there, on_sda)
    machine.tells("/dev/sda", asleep())
    row = check(there, on_sda)
    assert row["verdict"] == "watch it"
    assert whys(row) == [
        "When it was last awake: 2 sectors cannot be read at present."
    ]
    for call in machine.asked():
        assert call[call.index("-n") + 1] == "standby"


def test_a_bridge_that_smartctl_does_not_know_is_asked_as_sat(
    there: Cli, machine: Machine, on_sda: Path
) -> None:
    machine.tells("/dev/sda", unknown_bridge(), sat=ata(reallocated=1))
    assert check(there, on_sda)["verdict"] == "watch it"
    assert machine.asked()[-1][-3:-1] == ["-d", "sat"]


def test_a_bridge_that_refuses_all_the_same(
    there: Cli, machine: Machine, on_sda: Path
) -> None:
    machine.tells("/dev/sda", unknown_bridge(), sat=unknown_bridge())
    row = check(there, on_sda)
    assert (row["verdict"], row["disks"][0]["state"]) == ("unknown", "refused")
    assert "Unknown USB bridge" in row["disks"][0]["why"]
    text = there("storage", "health", on_sda, "-v").stdout
    assert "did not answer" in text


def test_no_right_to_ask_names_the_command(
    there: Cli, machine: Machine, on_sda: Path
) -> None:
    machine.tells("/dev/sda", forbidden())
    ran = there("storage", "health", on_sda)
    assert ran.rc == 0
    assert "sudo usenet storage health" in " ".join(ran.stderr.split())


def test_a_dying_disk_holds_nothing_up(
    there: Cli, machine: Machine, on_sda: Path
) -> None:
    machine.tells("/dev/sda", "hangs")
    started = time.monotonic()
    row = check(there, on_sda)
    assert time.monotonic() - started < 30
    assert (row["verdict"], row["disks"][0]["state"]) == ("unknown", "silent")


def test_without_smartctl_the_rest_is_told(
    usenet: Cli, machine: Machine, on_sda: Path
) -> None:
    (machine.bin / "apt-get").symlink_to("/bin/true")
    alone = Cli(usenet.home, {"PATH": str(machine.bin)})
    ran = alone("storage", "health", on_sda, "--format", "json")
    row = drive(ran)
    assert (ran.json["data"]["smartctl"], row["verdict"]) == (False, "unknown")
    assert row["free"] > 0
    (message,) = ran.json["messages"]
    assert "sudo apt-get install smartmontools" in message["text"]


def test_two_disks_the_worse_one_counts(
    there: Cli, machine: Machine, make_disk: Make
) -> None:
    place = make_disk("films")
    (mount,) = [m for m in read_mounts() if m.target == str(place)]
    raid = disk("md0", type="raid1", fstype="ext4")
    raid |= {"path": mount.source, "maj:min": mount.device}
    ssd = disk("nvme0n1", tran="nvme", children=[raid])
    machine.has(disk("sda", children=[raid]), ssd)
    machine.tells("/dev/sda", ata())
    machine.tells("/dev/nvme0n1", nvme(spare=2))
    row = check(there, place)
    assert row["verdict"] == "replace it"
    assert [each["verdict"] for each in row["disks"]] == ["good", "replace it"]
    assert whys(row) == ["Its spare blocks run out (2 % left)."]


def test_a_drive_by_any_of_its_names(
    there: Cli, machine: Machine, on_sda: Path
) -> None:
    machine.tells("/dev/sda", ata())
    for name in (f"{on_sda}/", "u-films", "/dev/sda"):
        assert check(there, Path(name))["mountpoint"] == str(on_sda)
    ran = there("storage", "health", "nothing\nlike it")
    assert ran.rc == 2
    assert "storage list" in ran.stderr


def test_a_drive_that_fills_up_soon(
    there: Cli, machine: Machine, on_sda: Path
) -> None:
    machine.tells("/dev/sda", ata())
    row = check(there, on_sda)
    day, now = 86400, int(time.time())
    room = row["used"] + row["free"]
    samples = [
        [now - age * day, row["used"] - age * row["free"] // 10, room]
        for age in range(9, 0, -1)
    ]
    file = there.home / ".local/state/usenet/drives.json"
    notes = json.loads(file.read_text())
    assert len(notes["filling"]["u-films"]["samples"]) == 1
    notes["filling"]["u-films"]["samples"] = samples
    file.write_text(json.dumps(notes))
    row = check(there, on_sda)
    assert row["verdict"] == "watch it"
    assert 9 < row["filling"]["full_in_days"] < 11
    assert "full in 10 days" in " ".join(whys(row))


def test_errors_of_a_real_file_system_are_told(
    make_disk: Make, usenet: Cli
) -> None:
    place = make_disk("films")
    (mount,) = [m for m in read_mounts() if m.target == str(place)]
    name = Path(mount.source).name
    trigger = Path(f"/sys/fs/ext4/{name}/trigger_fs_error")
    trigger.write_text("a test made this error")
    row = drive(usenet("storage", "health", place, "--format", "json"))
    assert row["verdict"] == "watch it"
    assert "1 error on record" in " ".join(whys(row))
    assert "fsck" in row["reasons"][0]["mend"]
    ran = usenet("storage", "list")
    assert "watch it" in ran.stdout
    assert "fsck" in ran.stderr


def test_a_file_system_that_the_kernel_made_read_only(
    make_disk: Make, usenet: Cli
) -> None:
    place = make_disk("films", options="rw,errors=remount-ro")
    (mount,) = [m for m in read_mounts() if m.target == str(place)]
    name = Path(mount.source).name
    trigger = Path(f"/sys/fs/ext4/{name}/trigger_fs_error")
    trigger.write_text("a test made this error")
    row = drive(usenet("storage", "health", place, "--format", "json"))
    assert "The kernel made it read-only after an error." in whys(row)
    assert row["read_only"]
    subprocess.run(["umount", place], check=True)
