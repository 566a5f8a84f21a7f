"""What goes in comes out of plain tar, in every attribute."""

import os
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usenet_stack.backup import (
    BackupRequest,
    create_backup,
    open_archive,
    verify_backup,
)
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

IS_ROOT = os.geteuid() == 0
MIB = 1024 * 1024


class Made(NamedTuple):
    """One thing of a random tree."""

    folder: int
    name: bytes
    kind: str
    mode: int
    mtime_ns: int
    size: int
    other: int
    xattr: bytes


names = st.binary(min_size=1, max_size=120).filter(
    lambda name: (
        not {b"/", b"\0"} & {bytes([b]) for b in name}
        and name not in (b".", b"..")
    )
)
things = st.builds(
    Made,
    folder=st.integers(0, 5),
    name=names,
    kind=st.sampled_from(["file", "folder", "link", "hardlink", "sparse"]),
    mode=st.integers(0, 0o777).map(lambda mode: mode | 0o400),
    mtime_ns=st.integers(-(10**18), 4 * 10**18),
    size=st.sampled_from([0, 1, 511, 512, 513, 70_000, MIB, MIB + 1]),
    other=st.integers(0, 10_000),
    xattr=st.binary(min_size=1, max_size=40),
)


def make(top: Path, tree: list[Made]) -> None:
    folders, files = [os.fsencode(top)], []
    for number, thing in enumerate(tree):
        above = folders[thing.folder % len(folders)]
        path = os.path.join(above, thing.name)  # noqa: PTH118
        if os.path.lexists(path):
            continue
        if thing.kind == "folder":
            os.mkdir(path)  # noqa: PTH102
            folders.append(path)
        elif thing.kind == "link":
            os.symlink(b"x" * (1 + thing.other % 200), path)  # noqa: PTH211
        elif thing.kind == "hardlink" and files:
            os.link(files[thing.other % len(files)], path)
            continue
        else:
            content(path, thing)
            files.append(path)
        adorn(path, thing, number)
    for path in reversed(folders):
        os.utime(path, ns=(0, 1_600_000_000_123_456_789))


def content(path: bytes, thing: Made) -> None:
    with open(path, "wb") as file:  # noqa: PTH123
        if thing.kind == "sparse":
            file.truncate(3 * MIB + thing.size)
            os.pwrite(file.fileno(), b"in the middle", MIB + 4096)
        else:
            file.write(bytes([thing.other % 256]) * thing.size)


def adorn(path: bytes, thing: Made, number: int) -> None:
    if IS_ROOT:
        os.chown(path, number * 7, 5_000_000, follow_symlinks=False)
    if thing.kind != "link":
        os.setxattr(path, b"user.test", thing.xattr)
        os.chmod(path, thing.mode | 0o700 * (thing.kind == "folder"))  # noqa: PTH101
    times = (0, thing.mtime_ns)
    os.utime(path, ns=times, follow_symlinks=False)


def seen(top: Path) -> dict[bytes, dict[str, Any]]:
    """Return all that can be told of what is below a folder."""
    found: dict[bytes, dict[str, Any]] = {}
    first: dict[int, bytes] = {}
    root = os.fsencode(top)
    for parent, folders, files in os.walk(root):
        for name in sorted((*folders, *files)):
            path = os.path.join(parent, name)  # noqa: PTH118
            below = path.removeprefix(root)
            status = os.lstat(path)
            told: dict[str, Any] = {
                "mode": status.st_mode,
                "ids": (status.st_uid, status.st_gid),
                "mtime": status.st_mtime_ns,
            }
            if stat.S_ISLNK(status.st_mode):
                told["target"] = os.readlink(path)  # noqa: PTH115
            else:
                told["xattr"] = os.getxattr(path, b"user.test")
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:  # noqa: PTH123
                    told["content"] = file.read()
                told["links"] = status.st_nlink
                if status.st_nlink > 1:
                    first.setdefault(status.st_ino, below)
                    told["same as"] = min(
                        other for other in first.values() if other
                    )
            found[below] = told
    return found


def stack_in(folder: Path) -> tuple[Stack, Path]:
    text = new_settings_text(NewStack("property"))
    (folder / "stack.toml").write_text(text)
    top = folder / "config/recyclarr/state"
    top.mkdir(parents=True)
    return load_stack(folder), top


def unpack(archive: str, target: Path) -> Path:
    target.mkdir()
    words = ["tar", "xpf", archive, "-C", target, "--xattrs"]
    words += ["--xattrs-include=*", "--delay-directory-restore"]
    subprocess.run(words, check=True, capture_output=True)
    return target


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    tree=st.lists(things, max_size=25),
    compression=st.sampled_from(["zstd", "gzip"]),
)
def test_random_trees_come_out_as_they_went_in(
    tree: list[Made], compression: Any
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "stack")
        folder.mkdir()
        stack, top = stack_in(folder)
        make(top, tree)
        request = BackupRequest(type="full", compression=compression)
        path = create_backup(stack, request).data["path"]
        assert verify_backup(Path(path)).ok
        out = unpack(path, Path(place, "out"))
        assert seen(out / "config/recyclarr/state") == seen(top)
        with open_archive(Path(path)) as archive:
            for entry in archive.members():
                name = os.fsdecode(entry.member.name)
                if entry.member.type == "file":
                    whole = b"".join(entry.content.pieces())
                    assert (out / name).read_bytes() == whole


def test_a_sparse_file_takes_no_space(tmp_path: Path) -> None:
    stack, top = stack_in(tmp_path)
    with (top / "big").open("wb") as file:
        file.truncate(300 * MIB)
        os.pwrite(file.fileno(), b"here", 100 * MIB)
    made = create_backup(stack).data
    assert made["size"] < 20_000
    out = unpack(made["path"], tmp_path / "out")
    found = (out / "config/recyclarr/state/big").stat()
    assert found.st_size == 300 * MIB
    assert found.st_blocks * 512 < MIB


def test_a_file_of_another_user_loses_what_runs_as_them(tmp_path: Path) -> None:
    stack, top = stack_in(tmp_path)
    (top / "tool").write_text("#!/bin/sh\n")
    (top / "tool").chmod(0o4755)
    made = create_backup(stack)
    assert verify_backup(Path(made.data["path"])).ok
    out = unpack(made.data["path"], tmp_path / "out")
    found = (out / "config/recyclarr/state/tool").stat()
    assert stat.S_IMODE(found.st_mode) == 0o755
    assert any("tool" in message.text for message in made.messages)
