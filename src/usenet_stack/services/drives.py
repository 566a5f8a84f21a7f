"""Which drives of the pool are attached: by the mount table alone.

Neither the drives nor their file systems are touched: one whose server is
gone would hold up the answer for ever.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from usenet_stack.errors import UsenetError

if TYPE_CHECKING:
    from usenet_stack.storage.mounts import Mount


def attached_drives(
    stack_folder: Path, pool: Path, mounts: "list[Mount] | None" = None
) -> list[str]:
    """Return the names of the pool's drives that are mounted, sorted.

    Args:
        pool: the folder below which each appears under its name.
        mounts: the mount table; None reads it.

    Returns: none when the list of drives is not there or damaged; the
        storage commands tell of that.
    """
    from usenet_stack.storage import read_mounts, read_registry

    try:
        names = read_registry(stack_folder)
        if not names:
            return []
        table = read_mounts() if mounts is None else mounts
    except (OSError, UsenetError):
        return []
    parent = os.path.realpath(pool)
    targets = {mount.target for mount in table}
    return sorted(name for name in names if f"{parent}/{name}" in targets)
