"""Which files of a tree some process is writing to, from /proc alone."""

import os
import re
from pathlib import Path

from usenet_stack.storage.mounts import mount_of, read_mounts

_WRITES = 0o3  # O_WRONLY or O_RDWR


def written_now(root: Path) -> dict[tuple[int, int], str]:
    """Return the files of a file system that are open for writing.

    Args:
        root: a folder of the file system.

    Returns: (device, inode) and "transmission (process 4711)". A process
        that ends meanwhile, or that we may not see, is left out.
    """
    device = mount_of(root, read_mounts()).device
    known: dict[str, set[int]] = {}
    found: dict[tuple[int, int], str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            numbers = _mounts_of(process, device, known)
            if not numbers:
                continue
            for inode in _written(process, numbers):
                command = (process / "comm").read_text().strip()
                found[inode] = f"{command} (process {process.name})"
        except (OSError, ValueError):
            continue  # it has ended
    return found


def _mounts_of(
    process: Path, device: str, known: dict[str, set[int]]
) -> set[int]:
    namespace = str((process / "ns/mnt").readlink())
    if namespace not in known:
        table = read_mounts(int(process.name))
        known[namespace] = {m.id for m in table if m.device == device}
    return known[namespace]


def _written(process: Path, numbers: set[int]) -> list[tuple[int, int]]:
    found = []
    for info in (process / "fdinfo").iterdir():
        try:
            text = info.read_text()
            flags = re.search(r"^flags:\s*([0-7]+)", text, re.MULTILINE)
            mount = re.search(r"^mnt_id:\s*(\d+)", text, re.MULTILINE)
            if not (flags and mount and int(mount[1]) in numbers):
                continue
            if not int(flags[1], 8) & _WRITES:
                continue
            # Only of the mount that is being moved: others may hang.
            status = os.stat(process / "fd" / info.name)  # noqa: PTH116
            found.append((status.st_dev, status.st_ino))
        except OSError:
            continue  # it was closed
    return found
