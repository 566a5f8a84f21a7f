"""Every operation of this room, for a journal that is read again."""

from usenet_stack.backup.clock import KeepSchedule
from usenet_stack.backup.copying import CopyBackup, RcloneBackup
from usenet_stack.backup.drilling import DrillBackup
from usenet_stack.backup.operations import (
    CreateBackup,
    HoldDatabases,
    RemoveBackup,
)
from usenet_stack.backup.restoring.closing_operations import (
    AwaitReturn,
    ForgetRestores,
    MendKeys,
    NoteRestore,
)
from usenet_stack.backup.restoring.folder_operations import (
    CarryOver,
    SetKeys,
    SwapFolders,
)
from usenet_stack.backup.restoring.operations import StageBackup, UnpackBackup
from usenet_stack.backup.restoring.rebuilding import PlaceStack, StageStack
from usenet_stack.backup.schedule import RemoveFile, SystemdTimer

__all__ = [
    "AwaitReturn",
    "CarryOver",
    "CopyBackup",
    "CreateBackup",
    "DrillBackup",
    "ForgetRestores",
    "HoldDatabases",
    "KeepSchedule",
    "MendKeys",
    "NoteRestore",
    "PlaceStack",
    "RcloneBackup",
    "RemoveBackup",
    "RemoveFile",
    "SetKeys",
    "StageBackup",
    "StageStack",
    "SwapFolders",
    "SystemdTimer",
    "UnpackBackup",
]
