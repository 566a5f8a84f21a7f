"""A folder tree that is walked by descriptors, never through a link.

The files belong to the applications' user; the program is root. A folder
that is swapped for a link between two calls must not lead it elsewhere.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from usenet_stack.errors import UsenetError

Kind = Literal["folder", "file", "link"]
_KINDS: dict[int, Kind] = {
    stat.S_IFDIR: "folder",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "link",
}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_OPEN = 32


class Entry(NamedTuple):
    """One thing in a tree.

    Args:
        path: below the tree's top, with "/".
        status: as lstat(2) told it.
    """

    path: str
    kind: Kind
    status: os.stat_result

    @property
    def inode(self) -> tuple[int, int]:
        return self.status.st_dev, self.status.st_ino


class Tree:
    """The top folder of a tree, open.

    Args:
        root: an existing folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: dict[str, int] = {"": os.open(root, _FOLDER)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every descriptor."""
        while self._open:
            os.close(self._open.popitem()[1])

    def folder(self, path: str) -> int:
        """Return the descriptor of a folder; good for the next few calls.

        Raises:
            OSError: it is not there, or a link stands in its place.
        """
        if path in self._open:
            return self._open[path]
        above, _, name = path.rpartition("/")
        found = os.open(name, _FOLDER, dir_fd=self.folder(above))
        if len(self._open) >= _MOST_OPEN:
            oldest = next(each for each in self._open if each)
            os.close(self._open.pop(oldest))
        self._open[path] = found
        return found

    def forget(self, path: str) -> None:
        """Close the descriptor of a folder that is about to go."""
        if path in self._open:
            os.close(self._open.pop(path))

    def place(self, path: str) -> tuple[str, int]:
        """Return an entry's name, and the descriptor of its folder."""
        above, _, name = path.rpartition("/")
        return name, self.folder(above)

    def look(self, path: str) -> os.stat_result | None:
        """Return what lstat(2) tells, None where nothing is.

        Raises:
            OSError: "" or a link stands where a folder should.
        """
        try:
            name, at = self.place(path)
            return os.stat(name, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def shown(self, path: str) -> str:
        """Return the whole path, fit for a person."""
        whole = os.fsencode(self.root / path).decode(errors="replace")
        return "".join(c if c.isprintable() else "?" for c in whole)

    def entries(self, skip: frozenset[str] = frozenset()) -> list[Entry]:
        """Return all that lies in it, each folder before its content.

        Args:
            skip: names at the top to leave alone.

        Raises:
            UsenetError: "storage.move-odd": a socket, pipe or device.
        """
        return list(self._walk("", skip))

    def _walk(self, path: str, skip: frozenset[str]) -> Iterator[Entry]:
        with os.scandir(self.folder(path)) as found:
            names = sorted(each.name for each in found)
        for name in names:
            inner = f"{path}/{name}" if path else name
            if not path and name in skip:
                continue
            status = self.look(inner)
            if status is None:
                continue  # it went meanwhile
            kind = kind_of(status)
            if kind is None:
                raise UsenetError("storage.move-odd", path=self.shown(inner))
            yield Entry(inner, kind, status)
            if kind == "folder":
                yield from self._walk(inner, skip)


def kind_of(status: os.stat_result) -> Kind | None:
    """Return what an entry is; None for what no media drive holds."""
    return _KINDS.get(stat.S_IFMT(status.st_mode))
