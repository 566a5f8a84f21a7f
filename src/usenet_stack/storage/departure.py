"""Whether a drive that has left the pool can be unplugged."""

from pathlib import Path

from usenet_stack.storage.mounts import read_mounts
from usenet_stack.storage.registry import PoolDrive


def what_holds(drive: PoolDrive) -> list[str]:
    """Return where a drive is still mounted, in any process's view.

    Returns: mount points as those processes see them; empty: it is safe to
        unplug. A plain folder of the system's disk is no drive: empty.
    """
    whole = drive.mounts or bool(drive.uuid)
    if not whole or not drive.device:
        return []
    seen: set[str] = set()
    found: dict[str, None] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            view = str((process / "ns/mnt").readlink())
            if view in seen:
                continue
            seen.add(view)
            table = read_mounts(int(process.name))
        except OSError:
            continue  # it has ended, or we may not look
        for mount in table:
            if mount.source == drive.device:
                found[mount.target] = None
    return list(found)
