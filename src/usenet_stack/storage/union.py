"""One folder over all drives of a pool, by mergerfs.

Its branches change while it is mounted, through an extended attribute of a
file that it shows in its top folder.

Source: mergerfs(1), "RUNTIME INTERFACES".
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

from usenet_stack.errors import UsenetError
from usenet_stack.storage.mounting import unmount_tree
from usenet_stack.storage.mounts import read_mounts
from usenet_stack.transaction.operation import Before, Context, Operation

CONTROL = ".mergerfs"
_BRANCHES = "user.mergerfs.branches"
START_S = 20.0
_MOST_RESERVED = 4 * 2**30


def is_union_mounted(folder: Path) -> bool:
    """Tell whether mergerfs is mounted on a folder."""
    tops = [m for m in read_mounts() if m.target == str(folder)]
    return bool(tops) and tops[-1].fstype == "fuse.mergerfs"


def branches_of(folder: Path) -> tuple[str, ...]:
    """Return the branches of a mounted union, none when it is not mounted."""
    if not is_union_mounted(folder):
        return ()
    text = os.getxattr(folder / CONTROL, _BRANCHES).decode(
        errors="surrogateescape"
    )
    return tuple(each.rpartition("=")[0] or each for each in text.split(":"))


def require_mergerfs() -> str:
    """Return the program's path.

    Raises:
        UsenetError: "storage.no-mergerfs".
    """
    found = shutil.which("mergerfs")
    if found is None:
        raise UsenetError("storage.no-mergerfs")
    return found


def mount_union(folder: Path, branches: tuple[str, ...], create: str) -> None:
    """Start mergerfs; it lives on after this process.

    Raises:
        UsenetError: "storage.union".
    Undo: `unmount_tree(folder)`.
    """
    options = ",".join(
        (
            "allow_other",
            # Direct I/O keeps the drives' own page cache the only one.
            "cache.files=off",
            "dropcacheonclose=true",
            f"category.create={create}",
            f"minfreespace={_reserve(branches)}K",
            "moveonenospc=true",
            f"fsname=usenet-{folder.parent.name}",
        )
    )
    words = [require_mergerfs(), "-o", options, ":".join(branches), str(folder)]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=START_S,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise UsenetError(
            "storage.union", path=folder, why="mergerfs does not start"
        ) from None
    if done.returncode != 0 or not is_union_mounted(folder):
        why = done.stderr.decode(errors="replace").strip()
        raise UsenetError("storage.union", path=folder, why=why)


def _reserve(branches: tuple[str, ...]) -> int:
    """Return the KiB below which a drive gets no new files.

    4 GiB is mergerfs's own default, far more than a small drive has.
    """
    sizes = [
        found.f_blocks * found.f_frsize
        for found in (os.statvfs(branch) for branch in branches)
    ]
    return min([_MOST_RESERVED, *(size // 100 for size in sizes)]) // 1024


def change_branch(folder: Path, branch: str, *, add: bool) -> None:
    """Add a branch at the end, or remove one, at once for everybody.

    mergerfs takes a branch that does not exist: it is checked first.

    Raises:
        UsenetError: "storage.union"; OSError: mergerfs refuses.
    """
    if (branch in branches_of(folder)) == add:
        return
    if add and not any(m.target == branch for m in read_mounts()):
        why = f"nothing is mounted at {branch}"
        raise UsenetError("storage.union", path=folder, why=why)
    sign = "+>" if add else "-"
    os.setxattr(folder / CONTROL, _BRANCHES, os.fsencode(sign + branch))


def _set_branches(folder: Path, branches: tuple[str, ...], create: str) -> None:
    """Make a union have exactly these branches, mounted or not."""
    now = branches_of(folder)
    if not branches:
        if is_union_mounted(folder):
            unmount_tree(folder)
        return
    if not is_union_mounted(folder):
        mount_union(folder, branches, create)
        return
    for branch in branches:
        change_branch(folder, branch, add=True)
    for branch in now:
        if branch not in branches:
            change_branch(folder, branch, add=False)


class JoinUnion(Operation, frozen=True):
    """Make drives branches of the union; the first ones begin it.

    Args:
        folder: where the union is mounted.
        branches: the drives' own places in the pool.
        create: on which of them a new file goes.
    """

    kind: ClassVar[str] = "storage.join-union"
    folder: Path
    branches: tuple[str, ...]
    create: str

    def describe(self) -> str:
        shown = " and ".join(self.branches)
        return f"show {shown} in the union {self.folder}"

    def prepare(self, context: Context) -> Before:
        return {"branches": list(branches_of(self.folder))}

    def do(self, context: Context, before: Before) -> None:
        there = {mount.target for mount in read_mounts()}
        for branch in self.branches:
            # Its bare place instead would look as if its files were deleted.
            if branch not in there:
                why = f"nothing is mounted at {branch}"
                raise UsenetError("storage.union", path=self.folder, why=why)
        wanted = dict.fromkeys((*branches_of(self.folder), *self.branches))
        _set_branches(self.folder, tuple(wanted), self.create)

    def undo(self, context: Context, before: Before) -> None:
        _set_branches(self.folder, tuple(before["branches"]), self.create)

    def verify(self, context: Context) -> bool:
        return set(self.branches) <= set(branches_of(self.folder))

    def manual(self, before: Before) -> str:
        if not before["branches"]:
            return f"umount '{self.folder}'"
        return "; ".join(
            f"setfattr -n {_BRANCHES} -v '-{branch}' '{self.folder}/{CONTROL}'"
            for branch in self.branches
            if branch not in before["branches"]
        )


class LeaveUnion(Operation, frozen=True):
    """Take a drive out of the union; the last one ends it.

    Args:
        folder, create: as for `JoinUnion`; `branch` the drive's place.
    """

    kind: ClassVar[str] = "storage.leave-union"
    folder: Path
    branch: str
    create: str

    def describe(self) -> str:
        return f"take {self.branch} out of the union {self.folder}"

    def prepare(self, context: Context) -> Before:
        return {"branches": list(branches_of(self.folder))}

    def do(self, context: Context, before: Before) -> None:
        left = [b for b in branches_of(self.folder) if b != self.branch]
        _set_branches(self.folder, tuple(left), self.create)

    def undo(self, context: Context, before: Before) -> None:
        _set_branches(self.folder, tuple(before["branches"]), self.create)

    def verify(self, context: Context) -> bool:
        return self.branch not in branches_of(self.folder)

    def manual(self, before: Before) -> str:
        return "usenet storage apply   (mounts the union again)"
