"""`lsblk --json`, recorded."""

import json
from pathlib import Path
from typing import Any

from usenet_stack.storage.blockdevices import (
    Identity,
    names_by_id,
    parse_block_devices,
    parse_labels,
)


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
    assert (device.medium, device.disks) == ("USB", ("/dev/sdb",))
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


def test_lvm_on_luks_on_raid_is_what_it_carries() -> None:
    volume = row("vg-media", "lvm", fstype="xfs", label="media", size=900)
    volume["path"] = "/dev/mapper/vg-media"
    opened = row("crypt", "crypt", fstype="LVM2_member", children=[volume])
    raid = row("md0", "raid1", fstype="crypto_LUKS", children=[opened])
    found = parse(
        row("sda", "disk", rota=True, model="WD ", children=[raid]),
        row("sdb", "disk", rota=False, model="Sams", children=[raid]),
    )
    device = found["/dev/mapper/vg-media"]
    assert device.layers == ("RAID", "LUKS", "LVM")
    assert device.disks == ("/dev/sda", "/dev/sdb")
    assert (device.medium, device.model) == ("HDD", "Sams, WD")


def test_the_lasting_name_is_the_one_with_model_and_number(
    tmp_path: Path,
) -> None:
    (tmp_path / "sdb").touch()
    names = ("wwn-0x5000", "usb-WD", "usb-WD_Elements_WX1-0:0", "dm-uuid-LVM-x")
    for name in names:
        (tmp_path / name).symlink_to("sdb")
    found = names_by_id(tmp_path)
    assert found[str(tmp_path / "sdb")] == (
        f"{tmp_path}/usb-WD_Elements_WX1-0:0"
    )


def test_no_lasting_names(tmp_path: Path) -> None:
    assert names_by_id(tmp_path / "absent") == {}


def test_labels_of_any_letters() -> None:
    export = b"DEVNAME=/dev/sda\nLABEL=a\\ b\\=c\nTYPE=ext4\n\nDEVNAME=/dev/b\n"
    told = parse_labels(export)
    assert told["/dev/sda"] == Identity("ext4", "a b=c")
    assert told["/dev/b"] == Identity()


def test_lsblk_that_ends_in_the_middle_tells_nothing() -> None:
    assert parse_block_devices(b'{"blockdevices": [{"name": "sd') == []


def test_a_device_that_goes_meanwhile_has_no_type() -> None:
    found = parse(row("sda", "disk"), {**row("loop0", ""), "type": None})
    assert found["/dev/loop0"].medium == "other"
