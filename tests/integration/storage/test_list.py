"""`storage list` on real mounts, dead ones among them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_tools import Machine, disk

from cli_process import Cli
from usenet_stack.stack.model import Stack
from usenet_stack.storage import Request, list_drives, probe, read_mounts
from usenet_stack.storage.registry import PoolDrive, write_registry

Make = Callable[..., Path]


def rows(result: Any) -> dict[str, dict[str, Any]]:
    return {row["mountpoint"]: row for row in result.data["drives"]}


def test_a_disk_with_all_its_facts(make_disk: Make) -> None:
    disk = make_disk("disk", label="Films")
    row = rows(list_drives())[str(disk)]
    assert (row["name"], row["label"]) == ("Films", "Films")
    assert (row["fstype"], row["medium"]) == ("ext4", "loop")
    assert (row["state"], row["read_only"]) == ("mounted", False)
    assert len(row["uuid"]) == 36
    assert 0 < row["free"] < row["size"] < 16 * 1024 * 1024


def test_a_read_only_disk(make_disk: Make) -> None:
    disk = make_disk("disk", options="ro")
    assert rows(list_drives())[str(disk)]["read_only"]


def test_pseudo_file_systems_are_for_all_only(make_tmpfs: Make) -> None:
    memory = str(make_tmpfs("memory"))
    assert memory not in rows(list_drives())
    every = rows(list_drives(all=True))
    assert every[memory]["medium"] == "memory"
    assert "/proc" in every


def test_a_bind_is_no_second_drive(make_disk: Make, arena: Path) -> None:
    disk = make_disk("disk")
    (disk / "sub").mkdir()
    (arena / "bound").mkdir()
    subprocess.run(
        ["mount", "--bind", disk / "sub", arena / "bound"], check=True
    )
    found = rows(list_drives())
    assert str(disk) in found
    assert str(arena / "bound") not in found


HOSTILE = (
    "a b\n'c\\",
    "-rf",
    "$(reboot)",
    'q"uo`te',
    "ünï ☃",
    "[bold]x",
    "a\tb\\040c",
    "\x1b[2J",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(name: str, make_disk: Make, usenet: Cli) -> None:
    place = str(make_disk(name, label="-rf 'x\""))
    ran = usenet("storage", "list", "--format", "json")
    found = {row["mountpoint"]: row for row in ran.json["data"]["drives"]}
    assert (ran.rc, found[place]["state"]) == (0, "mounted")
    assert found[place]["label"] == "-rf 'x\""
    for width in ("80", "120"):
        for more in ((), ("-v",)):
            ran = usenet("storage", "list", *more, env={"COLUMNS": width})
            assert (ran.rc, ran.stderr) == (0, "")
            assert "\x1b" not in ran.stdout
            assert max(map(len, ran.stdout.splitlines())) <= int(width)
    ran = usenet("storage", "health", place)
    assert (ran.rc, "good" in ran.stdout) == (0, True)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_each_file_system(kind: str, make_disk: Make) -> None:
    disk = make_disk("disk", kind=kind, label="Films")
    row = rows(list_drives())[str(disk)]
    assert (row["fstype"], row["label"]) == (kind, "Films")
    assert len(row["uuid"]) == 36
    assert row["devices"] == [row["source"]]
    assert (row["faults"], row["portability"]) == ([], "Linux")


def test_a_btrfs_of_two_disks_is_one_row(make_disk: Make) -> None:
    disk = make_disk("two", kind="btrfs", disks=2)
    found = [
        row
        for row in list_drives().data["drives"]
        if row["uuid"] and row["fstype"] == "btrfs"
    ]
    (row,) = [row for row in found if row["mountpoint"] == str(disk)]
    assert len(row["devices"]) == 2
    assert [r for r in found if r["uuid"] == row["uuid"]] == [row]
    subprocess.run(["umount", disk], check=True)
    (away,) = [
        r for r in list_drives().data["drives"] if r["uuid"] == row["uuid"]
    ]
    assert (away["state"], away["mountpoint"]) == ("not mounted", "")
    assert sorted(away["devices"]) == sorted(row["devices"])


def test_plugged_but_not_mounted(make_disk: Make) -> None:
    device = make_disk("disk", label="Films", mounted=False)
    (row,) = [
        row
        for row in list_drives().data["drives"]
        if row["source"] == str(device)
    ]
    assert (row["name"], row["state"]) == ("Films", "not mounted")
    assert row["size"] == 16 * 1024 * 1024
    assert row["free"] is None


def test_mergerfs_is_a_union(make_disk: Make, arena: Path) -> None:
    first, second = make_disk("one"), make_disk("two")
    union = arena / "union"
    union.mkdir()
    subprocess.run(["mergerfs", f"{first}:{second}", union], check=True)
    row = rows(list_drives())[str(union)]
    assert (row["medium"], row["state"]) == ("union", "mounted")
    subprocess.run(["umount", union], check=True)


def test_the_folders_of_dropbox_and_onedrive(usenet: Cli) -> None:
    for folder in (".dropbox", "Dropbox", ".config/onedrive", "OneDrive"):
        (usenet.home / folder).mkdir(parents=True)
    account = {"personal": {"path": f"{usenet.home}/Dropbox"}}
    (usenet.home / ".dropbox/info.json").write_text(json.dumps(account))
    ran = usenet("storage", "list", "--format", "json")
    found = {row["mountpoint"]: row for row in ran.json["data"]["drives"]}
    for name in ("Dropbox", "OneDrive"):
        row = found[f"{usenet.home}/{name}"]
        assert (row["medium"], row["state"]) == ("cloud", "mounted")
        assert row["fstype"] == name.lower()
        assert row["free"] > 0


def test_layers_below_a_mounted_drive(
    make_disk: Make, machine: Machine, there: Cli
) -> None:
    place = make_disk("disk")
    (loop,) = [m for m in read_mounts() if m.target == str(place)]
    volume = disk("vg-films", type="lvm", fstype="ext4", label="Films")
    volume |= {"path": loop.source, "maj:min": loop.device}
    opened = disk("opened", type="crypt", children=[volume])
    raid = disk("md0", type="raid1", children=[opened])
    machine.has(
        disk("sda", children=[raid]),
        disk("sdb", children=[raid]),
        disk("sdc", fstype="exfat", label="Stick", tran="usb", rota=False),
        disk("sdd", fstype="crypto_LUKS"),
    )
    ran = there("storage", "list", "--format", "json")
    found = {row["source"]: row for row in ran.json["data"]["drives"]}
    row = found[loop.source]
    assert row["layers"] == ["RAID", "LUKS", "LVM"]
    assert (row["medium"], row["label"]) == ("HDD", "Films")
    assert row["disks"] == ["/dev/sda", "/dev/sdb"]
    assert found["/dev/sdc"]["portability"] == "Linux, Windows, macOS"
    text = there("storage", "list", "-v").stdout
    assert "HDD RAID LUKS LVM" in " ".join(text.split())
    assert "not mounted, locked" in text


def test_a_machine_without_lsblk_still_tells_its_mounts(
    make_disk: Make, usenet: Cli, tmp_path: Path
) -> None:
    place = str(make_disk("disk"))
    ran = usenet(
        "storage", "list", "--format", "json", env={"PATH": str(tmp_path)}
    )
    found = {row["mountpoint"]: row for row in ran.json["data"]["drives"]}
    assert found[place]["free"] > 0


def test_known_to_the_pool_but_away(stack: Stack) -> None:
    drive = PoolDrive("/mnt/gone", "u-u-i-d", "/dev/gone")
    write_registry(stack.folder, {"films": drive})
    (row,) = [
        row
        for row in list_drives(stack=stack).data["drives"]
        if row["pool"] == "films"
    ]
    assert (row["state"], row["uuid"]) == ("away", "u-u-i-d")
    pools = [row["pool"] for row in list_drives().data["drives"]]
    assert not any(pools)


def test_a_hung_mount_costs_its_row_only(
    make_hung: Make, make_disk: Make
) -> None:
    hung, disk = make_hung("hung"), make_disk("disk")
    started = time.monotonic()
    result = list_drives()
    assert time.monotonic() - started < 4
    found = rows(result)
    assert found[str(hung)]["state"] == "not answering"
    assert found[str(hung)]["size"] is None
    assert found[str(hung)]["medium"] == "cloud"
    assert found[str(disk)]["state"] == "mounted"
    assert any(str(hung) in message.text for message in result.messages)


def test_the_exit_of_the_program_does_not_hang(make_hung: Make) -> None:
    hung = make_hung("hung")
    code = (
        "import json; from usenet_stack.storage import list_drives; "
        "print(json.dumps(list_drives().data))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        timeout=15,
        check=True,
    )
    found = {r["mountpoint"]: r for r in json.loads(done.stdout)["drives"]}
    assert found[str(hung)]["state"] == "not answering"


def test_a_mount_that_hangs_unexpectedly_spoils_no_other(
    make_hung: Make, make_tmpfs: Make
) -> None:
    first, hung, last = make_tmpfs("a"), make_hung("h"), make_tmpfs("z")
    # Not marked as doubtful, as a dying local disk would not be.
    requests = [Request("statvfs", str(path)) for path in (first, hung, last)]
    found = probe(requests, deadline_s=0.5)
    assert [answer.state for answer in found] == ["ok", "silent", "ok"]


def test_twenty_hung_mounts_hang_together(make_hung: Make) -> None:
    hung = [make_hung(f"h{number}") for number in range(20)]
    started = time.monotonic()
    found = rows(list_drives())
    assert time.monotonic() - started < 6
    assert {found[str(path)]["state"] for path in hung} == {"not answering"}


def test_a_mount_that_hung_is_asked_briefly_the_next_time(
    make_hung: Make, usenet: Cli
) -> None:
    hung = str(make_hung("hung"))
    times = []
    for _ in range(2):
        started = time.monotonic()
        ran = usenet("storage", "list", "--format", "json")
        times.append(time.monotonic() - started)
        found = {row["mountpoint"]: row for row in ran.json["data"]["drives"]}
        assert found[hung]["state"] == "not answering"
    assert times[0] > 0.8
    assert times[1] < times[0] - 0.3


def test_a_worker_stuck_in_the_kernel_is_the_last_one(
    make_hung: Make, usenet: Cli
) -> None:
    hung = make_hung("hung", reads=True)
    for _ in range(3):
        ran = usenet("storage", "list", "--format", "json")
        found = {row["mountpoint"]: row for row in ran.json["data"]["drives"]}
        assert found[str(hung)]["state"] == "not answering"
    (worker,) = stuck(usenet.home)
    # It holds nothing of the program's but the pipe to it.
    files = {
        file.name: str(file.readlink())
        for file in Path(f"/proc/{worker}/fd").iterdir()
    }
    assert files.pop("1").startswith("pipe:")
    assert set(files.values()) == {"/dev/null"}


def stuck(home: Path) -> set[str]:
    """Return the processes of this home that not even a kill ends."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()
            environ = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        # Others wait for a disk at times; those are none of ours.
        if state[0] == "D" and b"HOME=" + os.fsencode(home) in environ:
            found.add(folder.name)
    return found
