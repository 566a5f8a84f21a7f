"""Empty folders that drives cover, which nothing can write into.

What an application wrote there while the drive is away would hide under the
drive afterwards, and would make it take its library for deleted. Where the
file system has the immutable flag not even root can write; else the mode
keeps all but root out.
"""

import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from usenet_stack.storage.mounts import read_mounts
from usenet_stack.transaction.operation import Before, Context, Operation

# Source: linux/fs.h; the numbers of 64-bit machines.
_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602
_IMMUTABLE = 0x10
_LISTED, _CLOSED = 0o555, 0


def covered(path: Path) -> bool:
    """Tell whether something is mounted on a folder."""
    return any(mount.target == str(path) for mount in read_mounts())


def is_immutable(folder: Path) -> bool:
    """Tell whether a folder has the flag; False where there is none."""
    try:
        return bool(_flags(folder) & _IMMUTABLE)
    except OSError:
        return False


def set_immutable(folder: Path, wanted: bool) -> bool:
    """Set or clear the flag; return False where it cannot be had."""
    try:
        flags = _flags(folder)
        changed = flags | _IMMUTABLE if wanted else flags & ~_IMMUTABLE
        if changed != flags:
            _set_flags(folder, changed)
    except OSError:
        return False
    return True


def _flags(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        answer = fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8))
        return int(struct.unpack_from("I", answer)[0])
    finally:
        os.close(descriptor)


def _set_flags(folder: Path, flags: int) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("Q", flags))
    finally:
        os.close(descriptor)


def _make(path: Path) -> None:
    if covered(path):
        return
    with suppress(FileExistsError):
        path.mkdir(mode=_LISTED)
    set_immutable(path, False)
    path.chmod(_LISTED)
    if not set_immutable(path, True):
        path.chmod(_CLOSED)


def _remove(path: Path) -> None:
    if path.is_dir() and not covered(path):
        set_immutable(path, False)
        path.rmdir()


class MakeMountpoint(Operation, frozen=True):
    """Make an empty folder that a drive is going to cover.

    Args:
        path: absolute; its parent exists.
    """

    kind: ClassVar[str] = "storage.make-mountpoint"
    path: Path

    def describe(self) -> str:
        return f"create the mountpoint {self.path}"

    def prepare(self, context: Context) -> Before:
        if not self.path.is_dir() or covered(self.path):
            return {"existed": self.path.is_dir()}
        mode = self.path.stat().st_mode & 0o7777
        flag = is_immutable(self.path)
        return {"existed": True, "mode": mode, "immutable": flag}

    def do(self, context: Context, before: Before) -> None:
        _make(self.path)

    def undo(self, context: Context, before: Before) -> None:
        if not before["existed"]:
            _remove(self.path)
        elif "mode" in before and not covered(self.path):
            set_immutable(self.path, False)
            self.path.chmod(before["mode"])
            if before["immutable"]:
                set_immutable(self.path, True)

    def verify(self, context: Context) -> bool:
        return self.path.is_dir()

    def manual(self, before: Before) -> str:
        return f"chattr -i '{self.path}'; rmdir '{self.path}'"


class RemoveMountpoint(Operation, frozen=True):
    """Remove an empty mountpoint.

    Args:
        path: absolute.
    """

    kind: ClassVar[str] = "storage.remove-mountpoint"
    path: Path

    def describe(self) -> str:
        return f"remove the empty mountpoint {self.path}"

    def prepare(self, context: Context) -> Before:
        return {"existed": self.path.is_dir()}

    def do(self, context: Context, before: Before) -> None:
        _remove(self.path)

    def undo(self, context: Context, before: Before) -> None:
        if before["existed"]:
            _make(self.path)

    def verify(self, context: Context) -> bool:
        return not self.path.exists()

    def manual(self, before: Before) -> str:
        return f"mkdir '{self.path}'"
