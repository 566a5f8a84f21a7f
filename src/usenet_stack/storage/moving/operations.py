"""The operations of a move on the disk. See docs/how-to/move-a-drive.md.

Their undo is honest: a copy goes only while its original is there, whole;
an original that was deleted comes back as a proven copy first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from usenet_stack.errors import UsenetError
from usenet_stack.storage.moving.mover import Mover
from usenet_stack.storage.moving.notes import (
    Notes,
    read_before,
    write_before,
)
from usenet_stack.storage.moving.tree import Tree
from usenet_stack.storage.moving.writers import written_now
from usenet_stack.transaction.operation import Before, Context, Operation

_SHOWN = 20


@contextmanager
def _opened(context: Context, source: Path, target: Path) -> Iterator[Mover]:
    with (
        Tree(source) as here,
        Tree(target) as there,
        Notes(context.keep_folder) as notes,
    ):
        yield Mover(here, there, notes, context.progress)


class CopyContent(Operation, frozen=True):
    """Copy all that a drive holds to another, each file proven.

    Args:
        source, target: the folders of the two drives in the pool.
    """

    kind: ClassVar[str] = "moving.copy"
    source: Path
    target: Path

    def describe(self) -> str:
        return f"copy and verify what is in {self.source} to {self.target}"

    def prepare(self, context: Context) -> Before:
        with _opened(context, self.source, self.target) as mover:
            there = [
                entry.path
                for entry in mover.source.entries(mover.skip)
                if mover.target.look(entry.path) is not None
            ]
        write_before(context.keep_folder, there)
        return {}

    def do(self, context: Context, before: Before) -> None:
        with _opened(context, self.source, self.target) as mover:
            mover.copy_all(before=read_before(context.keep_folder))

    def undo(self, context: Context, before: Before) -> None:
        there = read_before(context.keep_folder)
        if there is None:
            return  # nothing was copied yet
        with _opened(context, self.source, self.target) as mover:
            mover.drop_copies(there)

    def manual(self, before: Before) -> str:
        return (
            f"both {self.source} and {self.target} hold whole files: delete "
            "those you do not want twice"
        )


class DeleteOriginals(Operation, frozen=True):
    """Delete what has a proven copy on the other drive.

    What came or changed since the copying is copied first.

    Args:
        source, target: as `CopyContent` has them.
    """

    kind: ClassVar[str] = "moving.delete"
    source: Path
    target: Path

    def describe(self) -> str:
        return f"delete what was moved from {self.source}"

    def do(self, context: Context, before: Before) -> None:
        with _opened(context, self.source, self.target) as mover:
            mover.copy_all(before=read_before(context.keep_folder))
            left = mover.delete_all(written_now(self.source))
        if left:
            raise UsenetError(
                "storage.move-left",
                count=len(left),
                path=self.source,
                name=self.source.name,
                target=self.target.name,
                details=tuple(left[:_SHOWN]),
            )

    def undo(self, context: Context, before: Before) -> None:
        with _opened(context, self.target, self.source) as back:
            wanted = {
                path
                for path in back.notes.paths
                if back.target.look(path) is None
            }
            folders = {
                folder for path in wanted for folder in _folders_of(path)
            }
            back.copy_all(frozenset(wanted | folders))

    def manual(self, before: Before) -> str:
        return f"cp -a --update=none '{self.target}/.' '{self.source}/'"


def _folders_of(path: str) -> Iterator[str]:
    above = path.rpartition("/")[0]
    if above:
        yield from _folders_of(above)
        yield above
