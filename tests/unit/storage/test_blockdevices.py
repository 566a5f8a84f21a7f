"""`lsblk --json`, recorded."""

import json
from typing import Any

from usenet_stack.storage.blockdevices import parse_block_devices


def row(name: str, kind: str, **more: Any) -> dict[str, Any]:
    base = {
        "name": name,
        "path": f"/dev/{name}",
        "maj:min": "8:1",
        "type": kind,
        "fstype": None,
        "label": None,
        "uuid": None,
        "size": 1000,
        "rota": False,
        "ro": False,
        "tran": None,
        "model": None,
        "mountpoints": [None],
    }
    return {**base, **more}


def parse(*rows: dict[str, Any]) -> dict[str, Any]:
    document = json.dumps({"blockdevices": rows}).encode()
    return {d.path: d for d in parse_block_devices(document)}


def test_a_partition_takes_its_medium_from_its_disk() -> None:
    part = row("sdb1", "part", fstype="exfat", label="Films", uuid="AB-1")
    found = parse(row("sdb", "disk", tran="usb", children=[part]))
    device = found["/dev/sdb1"]
    assert (device.medium, device.disk) == ("USB", "/dev/sdb")
    assert (device.fstype, device.label, device.uuid) == (
        "exfat",
        "Films",
        "AB-1",
    )
    assert found["/dev/sdb"].has_children


def test_media() -> None:
    found = parse(
        row("sda", "disk", rota=True),
        row("sdc", "disk", rota="0"),
        row("nvme0n1", "disk", tran="nvme"),
        row("loop3", "loop", rota=True),
        row("zram0", "disk"),
    )
    media = [device.medium for device in found.values()]
    assert media == ["HDD", "SSD", "NVMe", "loop", "memory"]


def test_raid_below_two_disks_stands_once() -> None:
    raid = row("md0", "raid1", fstype="ext4", mountpoints=["/mnt/raid"])
    found = parse(
        row("sda", "disk", children=[raid]), row("sdb", "disk", children=[raid])
    )
    assert list(found) == ["/dev/sda", "/dev/md0", "/dev/sdb"]
    assert found["/dev/md0"].mountpoints == ("/mnt/raid",)


def test_a_tree_deeper_than_any_recursion() -> None:
    tree = row("x0", "crypt")
    for level in range(1, 400):
        tree = row(f"x{level}", "crypt", children=[tree])
    assert len(parse(tree)) == 400


def test_an_old_lsblk_with_one_mountpoint() -> None:
    old = row("sda1", "part", mountpoint="/mnt/a")
    del old["mountpoints"]
    assert parse(old)["/dev/sda1"].mountpoints == ("/mnt/a",)
