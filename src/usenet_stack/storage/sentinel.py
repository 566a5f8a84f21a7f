"""The file on a drive that says: this is the drive, and not its mountpoint.

It lies in the drive's top folder, beside the root folders and never inside
one. Without it the place of a drive counts as "drive away".
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import msgspec

from usenet_stack.errors import UsenetError
from usenet_stack.storage.probe import Request, probe
from usenet_stack.transaction.operation import Before, Context, Operation

FILE_NAME = ".usenet-drive.json"
LARGEST = 64 * 1024


class Sentinel(msgspec.Struct, frozen=True):
    """What a drive says of itself.

    Args:
        pool: the pool's id; `name` that of the drive in it.
        uuid: of its file system, or "".
    """

    pool: str
    name: str
    uuid: str = ""


def read_sentinel(folder: Path) -> Sentinel | None:
    """Return what a drive says, None when it says nothing.

    It is asked from a process that can be left behind: the drive may hang.
    """
    (found,) = read_sentinels([folder])
    return found


def read_sentinels(folders: list[Path]) -> list[Sentinel | None]:
    """Return what several drives say, all asked at once."""
    asked = [
        Request("read", str(f / FILE_NAME), doubtful=True) for f in folders
    ]
    found: list[Sentinel | None] = []
    for answer in probe(asked):
        found.append(_understood(answer.data["content"]) if answer.ok else None)
    return found


def _understood(content: bytes) -> Sentinel | None:
    try:
        return msgspec.json.decode(content, type=Sentinel)
    except msgspec.MsgspecError:
        return None


def refuse_foreign(folder: Path, pool: str) -> None:
    """Refuse a drive that another pool counts on.

    Raises:
        UsenetError: "storage.foreign".
    """
    found = read_sentinel(folder)
    if found is not None and found.pool != pool:
        raise UsenetError(
            "storage.foreign", path=folder, file=folder / FILE_NAME
        )


class WriteSentinel(Operation, frozen=True):
    """Say on the drive itself which pool it belongs to.

    Args:
        folder: the drive's top folder.
    """

    kind: ClassVar[str] = "storage.write-sentinel"
    folder: Path
    sentinel: Sentinel

    def describe(self) -> str:
        return f"write {self.folder / FILE_NAME}"

    def prepare(self, context: Context) -> Before:
        return {"content": _content(self.folder)}

    def do(self, context: Context, before: Before) -> None:
        text = msgspec.json.format(msgspec.json.encode(self.sentinel), indent=2)
        _write(self.folder, text + b"\n")

    def undo(self, context: Context, before: Before) -> None:
        _restore(self.folder, before["content"])

    def verify(self, context: Context) -> bool:
        return _understood((_content(self.folder) or "").encode()) == (
            self.sentinel
        )

    def manual(self, before: Before) -> str:
        return f"rm '{self.folder / FILE_NAME}'"


class RemoveSentinel(Operation, frozen=True):
    """Take the sentinel off a drive that leaves the pool.

    A drive that cannot be written to any more leaves all the same.

    Args:
        folder: the drive's top folder.
    """

    kind: ClassVar[str] = "storage.remove-sentinel"
    folder: Path

    def describe(self) -> str:
        return f"remove {self.folder / FILE_NAME}"

    def prepare(self, context: Context) -> Before:
        with suppress(OSError):
            return {"content": _content(self.folder)}
        return {"content": None}

    def do(self, context: Context, before: Before) -> None:
        with suppress(OSError):
            (self.folder / FILE_NAME).unlink(missing_ok=True)

    def undo(self, context: Context, before: Before) -> None:
        if before["content"] is not None:
            _restore(self.folder, before["content"])

    def manual(self, before: Before) -> str:
        return f"usenet storage add '{self.folder}'   (writes {FILE_NAME})"


def _content(folder: Path) -> str | None:
    """Return the file as text; bytes that are no UTF-8 survive."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(folder / FILE_NAME, flags)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(LARGEST).decode("latin-1")


def _restore(folder: Path, content: str | None) -> None:
    for leftover in folder.glob(f"{FILE_NAME}.*"):
        leftover.unlink()
    if content is None:
        with suppress(FileNotFoundError):
            (folder / FILE_NAME).unlink()
    elif _content(folder) != content:
        _write(folder, content.encode("latin-1"))


def _write(folder: Path, content: bytes) -> None:
    # Not `write_durably`: vfat and exfat refuse chmod and chown.
    temporary = folder / f"{FILE_NAME}.{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / FILE_NAME)
    finally:
        temporary.unlink(missing_ok=True)
