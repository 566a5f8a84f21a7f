"""Whether a mounted drive can hold media for the applications."""

from pathlib import Path
from typing import ClassVar

from usenet_stack.errors import UsenetError
from usenet_stack.storage.mounting import OWNERLESS
from usenet_stack.storage.mounts import mount_of, read_mounts
from usenet_stack.storage.probe import Request, probe
from usenet_stack.storage.sentinel import refuse_foreign
from usenet_stack.transaction.operation import Before, Context, Operation

# Less could not even hold a subtitle and the sentinel of a drive.
LEAST_FREE = 1024**2
_CODES = {"EROFS": "storage.read-only", "ENOSPC": "storage.full"}


def refuse_unfit(
    folder: Path, owner: tuple[int, int], names: tuple[str, ...]
) -> None:
    """Check that applications will be able to write; change nothing.

    Args:
        folder: the drive's top folder.
        owner: uid and gid that they run as.
        names: of the media folders; those that are missing will be made.

    Raises:
        UsenetError: "storage.silent", "storage.read-only", "storage.full",
            "storage.unwritable".
    """
    place = str(folder)
    space, root = probe(
        [
            Request("statvfs", place, doubtful=True),
            Request("write", place, doubtful=True),
        ]
    )
    _judge(folder, owner, root.state, root.errno, root.why)
    if space.data.get("free", 0) < LEAST_FREE:
        raise UsenetError("storage.full", path=folder)
    here = [folder / name for name in names if (folder / name).is_dir()]
    asked = [Request("enter", place, doubtful=True)]
    if mount_of(folder, read_mounts()).fstype in OWNERLESS:
        # A folder that we make there will be the mount's, not theirs.
        asked.append(Request("write", place, doubtful=True))
    asked += [Request("write", str(path), doubtful=True) for path in here]
    for request, answer in zip(
        asked, probe(asked, identity=owner), strict=True
    ):
        _judge(
            Path(request.path), owner, answer.state, answer.errno, answer.why
        )


def _judge(
    path: Path, owner: tuple[int, int], state: str, errno: str, why: str
) -> None:
    if state == "ok":
        return
    code = "storage.silent"
    if state != "silent":
        code = _CODES.get(errno, "storage.unwritable")
    raise UsenetError(code, path=path, uid=owner[0], gid=owner[1], why=why)


class CheckDrive(Operation, frozen=True):
    """Check a drive that could not be looked at before it was mounted.

    Args:
        folder: where it is mounted; the rest as for `refuse_unfit`.
        pool: a drive of another pool is refused.
    """

    kind: ClassVar[str] = "storage.check-drive"
    folder: Path
    uid: int
    gid: int
    names: tuple[str, ...]
    pool: str

    def describe(self) -> str:
        return f"make sure that {self.folder} can be written to"

    def do(self, context: Context, before: Before) -> None:
        refuse_foreign(self.folder, self.pool)
        refuse_unfit(self.folder, (self.uid, self.gid), self.names)

    def undo(self, context: Context, before: Before) -> None:
        """Looking changed nothing."""
