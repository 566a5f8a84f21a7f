"""The backup room: consistent archives of a stack that keeps running.

Its modules are imported when they are first asked for: a list of backups
needs no compressor.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usenet_stack.backup.clean import (
        clean_backups,
        judged,
        pin_backup,
        plan_clean,
        plan_pin,
        policy_of,
    )
    from usenet_stack.backup.clock import keep_time
    from usenet_stack.backup.copying import (
        copy_backup,
        plan_copy,
    )
    from usenet_stack.backup.create import (
        BackupRequest,
        check_size,
        create_backup,
        plan_backup,
    )
    from usenet_stack.backup.diff import (
        diff_backups,
    )
    from usenet_stack.backup.drilling import drill_backup, plan_drill
    from usenet_stack.backup.extracting import extract_path, find_member
    from usenet_stack.backup.finding import (
        all_backups,
        find_backup,
    )
    from usenet_stack.backup.inspect import (
        list_backups,
        show_backup,
    )
    from usenet_stack.backup.reading import (
        open_archive,
    )
    from usenet_stack.backup.restoring.planning import (
        RestoreRequest,
        look_into,
        plan_restore,
        plan_undo,
    )
    from usenet_stack.backup.restoring.rebuilding import (
        plan_rebuild,
        rebuild_stack,
    )
    from usenet_stack.backup.restoring.restore import (
        restore_backup,
        undo_restore,
    )
    from usenet_stack.backup.rules import is_dropped
    from usenet_stack.backup.running import run_backups
    from usenet_stack.backup.runs import (
        RunRequest,
        last_run,
    )
    from usenet_stack.backup.schedule import (
        ScheduleRequest,
        cron_line,
        plan_schedule,
        schedule_backups,
    )
    from usenet_stack.backup.sizes import (
        preview_backup,
    )
    from usenet_stack.backup.verify import (
        verify_backup,
        verify_backups,
    )

_MODULES = {
    "BackupRequest": "create",
    "RestoreRequest": "restoring.planning",
    "RunRequest": "runs",
    "ScheduleRequest": "schedule",
    "all_backups": "finding",
    "check_size": "create",
    "clean_backups": "clean",
    "copy_backup": "copying",
    "create_backup": "create",
    "cron_line": "schedule",
    "diff_backups": "diff",
    "drill_backup": "drilling",
    "extract_path": "extracting",
    "find_backup": "finding",
    "find_member": "extracting",
    "is_dropped": "rules",
    "keep_time": "clock",
    "last_run": "runs",
    "judged": "clean",
    "list_backups": "inspect",
    "look_into": "restoring.planning",
    "open_archive": "reading",
    "pin_backup": "clean",
    "plan_backup": "create",
    "plan_clean": "clean",
    "plan_copy": "copying",
    "plan_drill": "drilling",
    "plan_pin": "clean",
    "plan_rebuild": "restoring.rebuilding",
    "plan_restore": "restoring.planning",
    "plan_schedule": "schedule",
    "plan_undo": "restoring.planning",
    "policy_of": "clean",
    "preview_backup": "sizes",
    "rebuild_stack": "restoring.rebuilding",
    "restore_backup": "restoring.restore",
    "run_backups": "running",
    "schedule_backups": "schedule",
    "show_backup": "inspect",
    "undo_restore": "restoring.restore",
    "verify_backup": "verify",
    "verify_backups": "verify",
}

__all__ = [
    "BackupRequest",
    "RestoreRequest",
    "RunRequest",
    "ScheduleRequest",
    "all_backups",
    "check_size",
    "clean_backups",
    "copy_backup",
    "create_backup",
    "cron_line",
    "diff_backups",
    "drill_backup",
    "extract_path",
    "find_backup",
    "find_member",
    "is_dropped",
    "judged",
    "keep_time",
    "last_run",
    "list_backups",
    "look_into",
    "open_archive",
    "pin_backup",
    "plan_backup",
    "plan_clean",
    "plan_copy",
    "plan_drill",
    "plan_pin",
    "plan_rebuild",
    "plan_restore",
    "plan_schedule",
    "plan_undo",
    "policy_of",
    "preview_backup",
    "rebuild_stack",
    "restore_backup",
    "run_backups",
    "schedule_backups",
    "show_backup",
    "undo_restore",
    "verify_backup",
    "verify_backups",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"{__name__} has no {name}")
    module = import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)
