"""The work of a move: bring over what is missing, delete what is proven.

All of it derives what is left to do from the two trees, so that it can be
killed anywhere and run again.
"""

import errno
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress

from usenet_stack.errors import UsenetError
from usenet_stack.storage.moving.copying import (
    copy_file,
    copy_hard_link,
    copy_link,
    equal,
    finish_folder,
    first_names,
    make_folder,
    remove_temporary,
)
from usenet_stack.storage.moving.notes import Notes
from usenet_stack.storage.moving.tree import Entry, Tree
from usenet_stack.storage.sentinel import FILE_NAME

Progress = Callable[[str, int | None, int | None, str], None]
_TELL_EVERY_S = 0.1
# What a drive has of its own; it does not move.
OWN = frozenset(
    {
        "lost+found",
        "System Volume Information",
        "$RECYCLE.BIN",
        ".Trashes",
        ".Spotlight-V100",
        ".fseventsd",
        FILE_NAME,
    }
)


class Mover:
    """Two trees, and the notes of what is proven.

    Args:
        source, target: the trees.
        notes: of this move.
        progress: is told of bytes and files.
        skip: names at the top that stay.
    """

    def __init__(
        self,
        source: Tree,
        target: Tree,
        notes: Notes,
        progress: Progress = lambda *_: None,
        skip: frozenset[str] = OWN,
    ) -> None:
        self.source, self.target = source, target
        self.notes, self.skip = notes, skip
        self._progress = progress
        self._bytes = self._files = 0
        self._all_bytes = self._all_files = 0
        self._told = 0.0
        self._verb = ""
        self._sure: dict[str, int] = {}

    # -- copy ------------------------------------------------------------

    def copy_all(
        self,
        only: frozenset[str] | None = None,
        before: set[str] | None = None,
    ) -> None:
        """Bring over everything that the target lacks, and make it durable.

        Args:
            only: the paths to bring over; None means all.
            before: what the target held before the move; its other folders
                are ours, also those of a run that was killed.

        Raises:
            UsenetError: "storage.move-conflict": other content stands
                there; what is wrong with a copy.
            OSError: a drive failed or is full.
        """
        entries = self._entries()
        if only is not None:
            entries = [entry for entry in entries if entry.path in only]
        firsts = first_names(entries)
        self._expect("copied", entries)
        made = []
        for entry in entries:
            if entry.kind == "folder":
                new = self._bring_folder(entry)
                if new or (before is not None and entry.path not in before):
                    made.append(entry)
            else:
                self._bring(entry, firsts.get(entry.path))
        for entry in reversed(made):
            finish_folder(self.source, self.target, entry.path)
        self.sync(entries)

    def _entries(self) -> list[Entry]:
        return self.source.entries(self.skip)

    def _expect(self, verb: str, entries: list[Entry]) -> None:
        self._verb = verb
        files = [entry for entry in entries if entry.kind != "folder"]
        self._bytes = self._files = 0
        self._all_files = len(files)
        self._all_bytes = sum(
            entry.status.st_size for entry in files if entry.kind == "file"
        )

    def _bring_folder(self, entry: Entry) -> bool:
        """Make a folder; return whether it was not there."""
        there = self.target.look(entry.path)
        if there is None:
            make_folder(self.source, self.target, entry.path)
            return True
        if not stat.S_ISDIR(there.st_mode):
            raise self._conflict(entry.path)
        return False

    def _bring(self, entry: Entry, first: str | None) -> None:
        done_before = self._bytes
        there = self.target.look(entry.path)
        if there is None:
            self._copy(entry, first, over=False)
        elif not self._proven(entry.path):
            if not self.notes.made(entry.path, there):
                raise self._conflict(entry.path)
            # Our own copy of what has changed since.
            self._copy(entry, None, over=True)
        else:
            remove_temporary(self.target, entry.path)
        self._files += 1
        if entry.kind == "file":
            self._bytes = done_before + entry.status.st_size
        self._tell()

    def _copy(self, entry: Entry, first: str | None, *, over: bool) -> None:
        path = entry.path
        try:
            if entry.kind == "link":
                copy_link(self.source, self.target, path)
                self._note(path)
                return
            linked = first is not None and self._same_file(first, path)
            if linked and copy_hard_link(self.target, str(first), path):
                self._note(path)
                self._note(str(first))  # one name more: its state changed
                return
            copy_file(self.source, self.target, path, self._tick, over=over)
            self._note(path)
        except FileExistsError as problem:
            if not equal(self.source, self.target, path):
                raise self._conflict(path) from problem
        except FileNotFoundError:
            if self.source.look(path) is not None:
                raise
            # An application took it away while we worked.

    def _same_file(self, one: str, other: str) -> bool:
        first, second = self.source.look(one), self.source.look(other)
        return (
            first is not None
            and second is not None
            and os.path.samestat(first, second)
            and self.target.look(one) is not None
            and self._proven(one)
        )

    def _note(self, path: str) -> None:
        ours, theirs = self.source.look(path), self.target.look(path)
        if ours is not None and theirs is not None:
            self.notes.add(path, ours, theirs)

    def _proven(self, path: str) -> bool:
        """Tell whether the target holds a whole copy of what is here now."""
        ours, theirs = self.source.look(path), self.target.look(path)
        if ours is None or theirs is None:
            return False
        if self.notes.prove(path, ours, theirs):
            return True
        if not equal(self.source, self.target, path):
            return False
        if stat.S_ISREG(ours.st_mode):
            self._sync_file(path)
            self._note(path)
        return True

    def _sync_file(self, path: str) -> None:
        # Another program may have written it, and the disk not have it yet.
        name, at = self.target.place(path)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=at)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync(self, entries: list[Entry]) -> None:
        """Make the names of all copies durable."""
        for entry in [*entries, None]:
            path = "" if entry is None else entry.path
            if entry is not None and entry.kind != "folder":
                continue
            with suppress(FileNotFoundError):
                try:
                    os.fsync(self.target.folder(path))
                except OSError as problem:
                    # Some FUSE file systems cannot sync a folder.
                    if problem.errno not in (errno.EINVAL, errno.ENOSYS):
                        raise

    # -- delete ----------------------------------------------------------

    def delete_all(self, writing: dict[tuple[int, int], str]) -> list[str]:
        """Delete each original whose copy is proven and durable.

        Args:
            writing: files that are open for writing; they stay.

        Returns: what stays, and why.
        """
        entries = self._entries()
        self._expect("deleted", entries)
        self.sync(entries)
        left: list[str] = []
        groups: dict[tuple[int, int], list[str]] = {}
        for entry in entries:
            if entry.kind == "file" and entry.status.st_nlink > 1:
                groups.setdefault(entry.inode, []).append(entry.path)
        for entry in reversed(entries):
            if entry.kind == "folder":
                self._delete_folder(entry)
                continue
            if entry.inode in writing:
                who = writing[entry.inode]
                left.append(f"{self.source.shown(entry.path)}: open in {who}")
            elif not self._proven_with_names(entry, groups):
                left.append(f"{self.source.shown(entry.path)}: it has changed")
            else:
                name, at = self.source.place(entry.path)
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=at)
            self._files += 1
            self._bytes += entry.status.st_size if entry.kind == "file" else 0
            self._tell()
        return left

    def _proven_with_names(
        self, entry: Entry, groups: dict[tuple[int, int], list[str]]
    ) -> bool:
        """Tell whether a file's copy is proven; note its other names'.

        Deleting one name changes the state of the others: so that they need
        not be read again, all are proven before the first goes.
        """
        for path in groups.pop(entry.inode, ()):
            if self._proven(path):
                self._sure[path] = entry.status.st_mtime_ns
        ours = self.source.look(entry.path)
        sure = self._sure.pop(entry.path, None)
        same = ours is not None and sure == ours.st_mtime_ns
        if same and self.target.look(entry.path) is not None:
            return True
        return self._proven(entry.path)

    def _delete_folder(self, entry: Entry) -> None:
        if "/" not in entry.path:
            return  # a root folder: the applications may still name it
        there = self.target.look(entry.path)
        if there is None or not stat.S_ISDIR(there.st_mode):
            return
        self.source.forget(entry.path)
        name, at = self.source.place(entry.path)
        try:
            os.rmdir(name, dir_fd=at)
        except OSError as problem:
            # What is in it stays; a mount is none of ours.
            stays = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EBUSY)
            if problem.errno not in stays:
                raise

    # -- undo ------------------------------------------------------------

    def drop_copies(self, before: set[str]) -> None:
        """Remove the copies whose originals are still there, whole.

        Args:
            before: what the target held before the move; it stays.
        """
        entries = self._entries()
        for entry in reversed(entries):
            with suppress(NotADirectoryError):
                remove_temporary(self.target, entry.path)
            if entry.path in before:
                continue
            if entry.kind == "folder":
                self._drop_folder(entry.path)
            elif self._proven(entry.path):
                name, at = self.target.place(entry.path)
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=at)

    def _drop_folder(self, path: str) -> None:
        if self.target.look(path) is None:
            return
        self.target.forget(path)
        name, at = self.target.place(path)
        with suppress(OSError):  # an application has put something in it
            os.rmdir(name, dir_fd=at)

    # -- progress --------------------------------------------------------

    def _tick(self, count: int) -> None:
        self._bytes += count
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        last = self._files == self._all_files
        if now - self._told < _TELL_EVERY_S and not last:
            return
        self._told = now
        verb = self._verb
        self._progress(verb, self._bytes, self._all_bytes, "bytes")
        self._progress(f"{verb}:", self._files, self._all_files, "files")

    def _conflict(self, path: str) -> UsenetError:
        shown = self.target.shown(path)
        return UsenetError(
            "storage.move-conflict", count=1, path=shown, details=(shown,)
        )
