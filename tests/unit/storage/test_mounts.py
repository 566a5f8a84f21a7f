"""The kernel's mount table, from recorded lines."""

from pathlib import Path

import pytest

from usenet_stack.storage.mounts import (
    is_below,
    mount_of,
    mounts_below,
    parse_mountinfo,
    propagation,
    read_mounts,
)

TABLE = r"""25 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,errors=ro
30 25 0:5 / /proc rw,nosuid - proc proc rw
41 25 8:17 / /mnt/My\040Disk\134\011x rw,noatime - exfat /dev/sdb1 ro
42 25 0:50 / /mnt/nas rw master:7 propagate_from:1 - nfs4 nas:/v rw,vers=4.2
43 25 0:51 / /mnt/cloud rw shared:9 master:8 - fuse.rclone remote: rw
44 25 8:33 /sub /mnt/nas rw - ext4 /dev/sdc1 rw
45 25 8:49 / /run/media/me/USB rw - fuseblk /dev/sdd1 rw
"""


def test_every_field_of_a_line() -> None:
    mounts = parse_mountinfo(TABLE)
    assert len(mounts) == 7
    disk = mounts[2]
    assert disk.target == "/mnt/My Disk\\\tx"
    assert (disk.fstype, disk.source) == ("exfat", "/dev/sdb1")
    assert disk.read_only  # by the file system's own options
    assert not mounts[0].read_only  # errors=ro is no ro


def test_propagation_of_each_kind() -> None:
    mounts = parse_mountinfo(TABLE)
    found = [mount.propagation for mount in mounts[:5]]
    assert found == ["shared", "private", "private", "slave", "shared"]
    assert propagation(Path("/srv/media/new"), mounts) == "shared"
    assert propagation(Path("/mnt/nas/tv"), mounts) == "private"


def test_kinds_and_what_belongs_to_the_system() -> None:
    mounts = {mount.id: mount for mount in parse_mountinfo(TABLE)}
    kinds = {number: mount.kind for number, mount in mounts.items()}
    assert kinds[30] == "pseudo"
    assert kinds[42] == "network"
    assert kinds[43] == "fuse"
    assert kinds[45] == "disk"
    assert [n for n, mount in mounts.items() if mount.system] == [30]


def test_the_last_mount_on_a_folder_holds_it() -> None:
    mounts = parse_mountinfo(TABLE)
    assert mount_of("/mnt/nas/x", mounts).id == 44
    assert mount_of("/mnt/nasty", mounts).id == 25
    assert [m.id for m in mounts_below("/mnt/nas", mounts)] == [42, 44]


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("/a/b", "/a", True),
        ("/a", "/a", True),
        ("/ab", "/a", False),
        ("/a", "/", True),
        ("/a", "/a/b", False),
    ],
)
def test_below(path: str, folder: str, expected: bool) -> None:
    assert is_below(path, folder) is expected


def test_this_machine_has_a_root_and_proc() -> None:
    targets = {mount.target for mount in read_mounts()}
    assert {"/", "/proc"} <= targets


def test_a_name_that_is_no_utf8_survives() -> None:
    line = "25 1 8:2 / /mnt/\udcff rw - ext4 /dev/sda2 rw\n"
    assert parse_mountinfo(line)[0].target == "/mnt/\udcff"
