"""What a schedule does each time: create, verify, copy, clean, and tell."""

import time
from pathlib import Path

import msgspec

from usenet_stack.backup.clean import clean_backups, policy_of
from usenet_stack.backup.copying import RCLONE, copy_backup
from usenet_stack.backup.create import BackupRequest, create_backup
from usenet_stack.backup.drilling import drill_backup, drill_is_due
from usenet_stack.backup.notice import send_notice
from usenet_stack.backup.runs import LastRun, RunRequest, record_path
from usenet_stack.backup.verify import verify_backup
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.transaction import SILENT, Observer
from usenet_stack.transaction.durable import write_durably


def run_backups(
    stack: Stack, request: RunRequest, observer: Observer = SILENT
) -> Result:
    """Create a backup, verify it, copy it, clean up, and send the notice.

    Returns: `path` of the backup, `copy`, `removed[]`, `noticed`, `drilled`
        where it was started in a sandbox: whether that went well; an error
        for each part that failed: exit 3 where there is a whole backup all
        the same. Nothing is cleaned away unless the new backup is whole.
    Effects: those of the parts; `.usenet/backup-run.json`.
    """
    began = time.time()
    result = Result({"path": "", "copy": "", "removed": [], "noticed": False})
    try:
        _make(stack, request, observer, result)
    except UsenetError as error:
        result.errors.append(error)
    else:
        _look_after(stack, request, observer, result)
    _tell(stack, result)
    _remember(stack, began, result)
    return result


def _make(
    stack: Stack, request: RunRequest, observer: Observer, result: Result
) -> None:
    made = create_backup(
        stack,
        BackupRequest(type=request.type, encrypt=request.encrypt),
        observer,
        wait_s=request.wait_s,
    )
    result.messages += [m for m in made.messages if m.level == "warning"]
    result.errors += made.errors
    verify_backup(Path(made.data["path"]))
    result.data["path"] = made.data["path"]
    result.partial = True


def _look_after(
    stack: Stack, request: RunRequest, observer: Observer, result: Result
) -> None:
    source = Path(result.data["path"])
    if request.copy_to:
        try:
            _check_there(request.copy_to)
            copied = copy_backup(stack, source, request.copy_to, observer)
            result.data["copy"] = copied.data["path"]
        except UsenetError as error:
            result.errors.append(error)
    if request.drill and drill_is_due(stack, time.time()):
        try:
            drilled = drill_backup(
                *(stack, source, _identity(stack), observer),
                wait_s=request.wait_s,
            )
            result.data["drilled"] = drilled.data["ok"]
            result.errors += drilled.errors
        except UsenetError as error:
            result.errors.append(error)
    try:
        cleaned = clean_backups(stack, policy_of(stack), observer)
        result.data["removed"] = cleaned.data["removed"]
        result.errors += cleaned.errors
    except UsenetError as error:
        result.errors.append(error)


def _identity(stack: Stack) -> Path | None:
    """Return what opens the stack's own encrypted backups, where it can."""
    named = stack.settings.backup.passphrase_file
    return stack.folder / named if named else None


def _check_there(target: str) -> None:
    # A folder made in place of an absent disk would fill the wrong one.
    if not target.startswith(RCLONE) and not Path(target).is_dir():
        raise UsenetError(
            "backup.target",
            path=target,
            why="It is not there: is its disk mounted?",
        )


def _tell(stack: Stack, result: Result) -> None:
    settings = stack.settings.backup
    if not settings.notice or (result.ok and settings.notice_when != "always"):
        return
    try:
        send_notice(settings.notice, *_notice(stack, result), ok=result.ok)
        result.data["noticed"] = True
    except UsenetError as error:
        result.errors.append(error)


def _notice(stack: Stack, result: Result) -> tuple[str, str]:
    """Return the title and the text of a notice."""
    if result.ok:
        return f"Backup of {stack.name} is whole", result.data["path"]
    lines = [f"{e.message} {e.why}".strip() for e in result.errors]
    lines += [f"fix: {e.hint}" for e in result.errors[:1]]
    made = result.data["path"]
    what = "has a backup, but" if made else "has no new backup"
    return f"{stack.name} {what} something failed", "\n".join([*lines, made])


def _remember(stack: Stack, began: float, result: Result) -> None:
    failed = result.errors[0] if result.errors else None
    run = LastRun(
        began,
        result.data["path"],
        f"{failed.message} {failed.why}".strip() if failed else "",
        failed.hint if failed else "",
    )
    try:
        write_durably(record_path(stack), msgspec.json.encode(run), 0o600)
    except OSError as problem:
        result.warn(f"How it went could not be noted: {problem}.")
