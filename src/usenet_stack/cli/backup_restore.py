"""`usenet backup restore` and `undo`: all of it, or none of it."""

from typing import TYPE_CHECKING

from usenet_stack.cli.backup_spec import BACKUP, IDENTITY
from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Command, Option
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result

if TYPE_CHECKING:
    from pathlib import Path

    from usenet_stack.backup import RestoreRequest


def restore(call: Call) -> Result:
    """Put services back to what a backup holds."""
    from usenet_stack.backup import (
        find_backup,
        look_into,
        plan_restore,
        restore_backup,
    )
    from usenet_stack.cli.context import (
        approve,
        open_stack,
        plan_result,
        progress,
    )

    try:
        stack = open_stack(call)
    except UsenetError as error:
        if error.code == "stack.not-found" and (found := _named_file(call)):
            return _rebuild(call, found)
        raise
    request = _request(call, find_backup(stack, call.text("backup")))
    held = look_into(request)
    plan = plan_restore(stack, request, held)
    if call.dry_run:
        return plan_result(plan)
    if request.to is None:
        approve(call, plan, "This replaces settings and databases:")
    with progress(call) as observer:
        return restore_backup(stack, request, observer, held)


def _named_file(call: Call) -> "Path | None":
    """Return the backup that a path names, where all of it is wanted."""
    from pathlib import Path

    path = Path(call.text("backup")).expanduser()
    part = call.text("to") or call.text("only") or call.names("service")
    return path.resolve() if path.is_file() and not part else None


def _rebuild(call: Call, path: "Path") -> Result:
    """Make a stack of a backup where there is none."""
    import os
    from pathlib import Path

    from usenet_stack.backup import look_into, plan_rebuild, rebuild_stack
    from usenet_stack.cli.context import approve, plan_result, progress
    from usenet_stack.stack.locate import default_folder

    named = call.stack_folder or os.environ.get("USENET_STACK")
    folder = Path(named or default_folder(os.environ)).expanduser().absolute()
    request = _request(call, path)
    held = look_into(request)
    plan = plan_rebuild(request, folder, held)
    if call.dry_run:
        return plan_result(plan)
    approve(call, plan, f"This makes a stack in {folder}:")
    with progress(call) as observer:
        return rebuild_stack(request, folder, observer, held)


def _request(call: Call, path: "Path") -> "RestoreRequest":
    from pathlib import Path

    from usenet_stack.backup import RestoreRequest
    from usenet_stack.cli.backup import opening

    to, only = call.text("to"), call.text("only")
    return RestoreRequest(
        path,
        tuple(call.names("service")),
        "settings"
        if only == "settings"
        else "databases"
        if only == "databases"
        else "",
        Path(to).expanduser().absolute() if to else None,
        opening(call, path),
    )


RESTORE = Command(
    path="backup restore",
    summary="Put services back to what a backup holds",
    run=restore,
    show="backup_restore:show_restored",
    description="""
        Unpacks a backup beside the folders of the services and checks every
        byte, every database, the room and the versions before anything is
        touched. Then it stops the services concerned, swaps whole folders
        in one move, starts the services, and waits until they are well. If
        anything fails, everything is as it was and runs again (exit 13).
        After a crash the next command finishes or undoes it.

        The old folders are kept: `usenet backup undo` swaps them back.
        Logs, covers and caches that a backup does not hold stay. stack.toml
        and .env stay as they are, and what is restored gets their keys,
        owners, paths and host names; `usenet backup extract` gives you the
        old ones. Where there is no stack yet, as on a new machine, one is
        made of the backup: name it by its path, then `usenet deploy`.
    """,
    arguments=(BACKUP,),
    options=(
        Option(
            ("--service", "-s"),
            "Only these services",
            metavar="NAMES",
            kind="list",
            complete="service",
        ),
        Option(
            ("--only",),
            "Only settings files, or only databases",
            metavar="WHAT",
            choices=("settings", "databases"),
        ),
        Option(
            ("--to",),
            "Unpack into this new folder; the stack is not touched",
            metavar="DIR",
            complete="folder",
        ),
        IDENTITY,
    ),
    examples=(
        ("usenet backup restore latest", "The newest one, all services."),
        (
            "usenet backup restore latest --service sonarr --dry-run",
            "Prints what would be done for one service.",
        ),
        (
            "usenet backup restore latest --to /tmp/look",
            "Unpacks it elsewhere.",
        ),
        (
            "usenet backup restore /mnt/usb/usenet-full-*.tar.zst",
            "On a new machine: makes a stack of it.",
        ),
    ),
    errors=(
        "backup.unknown",
        "backup.damaged",
        "backup.no-room",
        "backup.older-app",
        "backup.no-stack",
        "transaction.rolled-back",
    ),
    see_also=("backup undo", "backup extract", "backup drill"),
)


def undo(call: Call) -> Result:
    """Take the last restore back."""
    from usenet_stack.backup import plan_undo, undo_restore
    from usenet_stack.cli.context import (
        approve,
        open_stack,
        plan_result,
        progress,
    )

    stack, redo = open_stack(call), call.flag("redo")
    plan = plan_undo(stack, redo=redo)
    if call.dry_run:
        return plan_result(plan)
    approve(call, plan, "This replaces settings and databases:")
    with progress(call) as observer:
        return undo_restore(stack, observer, redo=redo)


UNDO = Command(
    path="backup undo",
    summary="Take the last restore back",
    run=undo,
    show="backup_restore:show_restored",
    description="""
        Swaps the folders back that the last restore replaced: settings and
        databases, all as it was when the services were stopped. Another
        undo takes back the restore before that one; the last three can be
        (backup.keep_restores). What was restored, with all that was written
        to it since, is kept in turn until the next restore: --redo makes it
        live again. Keys that were changed since are put in.
    """,
    options=(Option(("--redo",), "Take the last undo back"),),
    examples=(
        ("usenet backup undo --dry-run", "Prints what would be done."),
        ("usenet backup undo --yes", "Does it."),
        ("usenet backup undo --redo", "You want the restored state after all."),
    ),
    errors=("backup.nothing-to-undo", "transaction.rolled-back"),
    see_also=("backup restore", "backup list"),
)
