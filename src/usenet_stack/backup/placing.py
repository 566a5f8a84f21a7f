"""Puts members of an archive on a disk, with all that was kept of them.

What comes out of `open_archive` was admitted: no name leads out, and no
folder of it is a link. So a fresh folder that nobody else writes to is enough
to be safe in.
"""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from usenet_stack.backup.members import Member
from usenet_stack.backup.reading import Content, Whole

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A file system without attributes; attributes that only root may set.
NO_ATTRIBUTES = (errno.EOPNOTSUPP, errno.EPERM, errno.EACCES)


class Placer:
    """Makes files, folders and links below a private folder.

    Args:
        top: a folder that is empty and only ours.
        owners: whether they get the owners that they had; root alone may.
    """

    def __init__(self, top: Path, *, owners: bool | None = None) -> None:
        self._top = os.fsencode(top)
        self._owners = os.geteuid() == 0 if owners is None else owners
        self._folders: list[tuple[bytes, Member]] = []
        self.files = 0
        self.size = 0

    def place(self, below: bytes, member: Member, content: Content) -> None:
        """Make one member; a hard link needs `link`.

        Args:
            below: its path below the top.

        Raises:
            ValueError: its content is not what was packed.
            OSError: the disk is full.
        """
        path = self._path(below)
        if member.type == "folder":
            os.mkdir(path, 0o700)  # noqa: PTH102 (bytes)
            self._folders.append((path, member))
            return
        self.files += 1
        if member.type == "link":
            os.symlink(member.target, path)  # noqa: PTH211
            _adorn(path, member, self._owners)
        else:
            self.size += member.size
            self._write(path, member, content.pieces())

    def put(self, below: bytes, file: Whole) -> None:
        """Make a file of what was read already; in any thread.

        Args:
            file: with the member as it is to be.

        Raises:
            ValueError, OSError: as `place`.
        """
        file.check()
        self._write(self._path(below), file.member, (file.content,))

    def link(self, below: bytes, target: bytes) -> None:
        """Make a hard link to what was placed before."""
        os.link(self._path(target), self._path(below))
        self.files += 1

    def finish(self, top: Member | None = None) -> None:
        """Give the folders what they had: making files in them changed it.

        Args:
            top: what the top is to have as well.

        Raises:
            ValueError: an owner or a time is none.
        """
        for path, member in reversed(self._folders):
            _adorn(path, member, self._owners)
        if top is not None:
            _adorn(self._top, top, self._owners)

    def _path(self, below: bytes) -> bytes:
        return self._top + b"/" + below

    def _write(
        self, path: bytes, member: Member, pieces: Iterable[bytes]
    ) -> None:
        descriptor = os.open(path, FLAGS, 0o600)
        try:
            at = 0
            for piece in pieces:
                # Holes come as pieces of their own.
                if member.extents is None or piece.strip(b"\0"):
                    _write_all(descriptor, piece, at)
                at += len(piece)
            if member.extents is not None:
                os.ftruncate(descriptor, member.size)
            _adorn(descriptor, member, self._owners)
        except OSError as problem:
            # A descriptor has no name that a person could use.
            if not isinstance(problem.filename, str):
                problem.filename = os.fsdecode(path)
            raise
        finally:
            os.close(descriptor)


def _adorn(where: bytes | int, member: Member, owners: bool) -> None:
    """Give a file, a folder or a link what it had.

    Raises:
        ValueError: an owner or a time is none.
    """
    follow = isinstance(where, int)
    times = (member.mtime_ns, member.mtime_ns)
    try:
        if owners:
            os.chown(where, member.uid, member.gid, follow_symlinks=follow)
        for key, value in member.xattrs:
            _set_attribute(where, key, value, follow)
        if member.type != "link":
            os.chmod(where, member.mode)  # noqa: PTH101
        os.utime(where, ns=times, follow_symlinks=follow)
    except OverflowError as problem:
        raise ValueError("an owner or a time is no such thing") from problem


def _set_attribute(
    where: bytes | int, key: bytes, value: bytes, follow: bool
) -> None:
    try:
        os.setxattr(where, key, value, follow_symlinks=follow)
    except OSError as problem:
        if problem.errno not in NO_ATTRIBUTES:
            raise


def _write_all(descriptor: int, content: bytes, at: int) -> None:
    view = memoryview(content)
    while view:
        done = os.pwrite(descriptor, view, at)
        at += done
        view = view[done:]
