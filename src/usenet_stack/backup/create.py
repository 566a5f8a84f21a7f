"""Create a backup while everything runs."""

import json
import os
import shutil
import socket
import time
from pathlib import Path
from typing import ClassVar

from usenet_stack import __version__
from usenet_stack.backup.archive import digest_of, write_archive
from usenet_stack.backup.note import note_path, read_note
from usenet_stack.backup.selection import missing_databases, select
from usenet_stack.backup.staging import TRIES, Staged, stage
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.transaction import (
    SILENT,
    Context,
    Observer,
    Operation,
    Plan,
    Step,
    open_session,
)
from usenet_stack.transaction.durable import sync_folder, write_durably
from usenet_stack.transaction.files import MakeFolder
from usenet_stack.transaction.operation import Before

FORMAT = 1
REMARKS = {
    "live": "{name} is a database that only its service can copy: it was "
    "taken as a file while the service ran. To be sure, stop the service "
    "first.",
    "link-out": "{name} is a link; what it leads to is not in the backup.",
}


class CreateBackup(Operation, frozen=True):
    """Write one archive of a stack; it appears whole or not at all.

    Args:
        path: of the archive, below a folder that exists.
        description: the user's own words.
    """

    kind: ClassVar[str] = "backup.create"
    path: Path
    description: str = ""

    @property
    def staging(self) -> Path:
        """Where copies and the unfinished archive lie."""
        return self.path.with_name(f".{self.path.name}.staging")

    def describe(self) -> str:
        return f"write the backup {self.path}"

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        self._clear()
        self.staging.mkdir(mode=0o700)
        staged, skipped = stage(select(stack), self.staging)
        about = _about(stack, self.description)
        about["skipped"] = skipped
        about["remarks"] = _remarks(stack, staged)
        archive = write_archive(
            self.staging,
            staged,
            about,
            lambda done: context.progress("packed", done, len(staged), "files"),
        )
        about["files"] = len(staged)
        about["sha256"] = digest_of(archive)
        archive.rename(self.path)
        note = json.dumps(about)
        write_durably(note_path(self.path), note.encode(), 0o600)
        sync_folder(self.path.parent)
        shutil.rmtree(self.staging)

    def undo(self, context: Context, before: Before) -> None:
        self._clear()
        self.path.unlink(missing_ok=True)
        note_path(self.path).unlink(missing_ok=True)

    def _clear(self) -> None:
        if self.staging.exists():
            shutil.rmtree(self.staging)

    def verify(self, context: Context) -> bool:
        return self.path.is_file() and note_path(self.path).is_file()

    def manual(self, before: Before) -> str:
        return f"rm -rf '{self.staging}' '{self.path}'"


def _about(stack: Stack, description: str) -> dict[str, object]:
    return {
        "format": FORMAT,
        "tool": __version__,
        "type": "config",
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": socket.gethostname(),
        "stack": stack.name,
        "services": [service.name for service in stack.services],
        "description": description,
    }


def _remarks(stack: Stack, staged: list[Staged]) -> list[str]:
    """Return what a person must know before relying on this backup."""
    found = [
        REMARKS[one.kind].format(name=one.entry.name)
        for one in staged
        if one.kind in REMARKS
    ]
    found += [
        f"{one.entry.name} changed while it was read, each of {TRIES} times."
        for one in staged
        if not one.steady
    ]
    found += [
        f"{service.name} keeps {pattern} beside the media; that is not in it."
        for service in stack.services
        for pattern in service.backup.in_data
        if stack.config_folder(service).exists()
    ]
    return found + [
        f"{service.name} has no {database.path}, if it should have one."
        for service, database in missing_databases(stack)
        if database.journal == "unknown"
    ]


def backup_folder(stack: Stack) -> Path:
    """Return where the backups of a stack lie, unless told elsewhere."""
    return stack.folder / "backups"


def plan_backup(
    stack: Stack, target: Path | None = None, description: str = ""
) -> Plan:
    """Return the steps of a backup.

    Args:
        target: the folder for it; None is the stack's own.

    Raises:
        UsenetError: backup.missing-database.
    """
    for service, database in missing_databases(stack):
        if database.journal != "unknown":  # else its place is a guess
            raise UsenetError(
                "backup.missing-database",
                service=service.name,
                path=database.path,
            )
    folder = target or backup_folder(stack)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    name = f"usenet-config-{stamp}-{os.urandom(2).hex()}.tar.gz"
    steps = []
    if not folder.exists():
        why = "the backups of this stack lie there"
        steps.append(Step(MakeFolder(folder, 0o700), why))
    why = "you asked for it; nothing is stopped"
    steps.append(Step(CreateBackup(folder / name, description), why))
    return Plan("backup create", tuple(steps))


def create_backup(
    stack: Stack,
    target: Path | None = None,
    description: str = "",
    observer: Observer = SILENT,
) -> Result:
    """Write a backup of a stack's settings, keys and databases.

    Returns: `path` and `size` of the archive, `skipped` names.
    Raises:
        UsenetError: backup.missing-database, backup.database, disk.full,
            lock.held; nothing is left then.
    Effects: one archive and its description, both 0600. No service is
        stopped.
    """
    with open_session(stack.folder, "backup create", observer) as session:
        plan = plan_backup(stack, target, description)
        session.run(plan)
    operation = plan.steps[-1].operation
    assert isinstance(operation, CreateBackup)
    note = read_note(operation.path)
    result = Result(
        {
            "path": str(operation.path),
            "size": operation.path.stat().st_size,
            "files": note["files"],
            "services": note["services"],
            "skipped": note["skipped"],
        }
    )
    for text in note["remarks"]:
        result.warn(text)
    result.info("It holds the keys of your services: keep it to yourself.")
    return result
