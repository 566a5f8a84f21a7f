"""Which drives of the pool are attached: by the mount table alone.

Neither the drives nor their file systems are touched: one whose server is
gone would hold up the answer for ever.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from usenet_stack.errors import UsenetError

if TYPE_CHECKING:
    from usenet_stack.storage.mounts import Mount


class PoolDrives(NamedTuple):
    """The names of a pool's drives, sorted: those mounted, those not."""

    attached: list[str]
    away: list[str]


def pool_drives(
    stack_folder: Path, pool: Path, mounts: "list[Mount] | None" = None
) -> PoolDrives:
    """Return which of the pool's drives are mounted.

    Args:
        pool: the folder below which each appears under its name.
        mounts: the mount table; None reads it.

    Returns: none at all when the list of drives is not there or damaged;
        the storage commands tell of that.
    """
    from usenet_stack.storage import read_mounts, read_registry

    try:
        names = sorted(read_registry(stack_folder))
        if not names:
            return PoolDrives([], [])
        table = read_mounts() if mounts is None else mounts
    except (OSError, UsenetError):
        return PoolDrives([], [])
    parent = os.path.realpath(pool)
    targets = {mount.target for mount in table}
    attached = [name for name in names if f"{parent}/{name}" in targets]
    return PoolDrives(attached, [n for n in names if n not in attached])
