"""Each operation done twice, undone twice, and undone when never done."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.storage import plan_pool, read_mounts
from usenet_stack.storage.operations import (
    AttachDrive,
    DetachDrive,
    MakeMountpoint,
    RecordDrive,
    RemoveMountpoint,
    ShareFolder,
)
from usenet_stack.storage.registry import PoolDrive
from usenet_stack.transaction import Context, Operation, open_session
from usenet_stack.transaction.plan import Plan

Make = Callable[..., Path]
KINDS = ["share", "mountpoint", "attach", "detach", "record", "remove"]


@pytest.fixture
def context(stack: Stack, tmp_path: Path) -> Context:
    return Context(stack.folder, tmp_path / "kept")


def make(kind: str, stack: Stack, disk: Path, context: Context) -> Operation:
    target = stack.media_root / "one"
    attach = AttachDrive(disk, target)
    if kind == "remove":
        place = MakeMountpoint(target)
        place.do(context, place.prepare(context))
    if kind in ("attach", "detach"):
        target.mkdir()
    if kind == "detach":
        attach.do(context, attach.prepare(context))
    return {
        "share": ShareFolder(stack.data_root),
        "mountpoint": MakeMountpoint(target),
        "attach": attach,
        "detach": DetachDrive(disk, target),
        "record": RecordDrive("one", PoolDrive(str(disk), "u", "/dev/x")),
        "remove": RemoveMountpoint(target),
    }[kind]


def world(stack: Stack) -> list[str]:
    """Return mounts, folders and the registry of the stack."""
    top = str(stack.folder)
    mounts = [m.target for m in read_mounts() if m.target.startswith(top)]
    names = [str(path) for path in stack.media_root.iterdir()]
    registry = stack.folder / ".usenet/pool.json"
    text = registry.read_text() if registry.exists() else "none"
    return [*sorted(mounts), *sorted(names), text]


@pytest.mark.parametrize("kind", KINDS)
def test_twice_is_once(
    kind: str, stack: Stack, make_tmpfs: Make, context: Context
) -> None:
    operation = make(kind, stack, make_tmpfs("disk"), context)
    before = world(stack)
    kept = operation.prepare(context)
    operation.do(context, kept)
    done = world(stack)
    assert done != before
    operation.do(context, kept)
    assert world(stack) == done
    assert operation.verify(context)
    operation.undo(context, kept)
    assert world(stack) == before
    operation.undo(context, kept)
    assert world(stack) == before


@pytest.mark.parametrize("kind", KINDS)
def test_undo_of_what_never_ran(
    kind: str, stack: Stack, make_tmpfs: Make, context: Context
) -> None:
    operation = make(kind, stack, make_tmpfs("disk"), context)
    before = world(stack)
    kept = operation.prepare(context)
    operation.undo(context, kept)
    assert world(stack) == before


@pytest.mark.parametrize("kind", KINDS)
def test_the_journal_holds_it(
    kind: str, stack: Stack, make_tmpfs: Make, context: Context
) -> None:
    operation = make(kind, stack, make_tmpfs("disk"), context)
    assert Operation.from_dict(operation.as_dict()) == operation
    assert operation.describe() and "\n" not in operation.describe()
    assert operation.manual(operation.prepare(context))


def test_the_plan_of_a_pool_makes_it_and_is_then_empty(
    stack: Stack,
) -> None:
    plan = Plan("deploy", tuple(plan_pool(stack)))
    kinds = [step.operation.kind for step in plan.steps]
    assert kinds[-1] == "storage.share"
    with open_session(stack.folder, "deploy") as session:
        session.run(plan)
    assert plan_pool(stack) == []
    for name in ("tv", "movies", "music", "books", "comics"):
        status = (stack.media_root / name).stat()
        assert (status.st_uid, status.st_gid) == (1000, 1000)
    assert os.access(stack.downloads_root, os.W_OK)


def test_sharing_keeps_what_is_mounted_inside(
    stack: Stack, context: Context, make_tmpfs: Make
) -> None:
    inner = make_tmpfs("stack/data/media/inner")
    (inner / "file").write_text("still here")
    share = ShareFolder(stack.data_root)
    kept = share.prepare(context)
    share.do(context, kept)
    assert (inner / "file").read_text() == "still here"
    share.undo(context, kept)
    assert (inner / "file").read_text() == "still here"


def test_whoever_only_passes_through_holds_nothing_up(
    stack: Stack, make_tmpfs: Make, context: Context
) -> None:
    """Given a reader that is soon done, when unmounted, then it waits."""
    detach = make("detach", stack, make_tmpfs("disk"), context)
    reader = subprocess.Popen(
        ["sh", "-c", "echo in; exec sleep 0.5"],
        cwd=stack.media_root / "one",
        stdout=subprocess.PIPE,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == b"in\n"
    detach.do(context, detach.prepare(context))
    assert reader.wait() == 0
    assert detach.verify(context)


def test_whoever_stays_is_told_of(
    stack: Stack, make_tmpfs: Make, context: Context
) -> None:
    detach = make("detach", stack, make_tmpfs("disk"), context)
    before = world(stack)
    with (stack.media_root / "one/film").open("w"):
        with pytest.raises(UsenetError) as caught:
            detach.do(context, detach.prepare(context))
        assert caught.value.code == "storage.busy"
        assert world(stack) == before
