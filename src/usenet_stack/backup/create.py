"""Create a backup while everything runs."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from usenet_stack.backup.container import Compression
from usenet_stack.backup.encryption import check_recipients, passphrase_in
from usenet_stack.backup.naming import backup_folder, new_name
from usenet_stack.backup.note import note_path, read_note
from usenet_stack.backup.operations import (
    CreateBackup,
    HoldDatabases,
    held_folder,
)
from usenet_stack.backup.passphrase import TYPED
from usenet_stack.backup.postgres import on_postgres
from usenet_stack.backup.rules import Type
from usenet_stack.backup.selection import (
    Choice,
    chosen,
    missing_databases,
    named_databases,
    switched_off,
)
from usenet_stack.backup.sizes import guard, measure
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.transaction import SILENT, Observer, Plan, Step, open_session
from usenet_stack.transaction.files import MakeFolder
from usenet_stack.transaction.plan import OnFailure

COMMAND = "backup create"
LONGEST_NAME, LONGEST_DESCRIPTION = 60, 300
STOP, START = "service.stop", "service.start"


class BackupRequest(msgspec.Struct, frozen=True):
    """What the user asked for.

    Args:
        type: None is the stack's own choice.
        services: only those; none means all that are on.
        target: another folder than the stack's own.
        name, description: the user's own words.
        compression: None is the stack's own choice.
        encrypt: to `recipients`, or to those in stack.toml, or to the
            passphrase in a file that stack.toml names.
        passphrase: encrypt to the one that was typed, or to that in
            `passphrase_file`.
        force: whatever its size, and without what lies in PostgreSQL.
    """

    type: Type | None = None
    services: tuple[str, ...] = ()
    target: Path | None = None
    name: str = ""
    description: str = ""
    compression: Compression | None = None
    encrypt: bool = False
    recipients: tuple[str, ...] = ()
    passphrase: bool = False
    passphrase_file: Path | None = None
    force: bool = False


def plan_backup(stack: Stack, request: BackupRequest) -> Plan:
    """Return the steps of a backup.

    Raises:
        UsenetError: backup.missing-database, backup.postgres,
            backup.target, backup.no-age, backup.no-recipient,
            backup.recipient, backup.name, service.unknown, service.off.
    """
    settings = stack.settings.backup
    type: Type = request.type or settings.type
    services = tuple(s.name for s in chosen(stack, request.services))
    choice = Choice(type, services if request.services else ())
    lock = _lock_of(stack, request)
    if not request.force:
        _refuse_postgres(stack, choice)
    _refuse_missing(stack, choice)
    _refuse_foreign(stack, choice)
    name = new_name(
        type,
        request.compression or settings.compression,
        encrypted=lock is not None,
    )
    check_words(request.name, request.description)
    folder = request.target or backup_folder(stack)
    _refuse_inside(stack, choice, folder)
    operation = CreateBackup(
        folder / name,
        type,
        choice.services,
        request.name,
        request.description,
        lock.recipients if lock else (),
        request.force,
        lock is not None and not lock.recipients,
        lock.file if lock else None,
    )
    why = "you asked for it; nothing is stopped"
    return Plan(COMMAND, (*_folder(folder), Step(operation, why)))


def check_size(stack: Stack, request: BackupRequest) -> None:
    """Check that a backup is no larger than stack.toml allows.

    Raises:
        UsenetError: backup.too-large.
    """
    type: Type = request.type or stack.settings.backup.type
    if not request.force:
        guard(stack, type, measure(stack, Choice(type, request.services)))


class _Lock(NamedTuple):
    """Who opens a backup: recipients, else the passphrase (in `file`)."""

    recipients: tuple[str, ...]
    file: Path | None


def _lock_of(stack: Stack, request: BackupRequest) -> _Lock | None:
    settings = stack.settings.backup
    if request.passphrase or request.passphrase_file:
        lock = _Lock((), request.passphrase_file)
    elif not request.encrypt:
        return None
    elif recipients := request.recipients or settings.recipients:
        lock = _Lock(recipients, None)
    elif settings.passphrase_file:
        lock = _Lock((), stack.folder / settings.passphrase_file)
    else:
        raise UsenetError("backup.no-recipient")
    typed = passphrase_in(lock.file) if lock.file else TYPED.get()
    check_recipients(lock.recipients, "" if lock.recipients else typed)
    return lock


def check_words(name: str, description: str) -> None:
    """Check the user's own words on a backup.

    Raises:
        UsenetError: backup.name: it could not be found or shown by them.
    """
    taken = ("latest", "live")
    for what, text, most in (
        ("name", name, LONGEST_NAME),
        ("description", description, LONGEST_DESCRIPTION),
    ):
        why = ""
        if len(text) > most:
            why = f"It is longer than {most} characters."
        elif not text.isprintable():
            why = "It is not one line of plain text."
        elif what == "name" and ("/" in text or text != text.strip()):
            why = "It has a slash, or a space at its beginning or end."
        elif what == "name" and text in taken:
            why = "It means another backup already."
        if why:
            raise UsenetError("backup.name", name=text, what=what, why=why)


def _refuse_inside(stack: Stack, choice: Choice, folder: Path) -> None:
    """Refuse a folder that would come to hold itself."""
    place = folder.resolve()
    for service in chosen(stack, choice.services):
        if place.is_relative_to(stack.config_folder(service).resolve()):
            why = f"It lies in what is backed up of {service.name}."
            raise UsenetError("backup.target", path=folder, why=why)


def _folder(folder: Path) -> tuple[Step, ...]:
    if folder.is_dir():
        return ()
    if folder.exists():
        raise UsenetError(
            "backup.target", path=folder, why="It is not a folder."
        )
    return (Step(MakeFolder(folder, 0o700), "backups come to lie there"),)


def _refuse_postgres(stack: Stack, choice: Choice) -> None:
    if choice.type == "minimal":
        return
    for service, host in on_postgres(stack, chosen(stack, choice.services)):
        raise UsenetError("backup.postgres", service=service, host=host)


def _refuse_missing(stack: Stack, choice: Choice) -> None:
    services = chosen(stack, choice.services)
    elsewhere = {name for name, _ in on_postgres(stack, services, dumped=True)}
    for service, database in missing_databases(stack, choice):
        # Where one is "unknown", its place is a guess.
        if database.journal != "unknown" and service.name not in elsewhere:
            raise UsenetError(
                "backup.missing-database",
                service=service.name,
                path=database.path,
            )


def _refuse_foreign(stack: Stack, choice: Choice) -> None:
    # Others that only their first bytes tell are found while packing.
    for _, _, path in named_databases(stack, choice):
        owner = path.stat().st_uid if path.exists() else 0
        if os.geteuid() not in (0, owner):
            raise UsenetError("backup.owner", path=path, uid=owner)


def create_backup(
    stack: Stack,
    request: BackupRequest = BackupRequest(),  # noqa: B008 (frozen)
    observer: Observer = SILENT,
    *,
    wait_s: float = 0.0,
) -> Result:
    """Write a backup of a stack while its services run.

    Args:
        wait_s: how long another command may hold the stack.

    Returns: `path`, `size`, `type`, `files`, `databases`, `services`,
        `skipped`, `encrypted`, `stopped`: services that were stopped for
        a moment because they never let go of a database.
    Raises:
        UsenetError: as `plan_backup`; backup.too-large, backup.database,
            backup.locked, backup.owner, disk.full, lock.held; nothing is
            left then.
    Effects: one archive and its note, both 0600.
    """
    stopped: list[str] = []
    with open_session(
        stack.folder, COMMAND, observer, wait_s=wait_s
    ) as session:
        plan = plan_backup(stack, request)
        for _ in range(len(stack.services) + 1):
            try:
                outcome = session.run(plan)
                break
            except UsenetError as error:
                _refuse_large(error)
                plan = _with_stop(stack, plan, error, stopped)
    result = created(_operation(plan), stopped)
    for text in _left_out(stack, _operation(plan)):
        result.info(text)
    for failure in outcome.failures:
        result.errors.append(failure.error)
        result.partial = True
    return result


def _refuse_large(error: UsenetError) -> None:
    """Raise what stopped a backup before any of it was written."""
    cause = error.__cause__
    if (
        error.code == "transaction.rolled-back"
        and isinstance(cause, UsenetError)
        and cause.code == "backup.too-large"
    ):
        raise cause from None


def _left_out(stack: Stack, operation: CreateBackup) -> Iterator[str]:
    """Yield what a person could think to be in it."""
    choice = Choice(operation.type, operation.services)
    if choice.type != "minimal":
        for service in chosen(stack, choice.services):
            for pattern in service.backup.in_data:
                if stack.config_folder(service).exists():
                    yield (
                        f"{service.name} keeps {pattern} beside the media; "
                        "that is not in it."
                    )
    if not choice.services and (off := switched_off(stack)):
        yield (
            f"Switched off, and not in it: {', '.join(off)} "
            f"(usenet backup create --service {','.join(off)})"
        )


def _operation(plan: Plan) -> CreateBackup:
    operation = plan.steps[-1].operation
    assert isinstance(operation, CreateBackup)
    return operation


def _with_stop(
    stack: Stack, plan: Plan, error: UsenetError, stopped: list[str]
) -> Plan:
    """Return a plan that stops the service that holds a database.

    Raises:
        UsenetError: the error, where that is not what went wrong or would
            not help: nothing runs that could be stopped.
    """
    from usenet_stack.services import plan_restart

    cause = error.__cause__
    if not isinstance(cause, UsenetError) or cause.code != "backup.locked":
        raise error
    service, source = str(cause.facts["service"]), str(cause.facts["path"])
    if service in stopped or not stack.enabled(service):
        raise error
    try:
        steps = plan_restart(stack, [service]).steps
    except UsenetError:
        raise error from cause
    stop = _of_kind(steps, STOP)
    if not stop:
        raise error  # nothing of ours runs that could hold it
    stopped.append(service)
    create = _operation(plan)
    held = _held_sources(plan, source)
    hold = HoldDatabases(held_folder(create.path), held)
    return Plan(
        COMMAND,
        (
            *(s for s in plan.steps if isinstance(s.operation, MakeFolder)),
            *_of_kind(plan.steps, STOP),
            *stop,
            Step(hold, f"{service} never lets go of it"),
            # One that does not get well is no reason to lose the backup.
            *_of_kind(plan.steps, START),
            *_of_kind(steps, START),
            plan.steps[-1],
        ),
    )


def _held_sources(plan: Plan, source: str) -> tuple[str, ...]:
    for step in plan.steps:
        if isinstance(step.operation, HoldDatabases):
            return (*step.operation.sources, source)
    return (source,)


def _of_kind(steps: Iterable[Step], kind: str) -> tuple[Step, ...]:
    on_failure: OnFailure = "abort" if kind == STOP else "continue"
    return tuple(
        Step(step.operation, step.why, on_failure)
        for step in steps
        if step.operation.kind == kind
    )


def created(operation: CreateBackup, stopped: list[str]) -> Result:
    """Return what there is to say of a new backup."""
    note = read_note(operation.path)
    manifest = note.manifest
    assert manifest is not None, note_path(operation.path)
    data: dict[str, Any] = {
        "path": str(operation.path),
        "size": note.bytes,
        "type": manifest.type,
        "files": manifest.plain_files,
        "databases": manifest.databases,
        "services": manifest.service_names,
        "skipped": list(manifest.skipped),
        "encrypted": operation.encrypted,
        "stopped": stopped,
    }
    result = Result(data)
    for text in manifest.remarks:
        result.warn(text)
    if not operation.encrypted:
        result.info(
            "It is not encrypted and holds the keys of your services: only "
            "you can read it (mode 0600)."
        )
    return result
