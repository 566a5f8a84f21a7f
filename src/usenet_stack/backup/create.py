"""Create a backup while everything runs."""

import json
import os
import shutil
import socket
import time
from pathlib import Path
from typing import ClassVar

from usenet_stack import __version__
from usenet_stack.backup.archive import stage, write_archive
from usenet_stack.backup.selection import missing_databases, select
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
        items = select(stack)
        copies = stage(items, self.staging)
        manifest = write_archive(
            self.staging / "archive",
            items,
            copies,
            _about(stack, self.description),
            lambda done: context.progress("packed", done, len(items), "files"),
        )
        manifest["skipped"] = [i.name for i in items if i.kind == "skipped"]
        note = json.dumps({**manifest, "files": len(manifest["files"])})
        (self.staging / "archive").rename(self.path)
        write_durably(meta_path(self.path), note.encode(), 0o600)
        sync_folder(self.path.parent)
        shutil.rmtree(self.staging)

    def undo(self, context: Context, before: Before) -> None:
        self._clear()
        self.path.unlink(missing_ok=True)
        meta_path(self.path).unlink(missing_ok=True)

    def _clear(self) -> None:
        if self.staging.exists():
            shutil.rmtree(self.staging)

    def verify(self, context: Context) -> bool:
        return self.path.is_file() and meta_path(self.path).is_file()

    def manual(self, before: Before) -> str:
        return f"rm -rf '{self.staging}' '{self.path}'"


def meta_path(archive: Path) -> Path:
    """Return the small file beside an archive that describes it."""
    return archive.with_name(f"{archive.name}.meta.json")


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
    for service, name in missing_databases(stack):
        raise UsenetError(
            "backup.missing-database", service=service.name, path=name
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
    note = json.loads(meta_path(operation.path).read_bytes())
    result = Result(
        {
            "path": str(operation.path),
            "size": operation.path.stat().st_size,
            "files": note["files"],
            "services": note["services"],
            "skipped": note["skipped"],
        }
    )
    result.info("It holds the keys of your services: keep it to yourself.")
    return result
