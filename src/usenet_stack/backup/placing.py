"""Puts members of an archive on a disk, with all that was kept of them.

What comes out of `open_archive` was admitted: no name leads out, and no
folder of it is a link. So a fresh folder that nobody else writes to is enough
to be safe in.
"""

import os
from pathlib import Path

from usenet_stack.backup.making import Order, Traits, adorn, make_file
from usenet_stack.backup.members import Member
from usenet_stack.backup.reading import Content, Whole


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
            adorn(path, self._traits(member))
        else:
            self.size += member.size
            size = -1 if member.extents is None else member.size
            make_file(path, content.pieces(), self._traits(member), size)

    def order(self, below: bytes, member: Member, file: Whole) -> Order:
        """Return what another process needs to make a file.

        Args:
            member: as it is to be.
        """
        path, traits = self._path(below), self._traits(member)
        return file.name, path, file.content, file.sha256, traits

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
            adorn(path, self._traits(member))
        if top is not None:
            adorn(self._top, self._traits(top))

    def _path(self, below: bytes) -> bytes:
        return self._top + b"/" + below

    def _traits(self, member: Member) -> Traits:
        return (
            None if member.type == "link" else member.mode,
            (member.uid, member.gid) if self._owners else None,
            member.mtime_ns,
            member.xattrs,
        )
