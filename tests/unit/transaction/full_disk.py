"""A plan of writes on a disk that is full, for test_full_disk.py.

    unshare --mount python full_disk.py KIND RECOVERY FOLDER

Mounts a small file system of KIND ("tmpfs" or "ext4") on FOLDER/disk; it
goes with the mount namespace that this runs in. Leaves 0, 4, 8 ... KB free
and runs the plan, until the plan fits twice. Prints JSON: a list of
[free, exit code, error code, state then, state later, journals later].
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from usenet_stack.errors import UsenetError
from usenet_stack.transaction import Plan, Step, open_session
from usenet_stack.transaction.files import MakeFolder, WriteFile
from usenet_stack.transaction.journal import Journal, journals

BLOCK = 4096


def mount(kind: str, folder: Path) -> Path:
    disk = folder / "disk"
    disk.mkdir()
    if kind == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "disk", str(disk)]
    else:
        image = folder / "image"
        with image.open("wb") as file:
            file.truncate(4 << 20)
        subprocess.run(
            ["mkfs.ext4", "-q", "-b", "4096", "-m", "0", str(image)],
            check=True,
        )
        command = ["mount", "-o", "loop", str(image), str(disk)]
    subprocess.run(command, check=True)
    return disk


def old_world(stack: Path) -> None:
    shutil.rmtree(stack, ignore_errors=True)
    stack.mkdir()
    (stack / "big").write_text("old" * 6000)
    (stack / "small").write_text("old")
    with open_session(stack, "first"):
        pass
    os.truncate(stack / ".usenet" / "lock", 0)  # no room is kept in it


def plan(stack: Path, recovery: Any) -> Plan:
    return Plan(
        "change",
        (
            Step(MakeFolder(stack / "a" / "b"), "place"),
            Step(WriteFile(stack / "a" / "b" / "new", "new" * 5000), "new"),
            Step(WriteFile(stack / "big", "new" * 7000), "changed"),
            Step(WriteFile(stack / "small", "new" * 3000), "changed"),
        ),
        recovery,
    )


def state(stack: Path) -> str:
    found = {
        str(path.relative_to(stack)): path.read_text() if path.is_file() else ""
        for path in stack.rglob("*")
        if ".usenet" not in path.parts
    }
    if found == {"big": "old" * 6000, "small": "old"}:
        return "old"
    new = {"a": "", "a/b": "", "a/b/new": "new" * 5000}
    if found == {**new, "big": "new" * 7000, "small": "new" * 3000}:
        return "new"
    return f"mixed: {sorted(found)}"


def fill(disk: Path, free: int) -> None:
    """Leave `free` bytes on the disk."""
    descriptor = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, bytes(BLOCK))
    except OSError:
        os.fsync(descriptor)
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - free)
        os.fsync(descriptor)  # ext4 gives blocks back when it commits
    finally:
        os.close(descriptor)


def attempt(disk: Path, free: int, recovery: str) -> tuple[Any, ...]:
    stack = disk / "stack"
    old_world(stack)
    fill(disk, free)
    code, error = 0, ""
    try:
        with open_session(stack, "change") as session:
            session.run(plan(stack, recovery))
    except UsenetError as problem:
        code, error = int(problem.exit_code), problem.code
    then = state(stack)
    with open_session(stack, "next"):  # still on the full disk
        pass
    (disk / "filler").unlink()
    with open_session(stack, "next"):
        pass
    later = [Journal.open(path).outcome for path in journals(stack)]
    return free, code, error, then, state(stack), later


def main(kind: str, recovery: str, folder: str) -> None:
    disk = mount(kind, Path(folder))
    found: list[tuple[Any, ...]] = []
    while [one[1] for one in found[-2:]] != [0, 0]:
        found.append(attempt(disk, BLOCK * len(found), recovery))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
