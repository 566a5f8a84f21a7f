"""Operations on files and folders that every room shares."""

import os
import shutil
from pathlib import Path
from typing import ClassVar

from usenet_stack.transaction.durable import sync_folder, write_durably
from usenet_stack.transaction.operation import Before, Context, Operation


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

    def verify(self, context: Context) -> bool:
        return self.path.is_dir()

    def manual(self, before: Before) -> str:
        return f"rmdir {' '.join(before['missing'])}"


class WriteFile(Operation, frozen=True):
    """Replace a file's content, durably. Not for secrets.

    Args:
        path: absolute path; its folder exists when the step runs.
        content: the whole text.
        mode: permission bits.
        uid, gid: owner; -1 leaves it to the system.
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
        owner = (self.uid, self.gid) if os.geteuid() == 0 else None
        write_durably(self.path, self.content.encode(), self.mode, owner)

    def undo(self, context: Context, before: Before) -> None:
        put_back(before["kept"], self.path)

    def verify(self, context: Context) -> bool:
        return self.path.read_text() == self.content

    def manual(self, before: Before) -> str:
        kept = before["kept"]
        return f"cp -p {kept} {self.path}" if kept else f"rm {self.path}"


def keep_file(context: Context, path: Path) -> str | None:
    """Keep a private, durable copy of a file for the undo of this step.

    Returns: the copy's path, or None when there is no such file.
    """
    if not path.exists():
        return None
    context.keep_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = context.keep_folder / f"{context.step}-{path.name}"
    status = path.stat()
    owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
    write_durably(kept, path.read_bytes(), status.st_mode & 0o7777, owner)
    shutil.copystat(path, kept)
    return str(kept)


def put_back(kept: str | None, path: Path) -> None:
    """Give a file the content, mode, owner and times that were kept.

    Args:
        kept: what `keep_file` returned; None removes the file.
    """
    if kept is None:
        path.unlink(missing_ok=True)
        return
    copy = Path(kept)
    status = copy.stat()
    owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
    write_durably(path, copy.read_bytes(), status.st_mode & 0o7777, owner)
    shutil.copystat(copy, path)
