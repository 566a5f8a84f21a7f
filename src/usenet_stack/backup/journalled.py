"""Every operation of this room, for a journal that is read again."""

from usenet_stack.backup.clock import KeepSchedule
from usenet_stack.backup.copying import CopyBackup, RcloneBackup
from usenet_stack.backup.drilling import DrillBackup
from usenet_stack.backup.operations import (
    CreateBackup,
    HoldDatabases,
    RemoveBackup,
)
from usenet_stack.backup.schedule import RemoveFile, SystemdTimer

__all__ = [
    "CopyBackup",
    "CreateBackup",
    "DrillBackup",
    "HoldDatabases",
    "KeepSchedule",
    "RcloneBackup",
    "RemoveBackup",
    "RemoveFile",
    "SystemdTimer",
]
