"""Copies of backups elsewhere: on another disk, or with rclone."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

from usenet_stack.backup.copy_databases import die_with_parent
from usenet_stack.backup.naming import ENCRYPTED, staging_of
from usenet_stack.backup.note import note_path, read_note, write_note
from usenet_stack.backup.operations import about, remove_backup
from usenet_stack.backup.verify import verify_backup
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.transaction import (
    SILENT,
    Context,
    Observer,
    Operation,
    Plan,
    Step,
    open_session,
)
from usenet_stack.transaction.durable import sync_folder
from usenet_stack.transaction.files import MakeFolder
from usenet_stack.transaction.operation import Before

COPY = "backup copy"
RCLONE = "rclone:"
# As rclone allows it; one that began with "-" would be an option.
_REMOTE = re.compile(r"rclone:(?![-.])[\w.+@ -]*(?:,[^:]*)?:.*")
PIECE = 1024 * 1024
# Of rclone's exit codes: there is no such folder, no such file.
NOT_FOUND = (3, 4)


class CopyBackup(Operation, frozen=True):
    """Copy a backup and its note into another folder, and compare.

    Args:
        source: the archive.
        target: where it comes to lie; not there yet.
    """

    kind: ClassVar[str] = "backup.copy"
    source: Path
    target: Path

    def describe(self) -> str:
        return f"copy {self.source.name} to {self.target.parent}"

    def do(self, context: Context, before: Before) -> None:
        with about(self.target):
            self._copy(context)

    def _copy(self, context: Context) -> None:
        staging = staging_of(self.target)
        if staging.exists():
            shutil.rmtree(staging)
        staging.mkdir(mode=0o700)
        copy = staging / "archive"
        total = self.source.stat().st_size
        digest = hashlib.sha256()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with (
            self.source.open("rb", 0) as source,
            os.fdopen(os.open(copy, flags, 0o600), "wb", 0) as target,
        ):
            while piece := source.read(PIECE):
                digest.update(piece)
                target.write(piece)
                context.progress("copied", target.tell(), total, "bytes")
            os.fsync(target.fileno())
        if _read_back(copy) != digest.digest():
            raise UsenetError("backup.copy-differs", path=self.target)
        copy.rename(self.target)
        sync_folder(self.target.parent)
        note = read_note(self.source)
        if note.manifest is not None:
            write_note(self.target, note)
        shutil.rmtree(staging)

    def undo(self, context: Context, before: Before) -> None:
        staging = staging_of(self.target)
        if staging.exists():
            shutil.rmtree(staging)
        remove_backup(self.target)

    def verify(self, context: Context) -> bool:
        same = self.source.stat().st_size
        return self.target.is_file() and self.target.stat().st_size == same

    def manual(self, before: Before) -> str:
        return f"rm -rf '{self.target}' '{staging_of(self.target)}'"


def _read_back(path: Path) -> bytes:
    """Return the digest of what the disk has, not of what memory has."""
    digest = hashlib.sha256()
    with path.open("rb", 0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.digest()


class RcloneBackup(Operation, frozen=True):
    """Copy a backup and its note to a remote, and compare.

    Args:
        remote: as rclone names it: "box:backups".
    """

    kind: ClassVar[str] = "backup.rclone"
    source: Path
    remote: str

    @property
    def _place(self) -> str:
        joint = "" if self.remote.endswith((":", "/")) else "/"
        return f"{self.remote}{joint}{self.source.name}"

    def describe(self) -> str:
        return f"copy {self.source.name} to {self.remote} with rclone"

    def do(self, context: Context, before: Before) -> None:
        context.progress("copying to the remote", None, None, "")
        _rclone("copyto", str(self.source), self._place)
        note = note_path(self.source)
        if note.exists():
            _rclone("copyto", str(note), f"{self._place}.meta.json")
        # What the remote has is read again and compared here.
        if _remote_digest(self._place) != _file_digest(self.source):
            raise UsenetError("backup.copy-differs", path=self._place)

    def undo(self, context: Context, before: Before) -> None:
        for place in (self._place, f"{self._place}.meta.json"):
            found = _rclone("lsf", place, others=NOT_FOUND)
            if found.strip():
                _rclone("deletefile", place)

    def manual(self, before: Before) -> str:
        return f"rclone deletefile '{self._place}'"


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remote_digest(place: str) -> str:
    digest = hashlib.sha256()
    with subprocess.Popen(
        ["rclone", "cat", place],
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent,
    ) as process:
        assert process.stdout is not None
        while piece := process.stdout.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _rclone(*words: str, others: tuple[int, ...] = ()) -> str:
    # Else it would go on copying where the next run removes.
    done = subprocess.run(
        ["rclone", *words],
        capture_output=True,
        text=True,
        preexec_fn=die_with_parent,
    )
    if done.returncode not in (0, *others):
        last = done.stderr.strip().splitlines()[-1:]
        raise UsenetError(
            "backup.rclone",
            verb=words[0],
            status=done.returncode,
            command=f"rclone {' '.join(words)}",
            why="".join(last),
        )
    return done.stdout


def copy_steps(source: Path, target: str) -> tuple[Step, ...]:
    """Return how a backup gets to a folder or a remote.

    Args:
        target: a folder, or "rclone:REMOTE:PATH".

    Raises:
        UsenetError: backup.no-rclone, backup.target, backup.exists.
    """
    why = "you asked for a copy elsewhere"
    if target.startswith(RCLONE):
        check_rclone(target)
        remote = target.removeprefix(RCLONE)
        return (Step(RcloneBackup(source, remote), why),)
    folder = Path(target).expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise UsenetError(
            "backup.target", path=folder, why="It is not a folder."
        )
    path = folder / source.name
    if path.exists():
        raise UsenetError("backup.exists", path=path)
    make = () if folder.is_dir() else (Step(MakeFolder(folder, 0o700), why),)
    return (*make, Step(CopyBackup(source, path), why))


def check_rclone(target: str) -> None:
    """Check that a remote is named and that rclone is there.

    Raises:
        UsenetError: backup.target, backup.no-rclone.
    """
    if not _REMOTE.fullmatch(target):
        why = "A remote is written as in rclone:box:folder."
        raise UsenetError("backup.target", path=target, why=why)
    if shutil.which("rclone") is None:
        raise UsenetError("backup.no-rclone", target=target)


def plan_copy(source: Path, target: str) -> Plan:
    """Return the steps of a copy; as `copy_steps`."""
    return Plan(COPY, copy_steps(source, target))


def copy_backup(
    stack: Stack, source: Path, target: str, observer: Observer = SILENT
) -> Result:
    """Copy a backup elsewhere and prove that the copy is the same.

    Returns: `path` of the copy, `size`.
    Raises:
        UsenetError: as `copy_steps`; backup.damaged: the source itself is
            not whole, and no copy is made of it.
    """
    with open_session(stack.folder, COPY, observer) as session:
        plan = plan_copy(source, target)
        if not source.name.endswith(ENCRYPTED) or read_note(source).seal:
            verify_backup(source)
        session.run(plan)
    last = plan.steps[-1].operation
    path = (
        str(last.target)
        if isinstance(last, CopyBackup)
        else f"{target.rstrip('/')}/{source.name}"
    )
    return Result({"path": path, "size": source.stat().st_size})
