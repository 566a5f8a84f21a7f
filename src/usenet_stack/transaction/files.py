"""Operations on files and folders that every room shares."""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import ClassVar
from zlib import crc32

from usenet_stack.transaction.durable import (
    remove_leftovers,
    replacing,
    sync_folder,
    write_durably,
)
from usenet_stack.transaction.operation import Before, Context, Operation

NO_LINK = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)


class MakeFolder(Operation, frozen=True):
    """Create a folder and its missing parents.

    Args:
        path: absolute path.
        mode: permission bits of the new folders.
        uid, gid: owner of the new folders; -1 leaves it to the system.
    """

    kind: ClassVar[str] = "file.make-folder"
    path: Path
    mode: int = 0o755
    uid: int = -1
    gid: int = -1

    def describe(self) -> str:
        return f"create folder {self.path}"

    def prepare(self, context: Context) -> Before:
        missing = [
            str(folder)
            for folder in (self.path, *self.path.parents)
            if not folder.exists()
        ]
        return {"missing": missing}

    def do(self, context: Context, before: Before) -> None:
        for name in reversed(before["missing"]):
            folder = Path(name)
            folder.mkdir(exist_ok=True)
            folder.chmod(self.mode)
            if os.geteuid() == 0:
                os.chown(folder, self.uid, self.gid)
            sync_folder(folder.parent)

    def undo(self, context: Context, before: Before) -> None:
        for name in before["missing"]:
            folder = Path(name)
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
                sync_folder(folder.parent)

    def verify(self, context: Context) -> bool:
        return self.path.is_dir()

    def manual(self, before: Before) -> str:
        return f"rmdir {' '.join(before['missing'])}"


class MakeFolders(Operation, frozen=True):
    """Create several folders as one step.

    Args:
        folders: parents before their children; at least one.
    """

    kind: ClassVar[str] = "file.make-folders"
    folders: tuple[MakeFolder, ...]

    def describe(self) -> str:
        top = os.path.commonpath([folder.path for folder in self.folders])
        return f"create {len(self.folders)} folders in {top}"

    def prepare(self, context: Context) -> Before:
        # A parent that an earlier folder of the list makes is its own.
        seen: set[str] = set()
        each = []
        for folder in self.folders:
            missing = folder.prepare(context)["missing"]
            each.append({"missing": [p for p in missing if p not in seen]})
            seen.update(missing)
        return {"each": each}

    def do(self, context: Context, before: Before) -> None:
        for folder, own in zip(self.folders, before["each"], strict=True):
            folder.do(context, own)

    def undo(self, context: Context, before: Before) -> None:
        pairs = zip(self.folders, before["each"], strict=True)
        for folder, own in reversed(list(pairs)):
            folder.undo(context, own)

    def verify(self, context: Context) -> bool:
        return all(folder.verify(context) for folder in self.folders)

    def manual(self, before: Before) -> str:
        last_first = reversed(before["each"])
        made = [path for own in last_first for path in own["missing"]]
        return f"rmdir {' '.join(made)}"


class WriteFile(Operation, frozen=True):
    """Replace a file's content, durably. Not for secrets.

    Args:
        path: absolute path; its folder exists when the step runs.
        content: the whole text.
        mode: permission bits.
        uid, gid: owner; -1 keeps that of an existing file.
    """

    kind: ClassVar[str] = "file.write"
    path: Path
    content: str
    mode: int = 0o644
    uid: int = -1
    gid: int = -1

    def describe(self) -> str:
        return f"write {self.path}"

    def prepare(self, context: Context) -> Before:
        return {"kept": keep_file(context, self.path)}

    def do(self, context: Context, before: Before) -> None:
        write_durably(
            self.path, self.content.encode(), self.mode, self._owner()
        )

    def _owner(self) -> tuple[int, int] | None:
        """Under sudo a file stays with the user whose it was."""
        if os.geteuid() != 0:
            return None
        if self.uid == -1 and self.path.exists():
            status = self.path.stat()
            return status.st_uid, status.st_gid
        return self.uid, self.gid

    def undo(self, context: Context, before: Before) -> None:
        put_back(before["kept"], self.path)

    def verify(self, context: Context) -> bool:
        return self.path.read_bytes() == self.content.encode()

    def manual(self, before: Before) -> str:
        kept = before["kept"]
        return f"cp -p {kept} {self.path}" if kept else f"rm {self.path}"


def keep_file(context: Context, path: Path) -> str | None:
    """Keep a private, durable copy of a file for the undo of this step.

    Args:
        path: the file; of a symbolic link the link itself is kept.

    Returns: the copy's path, or None when there is no such file.
    """
    if not os.path.lexists(path):
        return None
    context.keep_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = crc32(bytes(path.parent))  # a step may keep two of one name
    kept = context.keep_folder / f"{context.step}-{place:08x}-{path.name}"
    _copy(path, kept)
    return str(kept)


def put_back(kept: str | None, path: Path) -> None:
    """Give a file the content, mode, owner and times that were kept.

    Args:
        kept: what `keep_file` returned; None removes the file.
    """
    if kept is None:
        remove_leftovers(path)
        path.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            sync_folder(path.parent)
        return
    try:
        # A link takes no space: a full disk may be why this is undone.
        with replacing(path) as temporary:
            os.link(kept, temporary, follow_symlinks=False)
            temporary.replace(path)
    except OSError as problem:
        if problem.errno not in NO_LINK:
            raise
        _copy(Path(kept), path)


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink():
        with replacing(target) as temporary:
            temporary.symlink_to(source.readlink())
            temporary.replace(target)
        return
    status = source.stat()
    owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
    write_durably(target, source.read_bytes(), status.st_mode & 0o7777, owner)
    shutil.copystat(source, target)
