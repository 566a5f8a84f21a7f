"""The content of one drive moves to another, on real file systems."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli_process import Cli
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.storage import add_drive, move_content, plan_move
from usenet_stack.storage.moving.operations import (
    CopyContent,
    DeleteOriginals,
)
from usenet_stack.transaction import SILENT, Plan, Step, open_session
from usenet_stack.transaction.observer import Observer

pytestmark = pytest.mark.integration
Make = Callable[..., Path]
HOSTILE = (
    "with space",
    "new\nline",
    "quote'\"",
    "-rf",
    "*",
    "ünï😀",
    os.fsdecode(b"not utf-8 \xff\xfe"),
    "x" * 250,
)


@pytest.fixture
def pair(stack: Stack, make_disk: Make) -> tuple[Path, Path]:
    """Return two drives of the pool, called one and two."""
    disks = make_disk("one"), make_disk("two")
    for disk in disks:
        add_drive(stack, disk)
    return disks


def facts(top: Path) -> dict[str, tuple[Any, ...]]:
    """Return all below a folder but what a drive has of its own."""
    found: dict[str, tuple[Any, ...]] = {}
    names: dict[int, str] = {}
    for path in sorted(top.rglob("*")):
        status = path.lstat()
        name = str(path.relative_to(top))
        if name.startswith(("lost+found", ".usenet-drive")):
            continue
        told: tuple[Any, ...] = (status.st_mode, status.st_uid, status.st_gid)
        if path.is_symlink():
            told += (str(path.readlink()), status.st_mtime_ns)
        else:
            told += ({x: os.getxattr(path, x) for x in os.listxattr(path)},)
        if path.is_file() and not path.is_symlink():
            first = names.setdefault(status.st_ino, name)
            told += (path.read_bytes(), status.st_mtime_ns, first)
        found[name] = told
    return found


def fill(disk: Path) -> None:
    """Make one of each: holes, links, owners, attributes, odd names."""
    show = disk / "tv" / "Show"
    show.mkdir()
    for number, name in enumerate(HOSTILE):
        (show / name).write_bytes(os.urandom(1000 * number))
        os.chown(show / name, 1000 + number, 2000)
    with (show / "holes").open("wb") as file:
        file.seek(3 << 20)
        file.write(b"end")
        file.truncate(8 << 20)
    (show / "linked").hardlink_to(show / "holes")
    (show / "to-here").symlink_to("holes")
    (show / "to-nowhere").symlink_to("/does/not/exist")
    (disk / "movies" / "empty folder").mkdir(mode=0o711)
    (show / "setuid").touch()
    (show / "setuid").chmod(0o4755)
    os.setxattr(show / "holes", "user.note", b"kept")
    os.utime(show / "holes", ns=(10**18 + 7, 10**18 + 9))
    for path in show.iterdir():
        os.utime(path, ns=(10**18 + 7, 10**18 + 9), follow_symlinks=False)


def test_everything_arrives_as_it_was(
    stack: Stack, pair: tuple[Path, Path]
) -> None:
    one, two = pair
    fill(one)
    before = facts(one)
    result = move_content(stack, "one", "two")
    assert result.ok
    assert facts(two) == before
    holes = two / "tv/Show/holes"
    assert holes.stat().st_blocks * 512 < 1 << 20
    assert holes.stat().st_mtime_ns == 10**18 + 9
    left = [name for name, told in facts(one).items() if len(told) > 4]
    assert left == []
    assert result.data["moved"]["files"] == len(
        [name for name, told in before.items() if len(told) > 4]
    )
    # Once more there is nothing to do; and back it goes.
    assert plan_move(stack, "one", "two").steps == ()
    assert move_content(stack, "two", "one").ok
    assert facts(one) == before


def test_where_hard_links_cannot_be_there_are_two_files(
    stack: Stack, pair: tuple[Path, Path], make_disk: Make
) -> None:
    disk = make_disk("subvolumes", kind="btrfs")
    add_drive(stack, disk)
    command = ["btrfs", "subvolume", "create", disk / "tv/Two"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for name in ("One", "Two"):
        (pair[0] / "tv" / name).mkdir()
    (pair[0] / "tv/One/1.mkv").write_bytes(b"episode" * 1000)
    (pair[0] / "tv/Two/1.mkv").hardlink_to(pair[0] / "tv/One/1.mkv")
    assert move_content(stack, "one", "subvolumes").ok
    for name in ("One", "Two"):
        copy = disk / "tv" / name / "1.mkv"
        assert copy.read_bytes() == b"episode" * 1000
        assert copy.stat().st_nlink == 1
    assert not list((pair[0] / "tv").iterdir())
    assert not list(disk.rglob("*.usenet-part"))


def test_other_content_in_its_place_is_told_and_kept(
    stack: Stack, pair: tuple[Path, Path], usenet: Cli
) -> None:
    one, two = pair
    for disk, text in ((one, "mine"), (two, "other")):
        (disk / "tv/film").write_text(text)
    (one / "tv/same").write_text("same")
    (two / "tv/same").write_text("same")
    (one / "music/folder").mkdir()
    (one / "music/folder/song").touch()
    (two / "music/folder").write_text("a file")
    before = facts(one), facts(two)
    with pytest.raises(UsenetError) as refused:
        move_content(stack, "one", "two")
    assert refused.value.code == "storage.move-conflict"
    assert len(refused.value.details) == 2
    assert (facts(one), facts(two)) == before
    told = usenet(
        *("storage", "remove", "one", "--move-to", "two"),
        *("--yes", "--stack", stack.folder),
    )
    assert told.rc == 1
    assert "tv/film" in told.stderr
    assert "rename or delete the other" in told.stderr
    (two / "tv/film").unlink()
    (two / "music/folder").unlink()
    assert move_content(stack, "one", "two").ok
    assert (two / "tv/film").read_text() == "mine"
    assert not (one / "tv/same").exists()


def test_a_file_that_is_being_written_is_refused(
    stack: Stack, pair: tuple[Path, Path]
) -> None:
    path = pair[0] / "movies/download"
    writer = subprocess.Popen(
        ["sh", "-c", 'exec sleep 60 >"$0"', stack.media_root / "one/movies/dl"]
    )
    path.write_text("being read is fine")
    try:
        with path.open():
            while not (pair[0] / "movies/dl").exists():
                pass
            with pytest.raises(UsenetError) as refused:
                plan_move(stack, "one", "two")
    finally:
        writer.kill()
        writer.wait()
    assert refused.value.code == "storage.move-busy"
    assert refused.value.details == (
        f"{stack.media_root}/one/movies/dl: sleep (process {writer.pid})",
    )
    assert move_content(stack, "one", "two").ok


def test_no_room_is_told_first(stack: Stack, pair: tuple[Path, Path]) -> None:
    one, two = pair
    space = os.statvfs(two)
    most = space.f_bavail * space.f_frsize - (2 << 20)
    (two / "movies/large").write_bytes(bytes(most))
    (one / "movies/film").write_bytes(bytes(range(256)) * (4 << 12))
    before = facts(one), facts(two)
    with pytest.raises(UsenetError) as refused:
        move_content(stack, "one", "two")
    assert refused.value.code == "storage.move-room"
    assert (facts(one), facts(two)) == before


@pytest.mark.parametrize(
    ("name", "target", "code"),
    [
        ("one", "one", "storage.move-same"),
        ("none", "one", "storage.unknown"),
        ("one", "none", "storage.unknown"),
        ("one", "gone", "storage.move-away"),
    ],
)
def test_drives_that_cannot_be(
    stack: Stack,
    pair: tuple[Path, Path],
    make_tmpfs: Make,
    name: str,
    target: str,
    code: str,
) -> None:
    add_drive(stack, make_tmpfs("gone"))
    subprocess.run(["umount", stack.media_root / "gone"], check=True)
    with pytest.raises(UsenetError) as refused:
        plan_move(stack, name, target)
    assert refused.value.code == code


def test_a_pipe_is_named(stack: Stack, pair: tuple[Path, Path]) -> None:
    os.mkfifo(pair[0] / "tv/pipe")
    with pytest.raises(UsenetError) as refused:
        plan_move(stack, "one", "two")
    assert refused.value.code == "storage.move-odd"


def test_a_link_in_place_of_a_folder_leads_nowhere(
    stack: Stack, pair: tuple[Path, Path], arena: Path
) -> None:
    one, two = pair
    (one / "tv/Show").mkdir()
    (one / "tv/Show/film").write_text("x")
    elsewhere = arena / "elsewhere"
    elsewhere.mkdir()
    (two / "tv/Show").symlink_to(elsewhere)
    with pytest.raises(UsenetError) as refused:
        move_content(stack, "one", "two")
    assert refused.value.code == "storage.move-conflict"
    assert list(elsewhere.iterdir()) == []


class Meddler:
    """Does something to the disk when a step begins."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self.step, self.act = step, act
        self.told: list[tuple[int | None, int | None, str]] = []

    def step_started(self, index: int, total: int, step: Step) -> None:
        if index == self.step:
            self.act()

    def progress(
        self, text: str, done: int | None, total: int | None, unit: str
    ) -> None:
        self.told.append((done, total, unit))

    def __getattr__(self, name: str) -> Any:
        return getattr(SILENT, name)


def run(stack: Stack, observer: Observer) -> list[Any]:
    places = [stack.media_root / name for name in ("one", "two")]
    steps = (
        Step(CopyContent(*places), "a test"),
        Step(DeleteOriginals(*places), "a test", "continue"),
    )
    with open_session(stack.folder, "storage move", observer) as session:
        return session.run(Plan("storage move", steps, "forward")).failures


def test_what_changes_meanwhile_is_not_lost(
    stack: Stack, pair: tuple[Path, Path]
) -> None:
    one, two = pair
    for name in ("same", "grows", "late", "written"):
        (one / "tv" / name).write_text(name)
    (one / "tv/late").unlink()
    writers = []

    def meddle() -> None:
        (one / "tv/grows").write_text("it has grown")
        (one / "tv/late").write_text("it came late")
        writers.append((stack.media_root / "one/tv/written").open("a"))

    meddler = Meddler(1, meddle)
    failures = run(stack, meddler)
    writers[0].close()
    assert [each.error.code for each in failures] == ["storage.move-left"]
    assert "tv/written: open in" in str(failures[0].error.details)
    assert {p.name: p.read_text() for p in (two / "tv").iterdir()} == {
        "same": "same",
        "grows": "it has grown",
        "late": "it came late",
        "written": "written",
    }
    assert [p.name for p in (one / "tv").iterdir()] == ["written"]
    units = {unit for _, _, unit in meddler.told}
    assert units == {"bytes", "files"}
    for unit in units:
        done, total = [t[:2] for t in meddler.told if t[2] == unit][-1]
        assert done == total


def test_a_failed_copy_puts_all_back(
    stack: Stack, pair: tuple[Path, Path]
) -> None:
    one, two = pair
    fill(one)
    (two / "tv/there before").write_text("stays")
    before = facts(one), facts(two)
    # The names come in order: when this is met, most are copied.
    conflict = two / "tv/Show/ünï😀"
    conflict.parent.mkdir()
    conflict.write_text("someone else's")
    with pytest.raises(UsenetError) as failed:
        run(stack, SILENT)
    assert failed.value.exit_code == 13
    assert conflict.read_text() == "someone else's"
    conflict.unlink()
    conflict.parent.rmdir()
    assert (facts(one), facts(two)) == before
