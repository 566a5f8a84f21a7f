"""`usenet storage list`: every place that could hold media."""

from typing import TYPE_CHECKING

from usenet_stack.result import Result
from usenet_stack.storage.blockdevices import Asked, ask_for_devices

if TYPE_CHECKING:
    from usenet_stack.stack.model import Stack


def list_drives(
    all: bool = False,
    stack: "Stack | None" = None,
    asked: Asked | None = None,
) -> Result:
    """Return every drive, asking each mount without ever waiting for it.

    Args:
        all: system and pseudo mounts as well.
        stack: whose pool is marked; None marks nothing.
        asked: what was asked for the devices already.
    """
    # While lsblk works, the rest of the room gets ready.
    asked = asked or ask_for_devices()
    from usenet_stack.storage.drives import find_drives
    from usenet_stack.storage.faults import quote
    from usenet_stack.storage.rows import printable_row

    drives = find_drives(stack, all=all, asked=asked)
    result = Result({"drives": [printable_row(drive) for drive in drives]})
    for drive in drives:
        if drive.state == "not answering":
            result.warn(
                f"{drive.mountpoint} does not answer: its server or drive is "
                f"gone. To take it away: sudo umount -l "
                f"{quote(drive.mountpoint)}"
            )
        if drive.faults:
            mend = f" To mend it: {drive.mend}" if drive.mend else ""
            where = drive.mountpoint or drive.source
            result.warn(f"{where}: {' '.join(drive.faults)}{mend}")
    return result
