"""The operations of a restore on the folders of its services."""

import os
from typing import ClassVar

from usenet_stack.backup.restoring.carrying import carry, copy_databases
from usenet_stack.backup.restoring.exchange import (
    Pair,
    identity,
    make_durable,
    settle,
)
from usenet_stack.backup.restoring.keying import rekey
from usenet_stack.backup.restoring.places import (
    Only,
    pair_of,
    read_record,
    these,
)
from usenet_stack.backup.restoring.staging import scope_of
from usenet_stack.errors import UsenetError
from usenet_stack.services import come_to_rest
from usenet_stack.stack.model import load_stack
from usenet_stack.transaction import Context, Operation
from usenet_stack.transaction.durable import sync_file_system
from usenet_stack.transaction.operation import Before

# Tells whether a step goes on in the process that began it.
THIS_RUN = os.urandom(8).hex()


class _Folders(Operation, frozen=True):
    """A step on the folders of a restore's services."""

    id: str
    services: tuple[str, ...]

    def pairs(self, context: Context) -> dict[str, Pair]:
        """Return the folders of each service."""
        stack = load_stack(context.stack_folder)
        return {name: pair_of(stack, name, self.id) for name in self.services}


class CarryOver(_Folders, frozen=True):
    """Copy what the backup does not hold and is written to."""

    kind: ClassVar[str] = "backup.carry"
    type: str
    only: Only = ""

    def describe(self) -> str:
        if self._whole:
            what = self.only or "settings"
            return f"copy what is there besides {what} into the new folders"
        return "copy databases of logs and caches into the new folders"

    @property
    def _whole(self) -> bool:
        """Whether it is about more than what can be made anew."""
        return bool(self.only) or self.type == "minimal"

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        later = read_record(stack, self.id).later
        for number, (name, pair) in enumerate(self.pairs(context).items()):
            count = len(self.services)
            context.progress("copying", number, count, "services")
            paths = later.get(name, ())
            copied = copy_databases(pair.live, pair.spare, paths)
            if self._whole:
                scope = scope_of(self.type, stack.catalog[name], self.only)
                carry(pair.live, pair.spare, scope)
            if copied or self._whole:
                sync_file_system(pair.spare)

    def undo(self, context: Context, before: Before) -> None:
        """The new folders go as a whole."""

    def manual(self, before: Before) -> str:
        return "nothing"


class SetKeys(_Folders, frozen=True):
    """Give folders from before a restore the keys that are in `.env` now."""

    kind: ClassVar[str] = "backup.set-keys"

    def describe(self) -> str:
        return "put today's keys into the settings of before"

    def do(self, context: Context, before: Before) -> None:
        stack = load_stack(context.stack_folder)
        for name, pair in self.pairs(context).items():
            # Only what they guard themselves with: the rest is told.
            list(rekey(stack, stack.catalog[name], pair.spare, {}))

    def undo(self, context: Context, before: Before) -> None:
        """They had the keys of a time that is over."""

    def manual(self, before: Before) -> str:
        return "nothing"


class SwapFolders(_Folders, frozen=True):
    """Swap new folders and old ones; doing it twice is doing it once."""

    kind: ClassVar[str] = "backup.swap"
    project: str = ""

    def describe(self) -> str:
        return f"swap the folders of {these(self.services)}"

    def prepare(self, context: Context) -> Before:
        found = {
            name: [identity(pair.live), identity(pair.spare)]
            for name, pair in self.pairs(context).items()
        }
        for name, (_, spare) in found.items():
            if not spare:
                raise UsenetError("backup.nothing-to-undo", why=f"{name}.")
        return {"folders": found, "run": THIS_RUN}

    def do(self, context: Context, before: Before) -> None:
        if before["run"] != THIS_RUN:
            # One that was killed may have asked for their start.
            come_to_rest(self.project, self.services)
        pairs = self.pairs(context)
        for name, pair in pairs.items():
            old, new = before["folders"][name]
            settle(pair, new, old)
        make_durable(pairs.values())

    def undo(self, context: Context, before: Before) -> None:
        come_to_rest(self.project, self.services)
        pairs = self.pairs(context)
        for name, pair in pairs.items():
            old, new = before["folders"][name]
            # Where there was nothing, only the new one moves away.
            settle(pair, old, new)
        make_durable(pairs.values())

    def verify(self, context: Context) -> bool:
        # Which is which `do` knows; here: nothing stands half way.
        pairs = self.pairs(context).values()
        return all(identity(p.live) and not identity(p.aside) for p in pairs)

    def manual(self, before: Before) -> str:
        return f"swap config/NAME and config/.restore-{self.id}-NAME"
