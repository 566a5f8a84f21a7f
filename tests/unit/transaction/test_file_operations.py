"""MakeFolder and WriteFile: idempotent both ways, nothing lost or changed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from usenet_stack.transaction import Context, Operation
from usenet_stack.transaction.files import (
    MakeFolder,
    MakeFolders,
    WriteFile,
    keep_file,
    put_back,
)

pytestmark = pytest.mark.unit

TIME_NS = 10**18 + 123_456_789


@pytest.fixture
def context(tmp_path: Path) -> Context:
    stack = tmp_path / "stack"
    stack.mkdir()
    return Context(stack, stack / ".usenet" / "journal" / "x.kept", step=3)


@pytest.fixture(params=[0o077, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def state(folder: Path) -> dict[str, Any]:
    """Return what there is below a folder, .usenet left out."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        facts = [oct(status.st_mode), status.st_uid, status.st_gid]
        if path.is_symlink():
            facts += [str(path.readlink())]
        elif path.is_file():
            facts += [path.read_bytes(), status.st_mtime_ns]
            facts += [os.getxattr(path, n) for n in os.listxattr(path)]
        if ".usenet" not in path.parts:
            found[str(path.relative_to(folder))] = facts
    return found


def old_file(folder: Path) -> Path:
    path = folder / "stack.toml"
    path.write_bytes(b"old\r\n\xff\0")
    if os.geteuid() == 0:
        os.chown(path, 1234, 5678)
    path.chmod(0o4640)
    os.utime(path, ns=(TIME_NS, TIME_NS))
    return path


# -- every order in which do and undo may come ------------------------------
def operations(folder: Path) -> list[Operation]:
    return [
        MakeFolder(folder / "a" / "b", 0o750, 1000, 1001),
        MakeFolder(folder / "there"),
        WriteFile(folder / "new", "new", 0o600, 1000, 1001),
        WriteFile(folder / "stack.toml", "new"),
        WriteFile(folder / "link", "new"),
        WriteFile(folder / "dangling", "new"),
        MakeFolders(
            (
                MakeFolder(folder / "c" / "d", 0o750),
                MakeFolder(folder / "c" / "e" / "f", 0o700),
                MakeFolder(folder / "there"),
            )
        ),
    ]


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize(
    "order", ["u", "du", "ddu", "duu", "uu", "dduu", "dudu"]
)
def test_undo_leaves_the_old_state(
    context: Context, number: int, order: str
) -> None:
    folder = context.stack_folder
    old_file(folder)
    (folder / "there").mkdir()
    (folder / "link").symlink_to("stack.toml")
    (folder / "dangling").symlink_to("nowhere")
    before = state(folder)
    operation = operations(folder)[number]
    seen = operation.prepare(context)
    for letter in order:
        if letter == "d":
            operation.do(context, seen)
            assert operation.verify(context)
            assert (state(folder) == before) == (number == 1)
        else:
            operation.undo(context, seen)
            assert state(folder) == before


@pytest.mark.parametrize("number", range(7))
def test_prepare_may_come_twice(context: Context, number: int) -> None:
    folder = context.stack_folder
    old_file(folder)
    (folder / "link").symlink_to("stack.toml")
    before = state(folder)
    operation = operations(folder)[number]
    assert operation.prepare(context) == operation.prepare(context)
    assert state(folder) == before


# -- folders ----------------------------------------------------------------
def test_a_folder_gets_its_mode_and_owner_with_its_parents(
    context: Context, umask: int
) -> None:
    path = context.stack_folder / "a" / "b" / "c"
    operation = MakeFolder(path, 0o2770, 1000, 1001)
    operation.do(context, operation.prepare(context))
    for folder in (path, path.parent, path.parent.parent):
        status = folder.stat()
        assert status.st_mode & 0o7777 == 0o2770
        if os.geteuid() == 0:
            assert (status.st_uid, status.st_gid) == (1000, 1001)


def test_several_folders_are_told_and_unmade_children_first(
    context: Context,
) -> None:
    folder = context.stack_folder
    names = ("a/b", "a/c/d")
    operation = MakeFolders(
        tuple(MakeFolder(folder / name, 0o711) for name in names)
    )
    assert operation.describe() == f"create 2 folders in {folder}/a"
    seen = operation.prepare(context)
    operation.do(context, seen)
    assert {facts[0] for facts in state(folder).values()} == {"0o40711"}
    made = [f"{folder}/{name}" for name in ("a/c/d", "a/c", "a/b", "a")]
    assert operation.manual(seen) == f"rmdir {' '.join(made)}"
    (folder / "a" / "b").rmdir()
    assert not operation.verify(context)


def test_half_made_folders_are_completed_or_removed(context: Context) -> None:
    path = context.stack_folder / "a" / "b"
    operation = MakeFolder(path, 0o755)
    seen = operation.prepare(context)
    (context.stack_folder / "a").mkdir(mode=0o700)
    operation.do(context, seen)
    assert path.parent.stat().st_mode & 0o777 == 0o755
    path.rmdir()
    operation.undo(context, seen)
    assert not path.parent.exists()


def test_a_folder_that_is_in_use_by_now_stays(context: Context) -> None:
    path = context.stack_folder / "a" / "b"
    operation = MakeFolder(path)
    seen = operation.prepare(context)
    operation.do(context, seen)
    (path.parent / "yours").touch()
    operation.undo(context, seen)
    assert not path.exists()
    assert (path.parent / "yours").exists()


def test_a_file_in_the_way_of_a_folder_is_found_out(context: Context) -> None:
    path = context.stack_folder / "a"
    path.write_text("yours")
    operation = MakeFolder(path)
    seen = operation.prepare(context)
    operation.do(context, seen)
    assert not operation.verify(context)
    operation.undo(context, seen)
    assert path.read_text() == "yours"


# -- files ------------------------------------------------------------------
@pytest.mark.parametrize("content", ["", "a\r\nb\rc\n", "é\0\u2028"])
def test_content_is_written_as_it_is(context: Context, content: str) -> None:
    path = context.stack_folder / "f"
    operation = WriteFile(path, content)
    operation.do(context, operation.prepare(context))
    assert path.read_bytes() == content.encode()
    assert operation.verify(context)
    path.write_text("other")
    assert not operation.verify(context)


def test_a_file_gets_its_mode_and_owner(context: Context, umask: int) -> None:
    path = context.stack_folder / "f"
    operation = WriteFile(path, "x", 0o664, 1000, 1001)
    operation.do(context, operation.prepare(context))
    assert path.stat().st_mode & 0o7777 == 0o664
    if os.geteuid() == 0:
        assert (path.stat().st_uid, path.stat().st_gid) == (1000, 1001)


def test_a_link_is_replaced_and_not_followed(context: Context) -> None:
    target = old_file(context.stack_folder)
    before = target.read_bytes()
    link = context.stack_folder / "link"
    link.symlink_to(target)
    operation = WriteFile(link, "new")
    operation.do(context, operation.prepare(context))
    assert not link.is_symlink()
    assert target.read_bytes() == before


def test_a_file_that_a_killed_write_left_is_removed(context: Context) -> None:
    path = context.stack_folder / "f"
    half = path.with_name(".f.0123abcd.tmp")
    yours = path.with_name(".f.tmp")
    yours.touch()
    operation = WriteFile(path, "new")
    seen = operation.prepare(context)
    half.write_text("ne")
    operation.do(context, seen)
    assert not half.exists()
    half.write_text("ne")
    operation.undo(context, seen)
    assert list(path.parent.glob("*")) == [yours]


def test_two_kept_files_of_one_name(context: Context) -> None:
    kept = []
    for name in ("a", "b"):
        path = context.stack_folder / name / "config.xml"
        path.parent.mkdir()
        path.write_text(name)
        kept.append((keep_file(context, path), path))
        path.write_text("new")
    for copy, path in kept:
        put_back(copy, path)
        assert path.read_text() == path.parent.name


def test_a_kept_file_comes_back_from_another_file_system(
    tmp_path: Path,
) -> None:
    memory = Path("/dev/shm")
    assert memory.stat().st_dev != tmp_path.stat().st_dev
    kept = memory / f"usenet-test-{os.getpid()}"
    context = Context(tmp_path, kept)
    try:
        path = old_file(tmp_path)
        link = tmp_path / "link"
        link.symlink_to("stack.toml")
        before = state(tmp_path)
        copies = [(keep_file(context, each), each) for each in (path, link)]
        for copy, each in copies:
            each.unlink()
            each.write_text("new")
            put_back(copy, each)
            put_back(copy, each)
        assert state(tmp_path) == before
    finally:
        for copy in kept.iterdir():
            copy.unlink()
        kept.rmdir()


def test_a_lost_copy_is_an_error_and_changes_nothing(context: Context) -> None:
    path = old_file(context.stack_folder)
    kept = keep_file(context, path)
    assert kept is not None
    Path(kept).unlink()
    before = state(context.stack_folder)
    with pytest.raises(FileNotFoundError):
        put_back(kept, path)
    assert state(context.stack_folder) == before


def test_by_hand(context: Context) -> None:
    path = context.stack_folder / "f"
    operation = WriteFile(path, "new")
    assert operation.manual({"kept": None}) == f"rm {path}"
    assert operation.manual({"kept": "/k/f"}) == f"cp -p /k/f {path}"
    folder = MakeFolder(path)
    assert folder.manual({"missing": ["/a/b", "/a"]}) == "rmdir /a/b /a"


def test_a_file_that_is_replaced_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "stack.toml"
    path.write_text("old")
    os.chown(path, 1234, 1235)
    context = Context(tmp_path, tmp_path / "kept")
    operation = WriteFile(path, "new")
    operation.do(context, operation.prepare(context))
    status = path.stat()
    assert (status.st_uid, status.st_gid) == (1234, 1235)
    assert path.read_text() == "new"
