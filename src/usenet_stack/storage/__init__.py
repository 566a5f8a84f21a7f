"""The storage room: drives, the pool, and its shared mount.

Its modules are imported when they are first asked for: a list of the drives
needs a few of them only.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Not later: as a module of this package it would hide the function.
from usenet_stack.storage.probe import Answer, Request, probe

if TYPE_CHECKING:
    from usenet_stack.storage.adding import add_drive, plan_add
    from usenet_stack.storage.applying import apply_pool, plan_apply
    from usenet_stack.storage.blockdevices import ask_for_devices
    from usenet_stack.storage.checkup import check_health
    from usenet_stack.storage.drives import find_drives
    from usenet_stack.storage.filling import Forecast, Sample, forecast
    from usenet_stack.storage.listing import list_drives
    from usenet_stack.storage.mounts import (
        Mount,
        mount_of,
        propagation,
        read_mounts,
    )
    from usenet_stack.storage.moving.planning import move_content, plan_move
    from usenet_stack.storage.operations import ShareFolder
    from usenet_stack.storage.pool import (
        media_folders,
        plan_pool,
        plan_unshare,
        pool_is_shared,
    )
    from usenet_stack.storage.registry import read_registry
    from usenet_stack.storage.removing import (
        inhabitants,
        plan_remove,
        remove_drive,
    )
    from usenet_stack.storage.rows import Drive
    from usenet_stack.storage.selection import (
        Changes,
        Choice,
        changes,
        choices,
    )
    from usenet_stack.storage.status import pool_status
    from usenet_stack.storage.syncing import plan_sync, sync_pool
    from usenet_stack.storage.units import (
        install_unit,
        plan_unit,
        unit_text,
    )
    from usenet_stack.storage.watching.unit import (
        install_watch_unit,
        plan_watch_unit,
        watch_unit_text,
    )
    from usenet_stack.storage.watching.watch import (
        Notice,
        plan_watch,
        watch_pool,
    )

__all__ = [
    "Answer",
    "Changes",
    "Choice",
    "Drive",
    "Forecast",
    "Mount",
    "Notice",
    "Request",
    "Sample",
    "ShareFolder",
    "add_drive",
    "apply_pool",
    "ask_for_devices",
    "changes",
    "check_health",
    "choices",
    "find_drives",
    "forecast",
    "inhabitants",
    "install_unit",
    "install_watch_unit",
    "list_drives",
    "media_folders",
    "mount_of",
    "move_content",
    "plan_add",
    "plan_apply",
    "plan_move",
    "plan_pool",
    "plan_remove",
    "plan_sync",
    "plan_unit",
    "plan_unshare",
    "plan_watch",
    "plan_watch_unit",
    "pool_is_shared",
    "pool_status",
    "probe",
    "propagation",
    "read_mounts",
    "read_registry",
    "remove_drive",
    "sync_pool",
    "unit_text",
    "watch_pool",
    "watch_unit_text",
]

# In which module each name lives.
_MODULES = {
    "Changes": "selection",
    "Choice": "selection",
    "Drive": "rows",
    "Forecast": "filling",
    "Mount": "mounts",
    "Notice": "watching.watch",
    "Sample": "filling",
    "ShareFolder": "operations",
    "add_drive": "adding",
    "apply_pool": "applying",
    "ask_for_devices": "blockdevices",
    "changes": "selection",
    "check_health": "checkup",
    "choices": "selection",
    "find_drives": "drives",
    "forecast": "filling",
    "inhabitants": "removing",
    "install_unit": "units",
    "install_watch_unit": "watching.unit",
    "list_drives": "listing",
    "media_folders": "pool",
    "mount_of": "mounts",
    "move_content": "moving.planning",
    "plan_add": "adding",
    "plan_apply": "applying",
    "plan_move": "moving.planning",
    "plan_pool": "pool",
    "plan_remove": "removing",
    "plan_sync": "syncing",
    "plan_unit": "units",
    "plan_unshare": "pool",
    "plan_watch": "watching.watch",
    "plan_watch_unit": "watching.unit",
    "pool_is_shared": "pool",
    "pool_status": "status",
    "propagation": "mounts",
    "read_mounts": "mounts",
    "read_registry": "registry",
    "remove_drive": "removing",
    "sync_pool": "syncing",
    "unit_text": "units",
    "watch_pool": "watching.watch",
    "watch_unit_text": "watching.unit",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"{__name__} has no {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
