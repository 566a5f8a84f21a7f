"""How each file system is mounted, by its options alone."""

import pytest

from usenet_stack.storage.mounting import OWNERLESS, mount_options

OWNER = "uid=1000,gid=1001,umask=0002"


@pytest.mark.parametrize(
    ("fstype", "types", "data"),
    [
        ("ext4", ("ext4",), ""),
        ("xfs", ("xfs",), ""),
        ("vfat", ("vfat",), f"{OWNER},quiet,utf8"),
        ("msdos", ("vfat",), f"{OWNER},quiet,utf8"),
        ("exfat", ("exfat",), OWNER),
        ("ntfs", ("ntfs3", "ntfs"), OWNER),
        ("hfsplus", ("hfsplus",), OWNER),
    ],
)
def test_those_without_owners_get_the_services(
    fstype: str, types: tuple[str, ...], data: str
) -> None:
    found = mount_options(fstype, 1000, 1001)
    assert (found.types, found.data) == (types, data)
    if "uid=" in data:
        assert {fstype, *types} & set(OWNERLESS)


def test_a_btrfs_of_several_names_them_all() -> None:
    one = mount_options("btrfs", 1000, 1000, ("/dev/sda",))
    assert one.data == ""
    two = mount_options("btrfs", 1000, 1000, ("/dev/sda", "/dev/sdb"))
    assert two.data == "device=/dev/sda,device=/dev/sdb"
