"""`usenet backup`: what its commands do; `backup_spec` describes them."""

from typing import TYPE_CHECKING

from usenet_stack.cli.backup_proof import DRILL, EXTRACT
from usenet_stack.cli.backup_restore import RESTORE, UNDO
from usenet_stack.cli.backup_spec import GROUP_PARTS, group
from usenet_stack.cli.call import Call
from usenet_stack.result import Result

if TYPE_CHECKING:
    from pathlib import Path

    from usenet_stack.backup import BackupRequest, ScheduleRequest
    from usenet_stack.stack.model import Stack


def _identity(call: Call) -> "Path | None":
    from pathlib import Path

    named = call.text("identity")
    return Path(named).expanduser() if named else None


def _ask_passphrase(question: str, *, twice: bool = False) -> None:
    """Keep what the user types, for this command only.

    Raises:
        UsenetError: backup.passphrase: there is no terminal to ask on, or
            the second time it was another.
    """
    import sys
    from getpass import getpass

    from usenet_stack.backup.passphrase import TYPED
    from usenet_stack.errors import UsenetError

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        why = "There is no terminal to ask on."
        raise UsenetError("backup.passphrase", why=why)
    typed = getpass(question, sys.stderr)
    if twice and getpass("The same again: ", sys.stderr) != typed:
        why = "The second time it was another."
        raise UsenetError("backup.passphrase", why=why)
    TYPED.set(typed)


def opening(call: Call, *paths: "Path") -> "Path | None":
    """Return what opens these backups; ask where a passphrase does."""
    import sys

    identity = _identity(call)
    sealed = [path for path in paths if path.name.endswith(".age")]
    if identity is None and sealed and sys.stdin.isatty():
        from usenet_stack.backup.encryption import asks_for_passphrase

        for path in filter(asks_for_passphrase, sealed):
            _ask_passphrase(f"Passphrase of {path.name}: ")
            break
    return identity


def create(call: Call) -> Result:
    """Write a backup, or print the plan of it and what goes in."""
    from pathlib import Path

    from usenet_stack.backup import create_backup
    from usenet_stack.cli.context import open_stack, progress

    stack = open_stack(call)
    to = call.text("to")
    remote = to if to.startswith("rclone:") else ""
    request = _request(call, "" if remote else to)
    if request.passphrase and request.passphrase_file is None:
        _ask_passphrase("Passphrase for the backup: ", twice=True)
    if remote:
        from usenet_stack.backup.copying import check_rclone

        check_rclone(remote)
    if call.dry_run:
        return _preview(stack, request)
    with progress(call) as observer:
        result = create_backup(stack, request, observer)
        if remote:
            from usenet_stack.backup import copy_backup

            source = Path(result.data["path"])
            copied = copy_backup(stack, source, remote, observer)
            result.data["copy"] = copied.data["path"]
    return result


def _request(call: Call, to: str) -> "BackupRequest":
    from pathlib import Path

    import msgspec

    from usenet_stack.backup import BackupRequest

    named = call.text("passphrase_file")
    secret = Path(named).expanduser().resolve() if named else None
    return msgspec.convert(
        {
            "type": call.text("type") or None,
            "services": call.names("service"),
            "target": Path(to).expanduser().resolve() if to else None,
            "name": call.text("name"),
            "description": call.text("description"),
            "compression": "gzip" if call.flag("gzip") else None,
            "encrypt": call.flag("encrypt") or call.has("recipient"),
            "recipients": call.names("recipient"),
            "passphrase": call.flag("passphrase"),
            "passphrase_file": secret,
            "force": call.flag("force"),
        },
        BackupRequest,
    )


def _preview(stack: "Stack", request: "BackupRequest") -> Result:
    from usenet_stack.backup import check_size, plan_backup, preview_backup
    from usenet_stack.cli.context import plan_result
    from usenet_stack.render.backup import preview_lines

    result = plan_result(plan_backup(stack, request))
    check_size(stack, request)
    type = request.type or stack.settings.backup.type
    found = preview_backup(stack, type, request.services)
    result.data["selection"] = found
    for line in preview_lines(found):
        result.info(line)
    return result


def list_all(call: Call) -> Result:
    """Return the backups of the stack."""
    from usenet_stack.backup import list_backups
    from usenet_stack.cli.context import open_stack

    return list_backups(open_stack(call))


def show(call: Call) -> Result:
    """Return what one backup says of itself."""
    from usenet_stack.backup import find_backup, show_backup
    from usenet_stack.cli.context import open_stack

    path = find_backup(open_stack(call), call.text("backup"))
    files = call.flag("files")
    identity = opening(call, path) if files else _identity(call)
    return show_backup(path, files=files, identity=identity)


def verify(call: Call) -> Result:
    """Check one backup, or all, from the first byte to the last."""
    from usenet_stack.backup import all_backups, find_backup, verify_backups
    from usenet_stack.cli.context import open_stack

    if call.flag("all") and call.has("backup"):
        from usenet_stack.cli.usage import usage_error

        raise usage_error(
            "`usenet backup verify` takes a backup or --all, not both.",
            "usenet backup verify --help",
        )
    stack = open_stack(call)
    if call.flag("all"):
        return verify_backups(all_backups(stack), _identity(call))
    path = find_backup(stack, call.text("backup"))
    return verify_backups([path], opening(call, path))


def diff(call: Call) -> Result:
    """Compare a backup with another or with the live stack."""
    from usenet_stack.backup import diff_backups, find_backup
    from usenet_stack.cli.context import open_stack

    stack = open_stack(call)
    other = call.text("other", "live")
    new = None if other == "live" else find_backup(stack, other)
    old = find_backup(stack, call.text("backup"))
    both = (old,) if new is None else (old, new)
    return diff_backups(stack, old, new, opening(call, *both))


KEEP = {
    "keep_last": "last",
    "keep_hourly": "hourly",
    "keep_daily": "daily",
    "keep_weekly": "weekly",
    "keep_monthly": "monthly",
    "keep_yearly": "yearly",
    "older_than": "older_than_days",
    "min_free": "min_free",
}


def clean(call: Call) -> Result:
    """Remove backups that the policy does not keep, after showing them."""
    from usenet_stack.backup import clean_backups, plan_clean, policy_of
    from usenet_stack.cli.context import (
        approve,
        open_stack,
        plan_result,
        progress,
    )

    stack = open_stack(call)
    given = {
        field: call.number(key, 0)
        for key, field in KEEP.items()
        if call.has(key)
    }
    policy = policy_of(stack, given)
    plan = plan_clean(stack, policy)
    if call.dry_run:
        return plan_result(plan)
    if plan.steps:
        approve(call, plan, "This removes backups for good:")
    with progress(call) as observer:
        return clean_backups(stack, policy, observer)


def pin(call: Call) -> Result:
    """Keep a backup from being cleaned away."""
    return _pin(call, True)


def unpin(call: Call) -> Result:
    """Let a backup be cleaned away again."""
    return _pin(call, False)


def _pin(call: Call, pinned: bool) -> Result:
    from usenet_stack.backup import find_backup, pin_backup, plan_pin
    from usenet_stack.cli.context import open_stack, plan_result, progress

    stack = open_stack(call)
    path = find_backup(stack, call.text("backup"))
    if call.dry_run:
        return plan_result(plan_pin(path, pinned))
    with progress(call) as observer:
        return pin_backup(stack, path, pinned, observer)


def copy(call: Call) -> Result:
    """Copy a backup elsewhere, and compare."""
    from usenet_stack.backup import copy_backup, find_backup, plan_copy
    from usenet_stack.cli.context import open_stack, plan_result, progress

    stack = open_stack(call)
    path = find_backup(stack, call.text("backup"))
    target = call.text("target")
    if call.dry_run:
        return plan_result(plan_copy(path, target))
    with progress(call) as observer:
        return copy_backup(stack, path, target, observer)


def schedule(call: Call) -> Result:
    """Have backups made by the clock, or print how cron would."""
    from usenet_stack.backup import (
        cron_line,
        plan_schedule,
        schedule_backups,
    )
    from usenet_stack.cli.context import (
        approve,
        open_stack,
        plan_result,
        progress,
    )

    stack = open_stack(call)
    request = _schedule(call)
    remove = call.flag("remove")
    if call.flag("cron"):
        found = Result({"line": cron_line(stack, request)})
        if remove:
            found.info("Take that line out of: crontab -e")
        return found
    plan = plan_schedule(stack, request, remove=remove)
    if call.dry_run:
        return plan_result(plan)
    kinds = {step.operation.kind for step in plan.steps}
    if kinds - {"backup.own-clock"}:  # that one stays in the stack's folder
        approve(call, plan)
    with progress(call) as observer:
        return schedule_backups(stack, request, observer, remove=remove)


def _schedule(call: Call) -> "ScheduleRequest":
    import msgspec

    from usenet_stack.backup import ScheduleRequest

    return msgspec.convert(
        {
            "when": call.text("when", "daily"),
            "run": _run_facts(call),
            "own": call.flag("own"),
        },
        ScheduleRequest,
    )


def _run_facts(call: Call) -> "dict[str, object]":
    from pathlib import Path

    target = call.text("copy_to")
    if target and not target.startswith("rclone:"):
        target = str(Path(target).expanduser().resolve())
    return {
        "type": call.text("type") or None,
        "copy_to": target,
        "encrypt": call.flag("encrypt"),
        "drill": call.flag("drill"),
    }


def run(call: Call) -> Result:
    """Do what the schedule does, now."""
    import msgspec

    from usenet_stack.backup import (
        RunRequest,
        check_size,
        plan_backup,
        run_backups,
    )
    from usenet_stack.cli.context import open_stack, plan_result, progress

    stack = open_stack(call)
    facts = _run_facts(call)
    if call.dry_run:
        asked = _request(call, "")
        check_size(stack, asked)
        return plan_result(plan_backup(stack, asked))
    with progress(call) as observer:
        request = msgspec.convert(facts, RunRequest)
        return run_backups(stack, request, observer)


def clock(call: Call) -> Result:
    """Run backups when they are due, until the schedule is gone."""
    from usenet_stack.backup import keep_time
    from usenet_stack.cli.context import open_stack

    keep_time(open_stack(call))
    return Result({"ended": True})


_RUNS = {
    "create": create,
    "list": list_all,
    "show": show,
    "verify": verify,
    "diff": diff,
    "clean": clean,
    "pin": pin,
    "unpin": unpin,
    "copy": copy,
    "schedule": schedule,
    "run": run,
    "clock": clock,
}

_PARTS = tuple(
    part._replace(run=_RUNS[part.path.split()[1]]) for part in GROUP_PARTS
)

# What makes backups and puts them back stands first.
GROUP = group((*_PARTS[:3], RESTORE, UNDO, EXTRACT, DRILL, *_PARTS[3:]))
