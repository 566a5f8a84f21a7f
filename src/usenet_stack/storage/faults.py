"""What the kernel has counted against a file system: sysfs, no touch."""

import os
import re
from typing import Literal, NamedTuple

from usenet_stack.storage.mounts import Mount

Verdict = Literal["good", "watch it", "replace it", "unknown"]
_RANK: tuple[Verdict, ...] = ("unknown", "good", "watch it", "replace it")


class Fault(NamedTuple):
    """One thing that speaks against a drive.

    Args:
        verdict: what it alone would call for.
        why: one sentence; `mend` the command that helps.
    """

    verdict: Verdict
    why: str
    mend: str = ""


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the gravest of several verdicts; "unknown" of none."""
    return max(verdicts, key=_RANK.index, default="unknown")


def find_faults(
    mount: Mount, device: str, uuid: str, root: str = "/"
) -> list[Fault]:
    """Return the errors of a mounted file system.

    Args:
        mount: where it is mounted.
        device: its path; `uuid` that of the file system.
        root: the folder that holds /sys.

    Source: the kernel's ABI documents of /sys/fs/ext4 and /sys/fs/btrfs.
    """
    found = []
    if mount.gave_up:
        why = "The kernel made it read-only after an error."
        found.append(Fault("watch it", why, _repair(mount, device)))
    if mount.fstype in ("ext2", "ext3", "ext4"):
        found += _ext4(mount, device, root)
    elif mount.fstype == "btrfs" and uuid:
        found += _btrfs(mount, uuid, root)
    return found


def _ext4(mount: Mount, device: str, root: str) -> list[Fault]:
    try:
        link = os.readlink(f"{root}/sys/dev/block/{mount.device}")  # noqa: PTH115
    except OSError:
        return []
    kernel_name = link.rpartition("/")[2]
    path = f"{root}/sys/fs/ext4/{kernel_name}/errors_count"
    count = int(_text(path) or 0)
    if not count:
        return []
    why = f"The file system has {_errors(count)} on record."
    return [Fault("watch it", why, _repair(mount, device))]


def _btrfs(mount: Mount, uuid: str, root: str) -> list[Fault]:
    folder = f"{root}/sys/fs/btrfs/{uuid}/devinfo"
    try:
        numbers = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return []
    found = []
    for number in numbers:
        if _text(f"{folder}/{number}/missing") == "1":
            why = f"Device {number} of this btrfs is missing."
            mend = f"sudo btrfs filesystem show {quote(mount.target)}"
            found.append(Fault("replace it", why, mend))
        counts = re.findall(
            r"(\d+)$", _text(f"{folder}/{number}/error_stats"), re.MULTILINE
        )
        count = sum(map(int, counts))
        if count:
            why = f"Device {number} of this btrfs has {_errors(count)}."
            mend = f"sudo btrfs scrub start {quote(mount.target)}"
            found.append(Fault("watch it", why, mend))
    return found


def _errors(count: int) -> str:
    return f"{count} error{'' if count == 1 else 's'}"


def _repair(mount: Mount, device: str) -> str:
    where, what = quote(mount.target), quote(device or mount.source)
    if mount.fstype == "btrfs":
        return f"sudo btrfs scrub start -r {where}"
    check = {"vfat": "fsck.fat -n"}.get(mount.fstype, "fsck -f")
    return f"sudo umount {where} && sudo {check} {what}"


def quote(word: str) -> str:
    """Return a word for a shell; control characters as $'...'."""
    if not word.isprintable():
        safe = word.encode("unicode_escape").decode().replace("'", r"\'")
        return f"$'{safe}'"
    import shlex

    return shlex.quote(word)


def _text(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 4096).decode(errors="replace").strip()
    except OSError:
        return ""
    finally:
        os.close(descriptor)
