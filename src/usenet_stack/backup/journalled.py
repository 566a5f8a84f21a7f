"""Every operation of this room, for a journal that is read again."""

from usenet_stack.backup.copying import CopyBackup, RcloneBackup
from usenet_stack.backup.operations import (
    CreateBackup,
    HoldDatabases,
    RemoveBackup,
)
from usenet_stack.backup.schedule import RemoveFile, SystemdTimer

__all__ = [
    "CopyBackup",
    "CreateBackup",
    "HoldDatabases",
    "RcloneBackup",
    "RemoveBackup",
    "RemoveFile",
    "SystemdTimer",
]
