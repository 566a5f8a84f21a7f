"""Rows from recorded mount tables and documents of lsblk."""

import json
from typing import Any

from usenet_stack.storage.blockdevices import parse_block_devices
from usenet_stack.storage.mounts import parse_mountinfo
from usenet_stack.storage.probe import SILENT, Answer
from usenet_stack.storage.rows import (
    Devices,
    Drive,
    group_mounts,
    hidden,
    mounted_row,
    printable_row,
    unmounted_rows,
)

FULL = Answer("ok", {"size": 100, "used": 60, "free": 40})


def device(name: str, **more: Any) -> dict[str, Any]:
    base = {"name": name, "path": f"/dev/{name}", "type": "disk", "size": 10}
    return base | {"maj:min": f"8:{ord(name[-1])}"} | more


def rows(table: str, *devices: dict[str, Any], pool: str = "") -> list[Drive]:
    """Return all rows but the hidden ones, as the list puts them together."""
    mounts = parse_mountinfo(table)
    document = json.dumps({"blockdevices": devices}).encode()
    known = Devices(parse_block_devices(document))
    groups = group_mounts(mounts, pool or None)
    names = {"8:98": "films"} if pool else {}
    found = [
        mounted_row(group, FULL, known, names)
        for group in groups
        if not hidden(group[0])
    ]
    return found + unmounted_rows(known, mounts)


def test_a_btrfs_of_two_devices_is_one_row() -> None:
    table = "40 1 0:50 / /mnt/b rw - btrfs /dev/sdb rw\n"
    parts = [
        device(
            name, fstype="btrfs", uuid="u-1", label="Two", rota=name == "sdc"
        )
        for name in ("sdb", "sdc")
    ]
    (row,) = rows(table, *parts)
    assert row.devices == ("/dev/sdb", "/dev/sdc")
    assert (row.label, row.uuid, row.medium) == ("Two", "u-1", "HDD")
    assert (row.size, row.used, row.free) == (100, 60, 40)


def test_a_btrfs_of_two_that_is_not_mounted_is_one_row() -> None:
    parts = [
        device(name, fstype="btrfs", uuid="u-1") for name in ("sdb", "sdc")
    ]
    (row,) = rows("", *parts)
    assert (row.state, row.size) == ("not mounted", 20)
    assert row.devices == ("/dev/sdb", "/dev/sdc")


def test_two_subvolumes_are_one_row() -> None:
    table = (
        "40 1 0:50 /@media /mnt/media rw - btrfs /dev/sdb rw\n"
        "41 1 0:50 / /mnt/all rw - btrfs /dev/sdb rw\n"
    )
    (row,) = rows(table, device("sdb", fstype="btrfs", uuid="u-1"))
    assert row.mountpoint == "/mnt/all"


def test_a_zfs_pool_is_one_row() -> None:
    table = (
        "41 1 0:51 / /srv/films rw - zfs tank/films rw\n"
        "40 1 0:50 / /tank rw - zfs tank rw\n"
    )
    parts = [
        device(name, fstype="zfs_member", label="tank", uuid="9")
        for name in ("sdb", "sdc")
    ]
    (row,) = rows(table, *parts)
    assert (row.mountpoint, row.also) == ("/tank", ("/srv/films",))
    assert (row.fstype, row.label) == ("zfs", "tank")
    assert row.devices == ("/dev/sdb", "/dev/sdc")


def test_a_zfs_pool_that_is_not_imported_is_one_row() -> None:
    parts = [
        device(name, fstype="zfs_member", label="tank")
        for name in ("sdb", "sdc")
    ]
    (row,) = rows("", *parts)
    assert (row.name, row.fstype, row.state) == ("tank", "zfs", "not mounted")


def test_members_of_others_are_no_rows() -> None:
    kinds = ("LVM2_member", "linux_raid_member", "swap", "squashfs", "")
    assert rows("", *(device(f"sd{n}", fstype=n) for n in kinds)) == []


def test_a_locked_drive_is_a_row() -> None:
    (row,) = rows("", device("sdb", fstype="crypto_LUKS", uuid="u"))
    assert (row.fstype, row.state) == ("crypto_LUKS", "not mounted")


def test_a_volume_on_lvm_tells_its_layers() -> None:
    volume = device("vg-b", type="lvm", fstype="ext4", mountpoints=["/mnt/b"])
    volume["path"] = "/dev/mapper/vg-b"
    top = device("sda", fstype="LVM2_member", rota=True, children=[volume])
    table = "40 1 253:0 / /mnt/b rw - ext4 /dev/mapper/vg-b rw\n"
    (row,) = rows(table, top)
    assert (row.medium, row.layers) == ("HDD", ("LVM",))
    assert row.disks == ("/dev/sda",)


def test_clouds_and_unions_by_their_names() -> None:
    table = "".join(
        f"{n} 1 0:{n} / /mnt/{n} rw - {words} rw\n"
        for n, words in enumerate(
            (
                "fuse.rclone gdrive:",
                "fuse.mergerfs a:b",
                "fuse.onedriver onedriver",
                "nfs4 nas:/films",
                "cifs //nas/films",
                "fuse.sshfs me@there:",
                "fuse odd",
            )
        )
    )
    assert [row.medium for row in rows(table)] == [
        "cloud",
        "union",
        "cloud",
        "network",
        "network",
        "network",
        "fuse",
    ]


def test_portability() -> None:
    table = "".join(
        f"{n} 1 8:{n} / /mnt/{n} rw - {kind} /dev/x{n} rw\n"
        for n, kind in enumerate(("exfat", "vfat", "ntfs3", "ext4"))
    )
    assert [(row.portable, row.portability) for row in rows(table)] == [
        (True, "Linux, Windows, macOS"),
        (True, "Linux, Windows, macOS"),
        (True, "Linux, Windows"),
        (False, "Linux"),
    ]


def test_ntfs_served_by_a_program_is_ntfs() -> None:
    table = "40 1 8:98 / /mnt/b rw - fuseblk /dev/sdb rw\n"
    (row,) = rows(table, device("sdb", fstype="ntfs", tran="usb"))
    assert (row.fstype, row.medium, row.portable) == ("ntfs", "USB", True)


def test_a_drive_in_the_pool_is_shown_where_it_is_outside() -> None:
    table = (
        "40 1 8:98 / /data/media/films rw - ext4 /dev/sdb rw\n"
        "41 1 8:98 / /mnt/films rw - ext4 /dev/sdb rw\n"
    )
    (row,) = rows(table, device("sdb", fstype="ext4"), pool="/data/media")
    assert (row.mountpoint, row.pool) == ("/mnt/films", "films")


def test_a_network_share_bound_into_the_pool_is_one_row() -> None:
    table = (
        "40 1 0:61 / /mnt/nas rw - nfs4 nas:/films rw\n"
        "41 1 0:61 / /data/media/nas rw - nfs4 nas:/films rw\n"
    )
    (row,) = rows(table, pool="/data/media")
    assert row.mountpoint == "/mnt/nas"


def test_names_that_are_no_text_are_mended() -> None:
    table = "40 1 0:61 / /mnt/a\udcff\\012b rw - nfs4 nas:/x rw\n"
    row = printable_row(rows(table)[0])
    assert row["mountpoint"] == "/mnt/a\N{REPLACEMENT CHARACTER}\nb"
    json.dumps(row).encode()


def test_a_silent_mount_has_no_sizes() -> None:
    mounts = parse_mountinfo("40 1 0:61 / /mnt/a rw - fuse.rclone x: rw\n")
    row = mounted_row(mounts, SILENT, Devices([]), {})
    assert (row.state, row.size, row.free) == ("not answering", None, None)
