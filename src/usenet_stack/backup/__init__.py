"""The backup room: consistent archives of a stack that keeps running."""

from usenet_stack.backup.create import create_backup, plan_backup
from usenet_stack.backup.inspect import show_backup, verify_backup
from usenet_stack.backup.listing import find_backup, list_backups
from usenet_stack.backup.rules import is_dropped

__all__ = [
    "create_backup",
    "find_backup",
    "is_dropped",
    "list_backups",
    "plan_backup",
    "show_backup",
    "verify_backup",
]
