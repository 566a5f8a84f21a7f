"""A drive joins the pool and leaves it, on a real file system."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.storage import (
    add_drive,
    plan_add,
    pool_status,
    propagation,
    read_mounts,
    remove_drive,
)
from usenet_stack.storage.mounting import bind_tree, unmount_tree
from usenet_stack.storage.operations import ShareFolder
from usenet_stack.storage.sentinel import FILE_NAME
from usenet_stack.storage.views import View, holders, shows, wait_for
from usenet_stack.transaction import Context

Make = Callable[..., Path]


@contextmanager
def namespace(folder: Path) -> Iterator[int]:
    """Run a process that sees mounts as a container with rslave does."""
    script = (
        f"mount --rbind '{folder}' '{folder}' && "
        f"mount --make-rslave '{folder}' && echo up && exec sleep 60"
    )
    command = ["unshare", "--mount", "--propagation", "slave", "sh", "-c"]
    process = subprocess.Popen([*command, script], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield process.pid
    finally:
        process.kill()
        process.wait()


def state(stack: Stack) -> Any:
    """Return all that an addition could change."""
    below = [m.target for m in read_mounts() if str(stack.folder) in m.target]
    pool = stack.folder / ".usenet/pool.json"
    return (
        sorted(path.name for path in stack.media_root.iterdir()),
        [target for target in below if target != str(stack.data_root)],
        pool.read_text() if pool.exists() else None,
        (stack.folder / "stack.toml").read_text(),
    )


def share(stack: Stack) -> None:
    operation = ShareFolder(stack.data_root)
    context = Context(stack.folder, stack.folder / ".usenet")
    operation.do(context, operation.prepare(context))


def test_added_seen_removed(stack: Stack, make_disk: Make) -> None:
    disk = make_disk("films")
    (disk / "film.mkv").write_text("x")
    before = state(stack)
    result = add_drive(stack, disk)
    assert result.ok
    assert result.data["added"] == "films"
    (row,) = result.data["drives"]
    assert (row["name"], row["state"]) == ("films", "mounted")
    assert row["size"] > 0
    assert (stack.media_root / "films/film.mkv").read_text() == "x"
    assert propagation(stack.data_root) == "shared"

    again = remove_drive(stack, "films")
    assert again.data["removed"] == "films"
    assert again.data["drives"] == []
    assert (disk / "film.mkv").read_text() == "x"
    assert state(stack)[:2] == before[:2]


def test_a_folder_that_is_no_mount(stack: Stack, arena: Path) -> None:
    plain = arena / "plain"
    plain.mkdir()
    os.chown(plain, 1000, 1000)
    add_drive(stack, plain, "mine")
    (plain / "new").write_text("seen")
    assert (stack.media_root / "mine/new").read_text() == "seen"
    remove_drive(stack, "mine")


def test_the_bare_mountpoint_is_empty_and_unwritable(
    stack: Stack, make_tmpfs: Make
) -> None:
    add_drive(stack, make_tmpfs("one"))
    target = stack.media_root / "one"
    unmount_tree(target)  # as a drive that is torn out
    assert list(target.iterdir()) == []
    assert target.stat().st_mode & 0o222 == 0
    (row,) = pool_status(stack).data["drives"]
    assert row["state"] == "away"
    assert "away" in pool_status(stack).messages[0].text


def test_a_drive_that_was_away_comes_back(
    stack: Stack, make_tmpfs: Make
) -> None:
    disk = make_tmpfs("one")
    add_drive(stack, disk)
    unmount_tree(stack.media_root / "one")
    add_drive(stack, disk)
    (row,) = pool_status(stack).data["drives"]
    assert row["state"] == "mounted"


def test_mounts_inside_a_drive_come_along_and_stay(
    stack: Stack, make_tmpfs: Make, arena: Path
) -> None:
    disk = make_tmpfs("outer")
    inner = make_tmpfs("outer/inner")
    (inner / "file").write_text("deep")
    subprocess.run(["mount", "--make-rshared", disk], check=True)
    add_drive(stack, disk)
    seen = stack.media_root / "outer/inner/file"
    assert seen.read_text() == "deep"
    remove_drive(stack, "outer")
    # A plain recursive bind of a shared tree would have lost it here.
    assert (inner / "file").read_text() == "deep"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/", "storage.system"),
        ("/home", "storage.system"),
        ("/etc", "storage.system"),
        ("/proc/1", "storage.system"),
        ("/usr/share", "storage.system"),
        ("/no such\nplace", "storage.path"),
        ("", "storage.path"),
        ("/etc/hostname", "storage.path"),
        ("{stack}", "storage.nested"),
        ("{stack}/config", "storage.nested"),
        ("{stack}/data/media", "storage.nested"),
        ("{arena}", "storage.nested"),
        ("{arena}/loop", "storage.path"),
        ("{arena}/locked", "storage.unwritable"),
        ("{arena}/foreign", "storage.unwritable"),
        ("{arena}/other-pool", "storage.foreign"),
        ("{arena}/new\nline", "storage.name"),
        ('{arena}/it\'s "quoted"', "storage.name"),
        ("{arena}/épée", "storage.name"),
        ("/dev/null", "storage.path"),
        ("/dev/no-such", "storage.path"),
        ("UUID=no-such", "storage.no-drive"),
        ("LABEL=no-such", "storage.no-drive"),
        ("{arena}/a b", "storage.name"),
        ("{arena}/-rf", "storage.name"),
        ("{arena}/tv", "storage.taken"),
    ],
)
def test_hostile_places_change_nothing(
    stack: Stack, arena: Path, path: str, code: str
) -> None:
    odd = ("new\nline", 'it\'s "quoted"', "épée", "other-pool", "foreign")
    for name in ("a b", "-rf", "tv", *odd):
        (arena / name).mkdir()
        os.chown(arena / name, 1000, 1000)
    (arena / "locked").mkdir(mode=0o700)
    (arena / "foreign/tv").mkdir()
    (arena / "other-pool" / FILE_NAME).write_text('{"pool":"x","name":"y"}')
    (arena / "loop").symlink_to(arena / "loop")
    before = state(stack)
    named = path.format(arena=arena, stack=stack.folder)
    with pytest.raises(UsenetError) as caught:
        add_drive(stack, named)
    assert caught.value.code == code
    assert state(stack) == before


def test_read_only_full_and_hung_drives(
    stack: Stack, make_disk: Make, make_tmpfs: Make, make_hung: Make
) -> None:
    full = make_tmpfs("full")
    with pytest.raises(OSError), (full / "filler").open("wb") as file:
        file.write(b"x" * 9 * 1024 * 1024)
    before = state(stack)
    for path, code in (
        (make_disk("ro", options="ro"), "storage.read-only"),
        (make_hung("hung"), "storage.silent"),
        (full, "storage.full"),
    ):
        with pytest.raises(UsenetError) as caught:
            add_drive(stack, path)
        assert caught.value.code == code
    assert state(stack) == before


def test_parents_that_let_nobody_through_and_links_do_not_matter(
    stack: Stack, arena: Path
) -> None:
    """A container enters the drive itself, not the folders above it."""
    closed = arena / "closed"
    (closed / "drive").mkdir(parents=True)
    os.chown(closed / "drive", 1000, 1000)
    closed.chmod(0o700)
    (arena / "link").symlink_to(closed / "drive")
    added = add_drive(stack, arena / "link", "mine")
    assert added.data["drives"][0]["source"] == str(closed / "drive")
    remove_drive(stack, "mine")


def test_what_is_there_belongs_to_the_services_or_its_owner(
    stack: Stack, arena: Path
) -> None:
    """Folders that are missing are made; those there stay as they are."""
    drive = arena / "drive"
    (drive / "movies/Film").mkdir(parents=True)
    (drive / "movies").chmod(0o777)
    add_drive(stack, drive)
    assert (drive / "movies").stat().st_uid == 0
    status = (drive / "tv").stat()
    assert (status.st_uid, status.st_gid) == (1000, 1000)
    assert status.st_mode & 0o777 == 0o775
    remove_drive(stack, "drive")
    assert (drive / "movies/Film").is_dir()


def test_twice_and_under_a_name_that_is_taken(
    stack: Stack, make_tmpfs: Make
) -> None:
    one, other = make_tmpfs("one"), make_tmpfs("other")
    add_drive(stack, one)
    with pytest.raises(UsenetError) as caught:
        add_drive(stack, one, "again")
    assert caught.value.code == "storage.already"
    with pytest.raises(UsenetError) as caught:
        add_drive(stack, other, "one")
    assert caught.value.code == "storage.taken"
    with pytest.raises(UsenetError) as caught:
        remove_drive(stack, "two")
    assert caught.value.code == "storage.unknown"
    assert "one" in caught.value.message


def test_open_files_are_named_and_nothing_changes(
    stack: Stack, make_tmpfs: Make
) -> None:
    add_drive(stack, make_tmpfs("one"))
    target = stack.media_root / "one"
    (target / "film").write_text("x")
    before = state(stack)
    process = subprocess.Popen(
        ["sh", "-c", f"exec 3<'{target}/film'; echo up; exec sleep 60"],
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(UsenetError) as caught:
            remove_drive(stack, "one")
    finally:
        process.kill()
        process.wait()
    assert caught.value.code == "storage.busy"
    assert f"sleep (process {process.pid})" in caught.value.message
    assert state(stack) == before
    remove_drive(stack, "one")


def test_dry_run_is_the_plan_as_text(stack: Stack, make_tmpfs: Make) -> None:
    disk = make_tmpfs("one")
    before = state(stack)
    text = plan_add(stack, disk).as_text()
    pool = stack.media_root
    assert f"make {stack.data_root} a shared mount" in text
    assert f"bind {disk} to {pool}/one" in text
    assert f"wait until all containers can use {pool}/one" in text
    assert state(stack) == before


def test_another_namespace_sees_it_come_and_go(
    stack: Stack, make_tmpfs: Make
) -> None:
    share(stack)
    disk, target = make_tmpfs("one"), stack.media_root / "one"
    target.mkdir()
    with namespace(stack.data_root) as pid:
        root = str(stack.data_root)
        view = View("fake", pid, root, root)
        assert shows(view, target, "0:1") is False
        bind_tree(disk, target)
        device = next(
            m.device for m in read_mounts() if m.target == str(target)
        )
        late = wait_for([view], target, device, there=True, limit_s=5)
        assert late == []
        unmount_tree(target)
        late = wait_for([view], target, device, there=False, limit_s=5)
        assert late == []
    assert shows(view, target, device) is None


def test_a_private_copy_is_late_and_its_holder_is_found(
    stack: Stack, make_tmpfs: Make
) -> None:
    share(stack)
    disk, target = make_tmpfs("one"), stack.media_root / "one"
    target.mkdir()
    bind_tree(disk, target)
    device = next(m.device for m in read_mounts() if m.target == str(target))
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
    script = f"cd '{target}' && echo up && exec sleep 60"
    process = subprocess.Popen([*command, script], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        root = str(stack.data_root)
        view = View("fake", process.pid, root, root)
        (holder,) = holders(target, [view])
        assert (holder.pid, holder.container) == (process.pid, "fake")
        unmount_tree(target)
        late = wait_for([view], target, device, there=False, limit_s=0.2)
        assert late == ["fake"]
    finally:
        process.kill()
        process.wait()
