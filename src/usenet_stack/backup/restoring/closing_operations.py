"""The operations that begin and end a restore: who runs, which keys, notes."""

from typing import ClassVar

import msgspec

from usenet_stack.backup.restoring.operations import drop_spare
from usenet_stack.backup.restoring.places import (
    Restored,
    noted_restores,
    pair_of,
    read_record,
    record_path,
    these,
    write_record,
)
from usenet_stack.docker.engine import Engine
from usenet_stack.keys import refusals, rewire
from usenet_stack.services import wait_until_well
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.transaction import Context, Operation
from usenet_stack.transaction.operation import Before


class AwaitReturn(Operation, frozen=True):
    """Do nothing on the way there; on the way back wait for services.

    It is the first step, so that its undo is the last one: what was started
    again is well before the user reads that all is as it was.
    """

    kind: ClassVar[str] = "backup.await-return"
    services: tuple[str, ...]

    def describe(self) -> str:
        return f"note that {these(self.services)} ran"

    def do(self, context: Context, before: Before) -> None:
        """The plan has noted it."""

    def undo(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        # One that was unwell before is told by `services list`.
        wait_until_well(stack, Engine(), self.services, context.progress)

    def manual(self, before: Before) -> str:
        return f"usenet services start {' '.join(self.services)}"


class MendKeys(Operation, frozen=True):
    """Tell restored services the keys of the others, where those changed.

    Args:
        id: of the restore.
        services: those that run.
        all: whether any key may have changed, not only those that differ
            from the backup's.
    """

    kind: ClassVar[str] = "backup.mend-keys"
    id: str
    services: tuple[str, ...]
    all: bool = False

    def describe(self) -> str:
        return f"check the keys of {these(self.services)}, and mend them"

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        record = read_record(stack, self.id)
        names = tuple(read_env(stack.folder)) if self.all else record.stale
        told = [
            *(rewire(stack, self.services, names) if names else ()),
            *refusals(stack, self.services),
        ]
        write_record(stack, msgspec.structs.replace(record, keys=tuple(told)))

    def undo(self, context: Context, before: Before) -> None:
        """What was told goes with the folders."""

    def manual(self, before: Before) -> str:
        return "usenet keys list"


class NoteRestore(Operation, frozen=True):
    """Note that a restore is done, or undone."""

    kind: ClassVar[str] = "backup.note-restore"
    id: str
    undone: bool = False

    def describe(self) -> str:
        return "keep the old folders for `usenet backup undo`"

    def prepare(self, context: Context) -> Before:
        record = read_record(load_stack(context.stack_folder), self.id)
        return {"record": msgspec.to_builtins(record)}

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        was = msgspec.convert(before["record"], Restored)
        done = msgspec.structs.replace(was, done=True, undone=self.undone)
        write_record(stack, done)

    def undo(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        write_record(stack, msgspec.convert(before["record"], Restored))

    def verify(self, context: Context) -> bool:
        return read_record(load_stack(context.stack_folder), self.id).done

    def manual(self, before: Before) -> str:
        return "nothing"


class ForgetRestores(Operation, frozen=True):
    """Drop what earlier restores kept."""

    kind: ClassVar[str] = "backup.forget-restores"
    ids: tuple[str, ...]

    def describe(self) -> str:
        return f"remove the folders kept from {', '.join(self.ids)}"

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        for record in noted_restores(stack):
            if record.id not in self.ids:
                continue
            for name in record.services:
                if name in stack.catalog:
                    drop_spare(pair_of(stack, name, record.id))
            record_path(stack, record.id).unlink(missing_ok=True)

    def undo(self, context: Context, before: Before) -> None:
        """It is the last step: nothing after it can fail."""

    def manual(self, before: Before) -> str:
        return "rm -r " + " ".join(f"config/.restore-{i}-*" for i in self.ids)
