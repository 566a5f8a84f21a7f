"""The operations of the backup room: what a journal can hold of it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import msgspec

from usenet_stack.backup.container import Compression
from usenet_stack.backup.databases import Copied, DatabaseCopier
from usenet_stack.backup.encryption import encrypt, passphrase_in
from usenet_stack.backup.naming import parse_name, staging_of
from usenet_stack.backup.note import Note, note_path, write_note
from usenet_stack.backup.passphrase import TYPED
from usenet_stack.backup.rules import Type
from usenet_stack.backup.selection import Choice
from usenet_stack.backup.writing import Words, write_archive
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import load_stack
from usenet_stack.transaction import Context, Operation
from usenet_stack.transaction.durable import remove_leftovers, sync_folder
from usenet_stack.transaction.operation import Before


class HoldDatabases(Operation, frozen=True):
    """Copy databases of services that are stopped for it.

    Args:
        folder: private, for the copies; `CreateBackup` packs them.
        sources: the databases.
    """

    kind: ClassVar[str] = "backup.hold-databases"
    folder: Path
    sources: tuple[str, ...]

    def describe(self) -> str:
        return f"copy {', '.join(self.sources)} while nobody holds it"

    def do(self, context: Context, before: Before) -> None:
        busy = load_stack(context.stack_folder).settings.backup.busy_seconds
        _clear(self.folder)
        self.folder.mkdir(mode=0o700)
        copies = []
        with DatabaseCopier(self.folder, busy) as copier:
            for source in self.sources:
                copier.ask(source)
            for source in self.sources:
                if copied := copier.copied(source):
                    copies.append([*copied[:1], str(copied.copy), *copied[2:]])
        index = self.folder / "index.json"
        index.write_bytes(msgspec.json.encode(copies))

    def undo(self, context: Context, before: Before) -> None:
        _clear(self.folder)

    def verify(self, context: Context) -> bool:
        return (self.folder / "index.json").is_file()

    def manual(self, before: Before) -> str:
        return f"rm -rf '{self.folder}'"


def held_databases(folder: Path) -> dict[str, Copied]:
    """Return what `HoldDatabases` left in a folder, by source."""
    try:
        rows = msgspec.json.decode((folder / "index.json").read_bytes())
    except FileNotFoundError:
        return {}
    return {row[0]: Copied(row[0], Path(row[1]), *row[2:]) for row in rows}


class CreateBackup(Operation, frozen=True):
    """Write one archive of a stack; it appears whole or not at all.

    Args:
        path: of the archive, in a folder that exists by then.
        type, services: what goes into it.
        name, description: the user's own words.
        recipients: public keys to encrypt to; none leaves it readable.
        passphrase: encrypt to the one that was typed, or to that in
            `passphrase_file`. It is in no journal.
        force: whatever its size.
    """

    kind: ClassVar[str] = "backup.create"
    path: Path
    type: Type = "config"
    services: tuple[str, ...] = ()
    name: str = ""
    description: str = ""
    recipients: tuple[str, ...] = ()
    force: bool = False
    passphrase: bool = False
    passphrase_file: Path | None = None

    @property
    def encrypted(self) -> bool:
        """Whether only a key or a passphrase opens it."""
        return bool(self.recipients) or self.passphrase

    def describe(self) -> str:
        how = "encrypted " if self.encrypted else ""
        return f"write the {how}{self.type} backup {self.path}"

    def do(self, context: Context, before: Before) -> None:
        with about(self.path):
            self._write(context)

    def _write(self, context: Context) -> None:
        self._clear()
        staging = staging_of(self.path)
        staging.mkdir(mode=0o700)
        stack = load_stack(context.stack_folder)
        archive, manifest, seal = write_archive(
            stack,
            Choice(self.type, self.services),
            Words(self.name, self.description),
            staging,
            self._compression,
            held_databases(held_folder(self.path)),
            lambda done: context.progress("packed", done, None, "files"),
            guarded=not self.force,
        )
        if self.encrypted:
            archive, seal = self._encrypted(archive)
        archive.rename(self.path)
        sync_folder(self.path.parent)
        size = self.path.stat().st_size
        write_note(self.path, Note(manifest=manifest, bytes=size, seal=seal))
        _clear(staging)
        _clear(held_folder(self.path))

    @property
    def _compression(self) -> Compression:
        parsed = parse_name(self.path.name)
        return parsed.compression if parsed else "zstd"

    def _encrypted(self, archive: Path) -> tuple[Path, str]:
        target = archive.with_name("encrypted")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with (
            archive.open("rb") as source,
            os.fdopen(os.open(target, flags, 0o600), "wb") as file,
        ):
            digest = encrypt(source, file, self.recipients, self._secret())
            file.flush()
            os.fsync(file.fileno())
        return target, digest

    def _secret(self) -> str:
        if not self.passphrase:
            return ""
        named = self.passphrase_file
        found = passphrase_in(named) if named else TYPED.get()
        if not found:  # never an archive that no passphrase guards
            raise UsenetError("backup.no-recipient")
        return found

    def undo(self, context: Context, before: Before) -> None:
        remove_backup(self.path)
        self._clear()
        _clear(held_folder(self.path))

    def _clear(self) -> None:
        _clear(staging_of(self.path))

    def verify(self, context: Context) -> bool:
        return self.path.is_file() and note_path(self.path).is_file()

    def manual(self, before: Before) -> str:
        return f"rm -rf '{staging_of(self.path)}' '{self.path}'"


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Name a file in errors of the system that name none: writing and
    syncing know only a number."""
    try:
        yield
    except OSError as problem:
        if problem.filename is None:
            problem.filename = str(path)
        raise


def held_folder(path: Path) -> Path:
    """Return where the copies of stopped services' databases lie."""
    return path.with_name(f".{path.name}.held")


class RemoveBackup(Operation, frozen=True):
    """Remove one backup for good; what was begun is completed."""

    kind: ClassVar[str] = "backup.remove"
    path: Path

    def describe(self) -> str:
        return f"remove the backup {self.path}"

    def do(self, context: Context, before: Before) -> None:
        remove_backup(self.path)

    def undo(self, context: Context, before: Before) -> None:
        """What is gone stays gone: a backup is removed whole, or not."""
        if not self.path.exists():
            remove_backup(self.path)

    def verify(self, context: Context) -> bool:
        return not self.path.exists()

    def manual(self, before: Before) -> str:
        return f"rm -f '{self.path}' '{note_path(self.path)}'"


def remove_backup(path: Path) -> None:
    """Remove an archive and then its note: never a note's archive only."""
    note = note_path(path)
    try:
        names = set(os.listdir(path.parent))  # noqa: PTH208
    except FileNotFoundError:
        return  # the disk that was to hold it is gone
    # Only what is there: a read-only disk refuses even to remove nothing.
    ours = {name for name in names if note.name in name or name == path.name}
    if not ours:
        return
    path.unlink(missing_ok=True)
    remove_leftovers(note)
    note.unlink(missing_ok=True)
    sync_folder(path.parent)


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
