"""The kernel's counters of errors, in a tree made by hand."""

from pathlib import Path

import pytest

from usenet_stack.storage.faults import find_faults, quote, worst
from usenet_stack.storage.mounts import Mount, parse_mountinfo


def mounted(fstype: str, options: str = "rw", own: str = "rw") -> Mount:
    line = f"40 1 8:17 / /mnt/a {options} - {fstype} /dev/sdb1 {own}\n"
    return parse_mountinfo(line)[0]


def whys(mount: Mount, root: Path, uuid: str = "") -> list[str]:
    return [f.why for f in find_faults(mount, "/dev/sdb1", uuid, str(root))]


def ext4(root: Path, count: str) -> None:
    number = root / "sys/dev/block/8:17"
    number.parent.mkdir(parents=True)
    number.symlink_to("../../devices/pci0/block/sdb/sdb1")
    folder = root / "sys/fs/ext4/sdb1"
    folder.mkdir(parents=True)
    (folder / "errors_count").write_text(count)


def test_ext4_without_errors(tmp_path: Path) -> None:
    ext4(tmp_path, "0\n")
    assert whys(mounted("ext4"), tmp_path) == []


def test_ext4_with_errors(tmp_path: Path) -> None:
    ext4(tmp_path, "3\n")
    (fault,) = find_faults(mounted("ext4"), "/dev/sdb1", "", str(tmp_path))
    assert (fault.verdict, fault.why) == (
        "watch it",
        "The file system has 3 errors on record.",
    )
    assert fault.mend == "sudo umount /mnt/a && sudo fsck -f /dev/sdb1"


def test_nothing_to_look_at(tmp_path: Path) -> None:
    assert whys(mounted("ext4"), tmp_path) == []
    assert whys(mounted("btrfs"), tmp_path, "u-1") == []
    assert whys(mounted("xfs"), tmp_path) == []


def test_btrfs_with_a_bad_and_a_missing_device(tmp_path: Path) -> None:
    for number, missing, errors in (("1", "0", 2), ("2", "1", 0)):
        folder = tmp_path / "sys/fs/btrfs/u-1/devinfo" / number
        folder.mkdir(parents=True)
        (folder / "missing").write_text(f"{missing}\n")
        text = f"write_errs 0\nread_errs {errors}\ncorruption_errs 1\n"
        (folder / "error_stats").write_text(text if errors else "")
    assert whys(mounted("btrfs"), tmp_path, "u-1") == [
        "Device 1 of this btrfs has 3 errors.",
        "Device 2 of this btrfs is missing.",
    ]


@pytest.mark.parametrize(
    ("options", "own", "gave_up"),
    [
        ("rw,noatime", "ro,errors=remount-ro", True),
        ("rw", "rw,emergency_ro", True),
        ("ro", "ro", False),
        ("ro", "rw", False),
        ("rw", "rw,errors=remount-ro", False),
    ],
)
def test_a_remount_by_the_kernel(
    options: str, own: str, gave_up: bool, tmp_path: Path
) -> None:
    found = whys(mounted("ext4", options, own), tmp_path)
    assert bool(found) == gave_up


def test_a_disc_is_read_only_by_nature() -> None:
    assert not mounted("iso9660", "rw", "ro").gave_up


def test_the_worst_counts() -> None:
    assert worst([]) == "unknown"
    assert worst(["unknown", "good"]) == "good"
    assert worst(["replace it", "watch it", "good"]) == "replace it"


def test_a_hostile_name_in_a_command() -> None:
    assert quote("/mnt/a b") == "'/mnt/a b'"
    assert quote("/mnt/-rf") == "/mnt/-rf"
    assert quote("/mnt/a\n'b") == "$'/mnt/a\\n\\'b'"
    assert quote("/mnt/$(x)") == "'/mnt/$(x)'"
