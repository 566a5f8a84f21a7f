"""One change to the world, with its undo, as data that a journal can hold."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec

Before = dict[str, Any]
Progress = Callable[[str, int | None, int | None, str], None]

# Where the classes of a kind live: the part before the dot names the module,
# so that a journal can be recovered without importing every room.
MODULES = {
    "file": "usenet_stack.transaction.files",
    "stack": "usenet_stack.deploy.operations",
    "switch": "usenet_stack.deploy.switched",
    "service": "usenet_stack.services.operations",
    "storage": "usenet_stack.storage.operations",
    "moving": "usenet_stack.storage.moving.operations",
    "telling": "usenet_stack.storage.moving.applications",
    "watching": "usenet_stack.storage.watching.operations",
    "fix": "usenet_stack.preflight.operations",
    "keys": "usenet_stack.keys.operations",
    "backup": "usenet_stack.backup.journalled",
    "update": "usenet_stack.update.operations",
}


class Context(msgspec.Struct):
    """What an operation may use while it runs.

    Args:
        stack_folder: the folder of the stack that is being changed.
        keep_folder: a private folder (0700) beside the journal where
            `prepare` keeps what `undo` needs; removed after success.
        step: index of the running step, unique within the journal.
        progress: call with (text, done, total, unit) while working.
    """

    stack_folder: Path
    keep_folder: Path
    step: int = 0
    progress: Progress = lambda _text, _done, _total, _unit: None


class Operation(msgspec.Struct, frozen=True):
    """A change with its undo. Subclasses set `kind` and override methods.

    An operation holds no secret: it stands in plans, journals and logs.
    `do` and `undo` must be idempotent, because after a crash either may run
    again; `undo` must also be right when `do` never ran or ran half.
    """

    kind: ClassVar[str]
    registry: ClassVar[dict[str, type["Operation"]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "kind" in cls.__dict__:
            Operation.registry[cls.kind] = cls

    def describe(self) -> str:
        """Return one line in the imperative: "create folder /x"."""
        raise NotImplementedError

    def prepare(self, context: Context) -> Before:
        """Observe what `undo` needs; it is journalled before `do`."""
        return {}

    def do(self, context: Context, before: Before) -> None:
        """Make the change."""
        raise NotImplementedError

    def undo(self, context: Context, before: Before) -> None:
        """Put back what `prepare` saw."""
        raise NotImplementedError

    def verify(self, context: Context) -> bool:
        """Tell whether the wanted state is there."""
        return True

    def manual(self, before: Before) -> str:
        """Return what a person does by hand when `undo` cannot."""
        return f"undo by hand: {self.describe()}"

    def as_dict(self) -> dict[str, Any]:
        """Return the operation as plain JSON, `kind` included."""
        fields: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        return {"kind": self.kind, **fields}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the operation that `as_dict` wrote.

        Raises:
            msgspec.ValidationError: unknown kind, or fields that do not fit.
        """
        fields = dict(data)
        kind = str(fields.pop("kind", ""))
        if kind not in cls.registry and kind.split(".")[0] in MODULES:
            import_module(MODULES[kind.split(".")[0]])
        if kind not in cls.registry:
            raise msgspec.ValidationError(f"unknown operation {kind!r}")
        operation = msgspec.convert(
            fields, cls.registry[kind], dec_hook=lambda type, value: type(value)
        )
        assert isinstance(operation, cls)
        return operation
