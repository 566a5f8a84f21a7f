"""A drive vanishes under a watcher and comes back, on real devices."""

import fcntl
import os
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import pytest

from cli_process import Cli
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.storage import (
    add_drive,
    apply_pool,
    read_mounts,
    remove_drive,
)
from usenet_stack.storage.layouts import drive_place, union_place
from usenet_stack.storage.mounting import unmount_lazily, unmount_tree
from usenet_stack.storage.mountpoints import is_immutable
from usenet_stack.storage.union import JoinUnion, branches_of
from usenet_stack.storage.watching.events import KernelEvents
from usenet_stack.storage.watching.operations import mounted
from usenet_stack.storage.watching.watch import (
    Notice,
    plan_watch,
    watch_pool,
)
from usenet_stack.transaction import Context
from usenet_stack.transaction.journal import Journal, journals
from usenet_stack.transaction.lock import stack_lock

pytestmark = pytest.mark.integration
Make = Callable[..., Path]
LOOP_SET_STATUS64, LOOP_GET_STATUS64 = 0x4C04, 0x4C05
OFFSET_AT, STATUS_BYTES = 24, 232


def source_of(place: Path) -> str:
    return [m.source for m in read_mounts() if m.target == str(place)][-1]


def move_start(device: str, offset: int) -> None:
    """Let a loop device begin elsewhere in its file: at the end it is empty.

    Every I/O of what is mounted from it fails then, and the kernel tells of
    the change, as of a card reader that lost its card.
    """
    descriptor = os.open(device, os.O_RDONLY)
    try:
        status = bytearray(STATUS_BYTES)
        fcntl.ioctl(descriptor, LOOP_GET_STATUS64, status)
        struct.pack_into("<Q", status, OFFSET_AT, offset)
        fcntl.ioctl(descriptor, LOOP_SET_STATUS64, status)
    finally:
        os.close(descriptor)


def yank(device: str) -> None:
    file = Path(f"/sys/block/{Path(device).name}/loop/backing_file")
    move_start(device, Path(file.read_text().strip()).stat().st_size)


@pytest.fixture
def notices(stack: Stack) -> Iterator[Queue[Notice]]:
    """Watch in a thread that ends with the test's process."""
    found: Queue[Notice] = Queue()

    def follow() -> None:
        for notice in watch_pool(stack, settle_s=1.0):
            found.put(notice)

    threading.Thread(target=follow, daemon=True).start()
    assert found.get(timeout=10).event == "watching"
    yield found
    assert found.empty()
    # The thread must not attach what the next test mounts.
    (stack.folder / ".usenet/pool.json").unlink()


def in_pool(stack: Stack, name: str) -> bool:
    place = str(stack.media_root / name)
    return any(mount.target == place for mount in read_mounts())


def test_yanked_fenced_and_back(
    stack: Stack, make_disk: Make, request: pytest.FixtureRequest
) -> None:
    disk = make_disk("films")
    (disk / "film.mkv").write_text("x")
    os.sync()
    add_drive(stack, disk)
    notices: Queue[Notice] = request.getfixturevalue("notices")
    device, place = source_of(disk), stack.media_root / "films"
    with (place / "film.mkv").open() as open_file:
        start = time.monotonic()
        yank(device)
        lost = notices.get(timeout=10)
        assert (lost.event, lost.drive) == ("fenced", "films")
        assert time.monotonic() - start < 2
        assert open_file.fileno() > 0  # it is in use, and gone all the same
    assert not in_pool(stack, "films")
    assert is_immutable(place)
    with pytest.raises(PermissionError):
        (place / "stray").touch()
    noted = notices.get(timeout=10)
    assert noted.event == "noted"
    assert noted.journal == Journal.open(journals(stack.folder)[-1]).id

    move_start(device, 0)
    subprocess.run(["umount", "-l", disk], check=True)
    subprocess.run(["mount", device, disk], check=True)
    back = notices.get(timeout=10)
    assert (back.event, back.drive) == ("attached", "films"), back
    assert (place / "film.mkv").read_text() == "x"
    commands = [
        Journal.open(path).records[0]["command"]
        for path in journals(stack.folder)
    ]
    assert commands == ["storage add", "storage watch", "storage watch"]


def test_a_flapping_cable_gives_one_attach(
    stack: Stack, make_disk: Make, request: pytest.FixtureRequest
) -> None:
    disk = make_disk("films")
    add_drive(stack, disk)
    notices: Queue[Notice] = request.getfixturevalue("notices")
    device = source_of(disk)
    for _ in range(5):
        yank(device)
        time.sleep(0.15)
        move_start(device, 0)
        subprocess.run(["umount", "-l", disk], check=True)
        subprocess.run(["mount", device, disk], check=True)
        time.sleep(0.15)
    told = [notices.get(timeout=10).event for _ in range(3)]
    assert told == ["fenced", "noted", "attached"]
    time.sleep(1.5)
    assert notices.empty()
    assert in_pool(stack, "films")


def test_fenced_while_another_run_holds_the_lock(
    stack: Stack, make_disk: Make, request: pytest.FixtureRequest
) -> None:
    disk = make_disk("films")
    add_drive(stack, disk)
    notices: Queue[Notice] = request.getfixturevalue("notices")
    with stack_lock(stack.folder, "a move of hours"):
        yank(source_of(disk))
        assert notices.get(timeout=2).event == "fenced"
        assert not in_pool(stack, "films")
        time.sleep(0.3)
        assert notices.empty()
    assert notices.get(timeout=5).event == "noted"


def test_a_share_whose_mount_goes_is_fenced(
    stack: Stack, make_tmpfs: Make, request: pytest.FixtureRequest
) -> None:
    share = make_tmpfs("share")
    add_drive(stack, share)
    notices: Queue[Notice] = request.getfixturevalue("notices")
    subprocess.run(["umount", share], check=True)
    assert notices.get(timeout=2).event == "fenced"
    assert notices.get(timeout=10).event == "noted"
    assert not in_pool(stack, "share")


def test_once_as_a_command(stack: Stack, make_disk: Make, usenet: Cli) -> None:
    disk = make_disk("films")
    add_drive(stack, disk)
    words = ("storage", "watch", "--once", "--stack", stack.folder)
    quiet = usenet(*words)
    assert (quiet.rc, quiet.stderr) == (0, "")
    assert "where they belong" in quiet.stdout
    yank(source_of(disk))
    dry = usenet(*words, "--dry-run")
    assert "whose drive is gone" in dry.stdout
    assert in_pool(stack, "films")
    (planned,) = plan_watch(stack).steps
    assert planned.operation.kind == "watching.fence"
    found = usenet(*words, "--format", "json")
    events = [each["event"] for each in found.json["data"]["notices"]]
    assert (found.rc, events) == (0, ["fenced", "noted"])
    assert not in_pool(stack, "films")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(
    stack: Stack, usenet: Cli, number: signal.Signals
) -> None:
    process = usenet.start("storage", "watch", "--stack", stack.folder)
    assert process.stdout is not None
    assert "Watching 0 drives" in process.stdout.readline()
    process.send_signal(number)
    out, problems = process.communicate(timeout=10)
    assert (process.returncode, out, problems) == (0, "", "")


def test_waiting_costs_nothing(arena: Path) -> None:
    with KernelEvents() as events:
        events.wait(0)
        spent = time.process_time()
        mounted = threading.Timer(
            0.5,
            subprocess.run,
            (["mount", "-t", "tmpfs", "none", str(arena)],),
            {"check": True},
        )
        start = time.monotonic()
        mounted.start()
        while not any(m.target == str(arena) for m in read_mounts()):
            events.wait(5)
        mounted.join()
        assert time.monotonic() - start < 3
        assert time.process_time() - spent < 0.3
    subprocess.run(["umount", arena], check=True)


def once(stack: Stack) -> list[str]:
    return [notice.event for notice in watch_pool(stack, once=True)]


@pytest.fixture
def united(stack: Stack) -> Iterator[Stack]:
    """Return a stack whose pool is a union, unmounted with the test."""
    for folder in stack.folder.parents[:4]:  # pytest lets nobody through
        folder.chmod(folder.stat().st_mode | 0o011)
    settings = stack.folder / "stack.toml"
    layout = '[pool]\nlayout = "union"\n'
    settings.write_text(f"{settings.read_text()}\n{layout}")
    yield load_stack(stack.folder)
    union = union_place(stack)
    while mounted(union):
        unmount_lazily(union)


def test_a_union_without_one_drive_goes_whole_and_comes_back(
    united: Stack, make_disk: Make
) -> None:
    union = union_place(united)
    disks = {name: make_disk(name) for name in ("films", "series")}
    for name, disk in disks.items():
        (disk / f"of-{name}").write_text("x")
        os.sync()
        add_drive(united, disk)
    films, series = (str(drive_place(united, name)) for name in disks)
    assert branches_of(union) == (films, series)

    device = source_of(disks["series"])
    yank(device)
    assert once(united) == ["fenced", "noted"]
    # Beside the files of films those of series would look deleted.
    assert not mounted(union)
    assert list(union.iterdir()) == []
    with pytest.raises(PermissionError):
        (union / "stray").touch()
    assert mounted(Path(films))
    assert not mounted(Path(series))

    move_start(device, 0)
    subprocess.run(["umount", "-l", disks["series"]], check=True)
    subprocess.run(["mount", device, disks["series"]], check=True)
    assert once(united) == ["attached"]
    assert set(branches_of(union)) == {films, series}
    assert (union / "of-series").read_text() == "x"


def test_a_union_waits_for_all_drives_until_one_is_given_up(
    united: Stack, make_disk: Make
) -> None:
    union = union_place(united)
    disks = {name: make_disk(name) for name in ("films", "series")}
    for disk in disks.values():
        add_drive(united, disk)
    unmount_tree(union)
    for name, disk in disks.items():
        unmount_tree(drive_place(united, name))
        if name == "series":
            subprocess.run(["umount", disk], check=True)
    told = apply_pool(united)
    assert told.ok, told.errors
    assert mounted(drive_place(united, "films"))
    assert not mounted(union)
    assert any("waits for series" in each.text for each in told.messages)

    def refused(work: Callable[[], object]) -> None:
        with pytest.raises(UsenetError) as caught:
            work()
        assert caught.value.code == "storage.union-incomplete"
        assert "series" in caught.value.message
        assert not mounted(union)

    refused(lambda: add_drive(united, make_disk("third")))
    refused(lambda: remove_drive(united, "series"))
    remove_drive(united, "series", force=True)
    assert branches_of(union) == (str(drive_place(united, "films")),)


def test_a_union_never_shows_a_bare_place(
    united: Stack, make_disk: Make
) -> None:
    add_drive(united, make_disk("films"))
    union, bare = union_place(united), drive_place(united, "bare")
    bare.mkdir()
    context = Context(united.folder, united.folder / ".usenet")
    join = JoinUnion(union, (str(bare),), "mfs")
    for end in (lambda: None, lambda: unmount_tree(union)):
        end()
        before = branches_of(union)
        with pytest.raises(UsenetError) as caught:
            join.do(context, join.prepare(context))
        assert caught.value.code == "storage.union"
        assert branches_of(union) == before


def test_a_union_without_a_drive_is_empty_and_closed(
    united: Stack, make_disk: Make
) -> None:
    disk = make_disk("films")
    add_drive(united, disk)
    yank(source_of(disk))
    assert once(united) == ["fenced", "noted"]
    # So the applications keep what they know of it.
    assert list(union_place(united).iterdir()) == []
    with pytest.raises(PermissionError):
        (union_place(united) / "stray").touch()
