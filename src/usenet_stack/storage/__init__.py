"""The storage room: drives, the pool, and its shared mount."""

from usenet_stack.storage.drives import Drive, find_drives, list_drives
from usenet_stack.storage.hotswap import (
    add_drive,
    plan_add,
    plan_remove,
    remove_drive,
)
from usenet_stack.storage.mounts import (
    Mount,
    mount_of,
    propagation,
    read_mounts,
)
from usenet_stack.storage.operations import ShareFolder
from usenet_stack.storage.pool import (
    media_folders,
    plan_pool,
    plan_unshare,
    pool_is_shared,
    pool_status,
)
from usenet_stack.storage.probe import Answer, Request, probe

__all__ = [
    "Answer",
    "Drive",
    "Mount",
    "Request",
    "ShareFolder",
    "add_drive",
    "find_drives",
    "list_drives",
    "media_folders",
    "mount_of",
    "plan_add",
    "plan_pool",
    "plan_remove",
    "plan_unshare",
    "pool_is_shared",
    "pool_status",
    "probe",
    "propagation",
    "read_mounts",
    "remove_drive",
]
