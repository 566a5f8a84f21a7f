"""The operations of a restore; a crash before the swap undoes them all.

From the moment that the swap is journalled the next run completes it: which
folder is which is told by the identities that its record holds.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from usenet_stack.backup.reading import open_archive
from usenet_stack.backup.restoring.carrying import (
    link,
)
from usenet_stack.backup.restoring.exchange import (
    Pair,
    identity,
    mark,
)
from usenet_stack.backup.restoring.keying import (
    changed_secrets,
    rekey,
    stale_secrets,
)
from usenet_stack.backup.restoring.places import (
    Only,
    Restored,
    pair_of,
    record_path,
    these,
    write_record,
)
from usenet_stack.backup.restoring.remapping import moved_since, remap
from usenet_stack.backup.restoring.staging import Stager, owners_of, scope_of
from usenet_stack.backup.verify import readable
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.transaction import Context, Operation
from usenet_stack.transaction.durable import sync_file_system, sync_folder
from usenet_stack.transaction.operation import Before


class StageBackup(Operation, frozen=True):
    """Unpack a backup beside the folders that it will replace, and prove it.

    Args:
        id: of the restore.
        identity: opens an encrypted backup.
    """

    kind: ClassVar[str] = "backup.stage"
    id: str
    path: Path
    services: tuple[str, ...]
    only: Only = ""
    identity: Path | None = None

    def describe(self) -> str:
        return (
            f"unpack {self.path.name} beside the folders of "
            f"{these(self.services)}, and check it"
        )

    def prepare(self, context: Context) -> Before:
        stack = load_stack(context.stack_folder)
        pairs = {name: pair_of(stack, name, self.id) for name in self.services}
        return {"live": {name: identity(p.live) for name, p in pairs.items()}}

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        self._clear(stack, before["live"])
        pairs = {name: pair_of(stack, name, self.id) for name in self.services}
        spares = {name: pair.spare for name, pair in pairs.items()}
        context.progress("unpacking", None, None, "")
        stager = unpack(
            stack, self.path, spares, self.only, identity=self.identity
        )
        env = read_env(stack.folder)
        changed = changed_secrets(env, stager.secrets)
        moved = moved_since(stager.settings, stack)
        mapped, later = stager.mapped, {}
        for name, pair in pairs.items():
            mapped += remap(name, pair.spare, moved)
            mapped += rekey(stack, stack.catalog[name], pair.spare, changed)
            found = link(pair.live, pair.spare, stager.scopes[name])
            later[name] = tuple(found)
            mark(pair.spare, self.id)
        for folder in {pair.spare.parent for pair in pairs.values()}:
            sync_file_system(folder)
        record = Restored(
            self.id,
            str(self.path),
            self.services,
            tuple(mapped),
            later,
            tuple(stale_secrets(env, stager.secrets)),
        )
        write_record(stack, record)

    def undo(self, context: Context, before: Before) -> None:
        self._clear(load_stack(context.stack_folder), before["live"])

    def _clear(self, stack: Stack, live: dict[str, str]) -> None:
        for name in self.services:
            pair = pair_of(stack, name, self.id)
            if identity(pair.live) != live[name] or identity(pair.aside):
                # The spare may be all that is left of the old one.
                raise UsenetError("backup.half-way", path=pair.spare)
            drop_spare(pair)
        record_path(stack, self.id).unlink(missing_ok=True)

    def verify(self, context: Context) -> bool:
        return record_path(load_stack(context.stack_folder), self.id).exists()

    def manual(self, before: Before) -> str:
        return f"rm -r config/.restore-{self.id}-*"


class UnpackBackup(Operation, frozen=True):
    """Unpack what a backup holds of services into a new folder."""

    kind: ClassVar[str] = "backup.unpack"
    path: Path
    services: tuple[str, ...]
    folder: Path
    only: Only = ""
    identity: Path | None = None

    @property
    def _half(self) -> Path:
        return self.folder.with_name(f".{self.folder.name}.restore")

    def describe(self) -> str:
        return f"unpack {self.path.name} into {self.folder}, and check it"

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        self._clear()
        self._half.mkdir(mode=0o700)
        spares = {name: self._half / name for name in self.services}
        context.progress("unpacking", None, None, "")
        unpack(
            stack,
            self.path,
            spares,
            self.only,
            identity=self.identity,
            same_owners=True,
        )
        sync_file_system(self._half)
        self._half.rename(self.folder)
        sync_folder(self.folder.parent)

    def undo(self, context: Context, before: Before) -> None:
        self._clear()

    def _clear(self) -> None:
        if self._half.exists():
            shutil.rmtree(self._half)

    def verify(self, context: Context) -> bool:
        return self.folder.is_dir()

    def manual(self, before: Before) -> str:
        return f"rm -r '{self._half}'"


def drop_spare(pair: Pair) -> None:
    """Remove a spare folder."""
    if pair.spare.exists():
        shutil.rmtree(pair.spare)


def unpack(
    stack: Stack,
    path: Path,
    tops: dict[str, Path],
    only: Only,
    *,
    identity: Path | None = None,
    same_owners: bool = False,
) -> Stager:
    """Unpack services into folders, and prove what came out.

    Returns: who knows what was changed for this machine.
    Raises:
        UsenetError: backup.damaged, backup.locked-up, backup.not-held.
        OSError: there is no room.
    """
    with (
        readable(path, identity) as plain,
        open_archive(plain, ahead=True) as archive,
    ):
        type = archive.manifest.type
        scopes = {n: scope_of(type, stack.catalog[n], only) for n in tops}
        stager = Stager(tops, scopes, owners_of(stack), same_owners)
        stager.take(archive)
    if missing := [name for name in tops if name not in stager.services]:
        refuse_missing(path, missing)
    return stager


def refuse_missing(path: Path, names: Sequence[str]) -> None:
    """Tell that a backup holds nothing of these."""
    raise UsenetError(
        "backup.not-held", backup=path.name, names=", ".join(names)
    )
