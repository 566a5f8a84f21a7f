"""The update room: newer images, with a way back that includes settings."""

from usenet_stack.update.run import (
    check_updates,
    plan_update,
    update_services,
)
from usenet_stack.update.snapshot import snapshot_config

__all__ = [
    "check_updates",
    "plan_update",
    "snapshot_config",
    "update_services",
]
