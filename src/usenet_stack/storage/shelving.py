"""The operations that add a media folder to an application, or remove one."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from usenet_stack.apps.registry import open_app
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.stack.service import MediaType
from usenet_stack.storage.layouts import same
from usenet_stack.transaction.operation import Before, Context, Operation

if TYPE_CHECKING:
    from usenet_stack.storage.shelves import Shelf

APP_SECONDS = 10.0
# An application that has just failed gets some time to come back, since
# what it may have applied must be taken back.
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0)


@contextmanager
def open_shelf(
    stack_folder: Path, service: str, seconds: float
) -> "Iterator[Shelf]":
    """Hand out the media folders of a service.

    Raises:
        UsenetError: one of app.*; "storage.no-shelf" when it has none.
    """
    # The clients load much that other plans never need.
    from usenet_stack.storage.shelves import shelf_of

    stack = load_stack(stack_folder)
    env = read_env(stack.folder)
    app = open_app(stack, stack.resolve(service), env, seconds)
    if app is None:
        raise UsenetError("storage.no-shelf", service=service)
    with app:
        shelf = shelf_of(app)
        if shelf is None:
            raise UsenetError("storage.no-shelf", service=service)
        yield shelf


def patiently(attempt: Callable[[], None]) -> None:
    """Call a function until it succeeds, with pauses, six times at most.

    Raises:
        UsenetError: its last failure.
    """
    for pause in _PAUSES_S:
        try:
            return attempt()
        except UsenetError:
            time.sleep(pause)
    return attempt()


class _FolderChange(Operation, frozen=True):
    """What adding and removing have in common: whose folder, and the undo.

    Args:
        service: whose; `path` as its container sees it.
        media: what lies in it.
        seconds: how long the application may take to answer.
    """

    service: str
    path: str
    media: MediaType
    seconds: float = APP_SECONDS

    def prepare(self, context: Context) -> Before:
        with self._shelf(context) as shelf:
            return shelf.note(self.path)

    def undo(self, context: Context, before: Before) -> None:
        def attempt() -> None:
            with self._shelf(context) as shelf:
                shelf.put_back(self.path, before)

        patiently(attempt)

    def _shelf(self, context: Context) -> "AbstractContextManager[Shelf]":
        return open_shelf(context.stack_folder, self.service, self.seconds)


class AddFolder(_FolderChange, frozen=True):
    """Make a folder of the pool a root folder or a library's folder."""

    kind: ClassVar[str] = "storage.add-folder"

    def describe(self) -> str:
        return f"add {self.path} to {self.service}"

    def do(self, context: Context, before: Before) -> None:
        with self._shelf(context) as shelf:
            if _has(shelf, self.path):
                return
            try:
                shelf.add(self.path, self.media)
            except UsenetError as error:
                if error.code == "app.silent":
                    self._await_late(shelf)
                raise

    def _await_late(self, shelf: "Shelf") -> None:
        """Give it as long again: what it adds later no undo would see."""
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            try:
                if _has(shelf, self.path):
                    return
            except UsenetError:
                pass
            time.sleep(_PAUSES_S[0])

    def verify(self, context: Context) -> bool:
        with self._shelf(context) as shelf:
            return _has(shelf, self.path)

    def manual(self, before: Before) -> str:
        return (
            f"remove the folder {self.path} from the root folders or "
            f"libraries of {self.service}: usenet services open {self.service}"
        )


class RemoveFolder(_FolderChange, frozen=True):
    """Take a folder of the pool away from an application; files stay."""

    kind: ClassVar[str] = "storage.remove-folder"

    def describe(self) -> str:
        return f"take {self.path} away from {self.service}"

    def do(self, context: Context, before: Before) -> None:
        with self._shelf(context) as shelf:
            shelf.remove(self.path)

    def verify(self, context: Context) -> bool:
        with self._shelf(context) as shelf:
            return not _has(shelf, self.path)

    def manual(self, before: Before) -> str:
        return (
            f"add the folder {self.path} to the root folders or libraries of "
            f"{self.service}: usenet services open {self.service}"
        )


def _has(shelf: "Shelf", path: str) -> bool:
    return any(same(each, path) for each in shelf.paths())
