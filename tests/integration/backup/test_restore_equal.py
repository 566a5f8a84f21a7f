"""What goes in comes back by a restore, in every attribute."""

import hashlib
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from empty_engine import empty_engine
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from usenet_stack.backup import (
    BackupRequest,
    RestoreRequest,
    create_backup,
    restore_backup,
    undo_restore,
)
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

IS_ROOT = os.geteuid() == 0
KIB = 1024
SERVICES = ("recyclarr", "transmission")
# Copied by SQLite itself: other bytes, the same rows. It makes files there.
DATABASES = b"/db"
All = dict[bytes, dict[str, Any]]


class Made(NamedTuple):
    """One thing of a random tree.

    Args:
        folder: which of the folders made before it lies in.
        other: what it is linked to or filled with.
    """

    folder: int
    name: bytes
    kind: str
    mode: int
    mtime_ns: int
    size: int
    other: int
    xattrs: dict[bytes, bytes]


LETTERS = b"\n\t 'a\\\"\xff\xc3\x28-.*"
names = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.lists(st.sampled_from(LETTERS), min_size=1, max_size=9).map(bytes),
    st.binary(min_size=1, max_size=1).map(lambda letter: letter * 255),
).filter(
    lambda name: (
        not {b"/", b"\0"} & {bytes([b]) for b in name}
        and name not in (b".", b"..", DATABASES[1:])
    )
)
KINDS = ["file", "file", "folder", "link", "hardlink", "sparse"]
things = st.builds(
    Made,
    folder=st.integers(0, 5),
    name=names,
    kind=st.sampled_from(KINDS),
    mode=st.integers(0, 0o777),
    mtime_ns=st.integers(-(10**18), 4 * 10**18),
    size=st.one_of(
        st.sampled_from([0, 1, 511, 512, 513, 4096]),
        st.integers(0, 300 * KIB),
    ),
    other=st.integers(0, 10_000),
    xattrs=st.dictionaries(
        st.sampled_from([b"user.test", b"user.%=\n%3D", b"user.\xff"]),
        st.binary(max_size=40),
        max_size=2,
    ),
)
trees = st.lists(things, max_size=20)


def make(top: Path, tree: list[Made]) -> None:
    """Make a tree over whatever is there."""
    folders, files = [os.fsencode(top)], list[bytes]()
    for number, thing in enumerate(tree):
        above = folders[thing.folder % len(folders)]
        path = os.path.join(above, thing.name)  # noqa: PTH118
        if os.path.lexists(path):
            continue
        if thing.kind == "folder":
            os.mkdir(path)  # noqa: PTH102
            folders.append(path)
        elif thing.kind == "link":
            # To nothing, to what is outside, to what is beside it.
            targets = (b"nothing" * 30, b"/dev/null", thing.name, b"..")
            os.symlink(targets[thing.other % len(targets)], path)  # noqa: PTH211
        elif thing.kind == "hardlink" and files:
            os.link(files[thing.other % len(files)], path)
            continue
        else:
            write(path, thing)
            files.append(path)
        adorn(path, thing, number)
    for number, path in enumerate(reversed(folders)):
        os.utime(path, ns=(0, 1_600_000_000_123_456_789 + number))


def write(path: bytes, thing: Made) -> None:
    content = random.Random(thing.other).randbytes(thing.size)
    with open(path, "wb") as file:  # noqa: PTH123
        if thing.kind == "sparse":
            file.truncate(thing.size + 2048 * KIB)
            os.pwrite(file.fileno(), b"in the middle", 900 * KIB)
        else:
            file.write(content)


def adorn(path: bytes, thing: Made, number: int) -> None:
    if IS_ROOT:
        os.chown(path, number * 7, 5_000_000, follow_symlinks=False)
    if thing.kind != "link":
        for key, value in thing.xattrs.items():
            os.setxattr(path, key, value)
        own = 0 if IS_ROOT else 0o600
        if thing.kind == "folder":
            # Also those that give their group on, and that are sticky.
            own = 0o700 | (0o3000 if thing.other % 3 == 0 else 0)
        os.chmod(path, thing.mode | own)  # noqa: PTH101
    os.utime(path, ns=(0, thing.mtime_ns), follow_symlinks=False)


def spoil(top: Path, tree: list[Made], seed: int) -> None:
    """Change what is live in every way there is, then make other things."""
    chosen = random.Random(seed)
    for parent, folders, files in os.walk(os.fsencode(top), topdown=False):
        for name in sorted((*folders, *files)):
            path = os.path.join(parent, name)  # noqa: PTH118
            way = chosen.randrange(4)
            if os.path.islink(path) or (name in files and way == 0):  # noqa: PTH114
                os.unlink(path)  # noqa: PTH108
            elif name in files and way == 1:
                with open(path, "ab") as file:  # noqa: PTH123
                    file.write(b"more")
            elif name in folders and way == 0:
                shutil.rmtree(path)
            elif way == 2:
                os.chmod(path, 0o755)  # noqa: PTH101
                os.utime(path)
    make(top, tree)


def seen(top: Path) -> All:
    """Return all that can be told of a folder and what is below it."""
    root = os.fsencode(top)
    found: All = {b"": told(root)}
    groups: dict[int, list[bytes]] = {}
    for parent, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(parent, name)  # noqa: PTH118
            below = path.removeprefix(root)
            if below.startswith(DATABASES + b"/"):
                continue
            found[below] = told(path)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                groups.setdefault(status.st_ino, []).append(below)
    for group in groups.values():
        for below in group:
            found[below]["same file as"] = sorted(group)
    # Opening the databases makes and removes files beside them.
    found.get(DATABASES, {}).pop("mtime", None)
    return found


def told(path: bytes) -> dict[str, Any]:
    status = os.lstat(path)
    facts: dict[str, Any] = {
        "mode": status.st_mode,
        "ids": (status.st_uid, status.st_gid),
        "mtime": status.st_mtime_ns,
        "xattrs": {
            key: os.getxattr(path, key, follow_symlinks=False)
            for key in os.listxattr(path, follow_symlinks=False)
        },
    }
    if stat.S_ISLNK(status.st_mode):
        facts["target"] = os.readlink(path)  # noqa: PTH115
    elif stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:  # noqa: PTH123
            facts["content"] = hashlib.sha256(file.read()).hexdigest()
        facts["links"] = status.st_nlink
        facts["has holes"] = status.st_blocks * 512 < status.st_size - 64 * KIB
    return facts


def differences(found: list[All], wanted: list[All]) -> list[object]:
    """Return what is not equal, short enough to be read."""
    return [
        (path, {key: (is_.get(key), was.get(key)) for key in keys})
        for one, other in zip(found, wanted, strict=True)
        for path in sorted({*one, *other})
        for is_, was in [(one.get(path, {}), other.get(path, {}))]
        for keys in [
            sorted(k for k in {*is_, *was} if is_.get(k) != was.get(k))
        ]
        if keys
    ]


def crashed_database(folder: Path, rows: list[int]) -> None:
    """Make a database of which half is only in its log."""
    folder.mkdir()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "it")
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE films (number, title)")
            database.commit()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            titles = ((row, "x" * row) for row in rows)
            database.executemany("INSERT INTO films VALUES (?, ?)", titles)
            database.commit()
            for ending in ("", "-wal"):
                shutil.copy(f"{path}{ending}", folder / f"films.db{ending}")
    (folder / "films.db").chmod(0o640)


def check_database(folder: Path, rows: list[int]) -> None:
    assert [path.name for path in folder.iterdir()] == ["films.db"]
    path = folder / "films.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = database.execute("SELECT number FROM films").fetchall()
    assert [row[0] for row in found] == rows


def stack_in(folder: Path) -> Stack:
    folder.mkdir()
    text = new_settings_text(NewStack("equal"))
    (folder / "stack.toml").write_text(text)
    return load_stack(folder)


@settings(
    max_examples=30,
    deadline=None,
    # To make a failing example smaller would take minutes.
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    trees=st.tuples(trees, trees),
    later=st.tuples(trees, trees),
    rows=st.lists(st.integers(0, 3000), max_size=40),
    top=things,
    seed=st.integers(0, 1000),
)
def test_random_trees_come_back_as_they_were(
    trees: tuple[list[Made], ...],
    later: tuple[list[Made], ...],
    rows: list[int],
    top: Made,
    seed: int,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        stack = stack_in(place / "stack")
        tops = [stack.config_root / service for service in SERVICES]
        for live, tree in zip(tops, trees, strict=True):
            live.mkdir(parents=True)
            crashed_database(live / "db", rows)
            make(live, tree)
            adorn(os.fsencode(live), top._replace(kind="folder"), 1)
        before = [seen(live) for live in tops]
        request = BackupRequest(type="full")
        path = Path(create_backup(stack, request).data["path"])
        # A backup only reads.
        assert differences([seen(live) for live in tops], before) == []
        for live, tree in zip(tops, later, strict=True):
            spoil(live, tree, seed)
        spoilt = [seen(live) for live in tops]
        with empty_engine(place):
            restore_backup(stack, RestoreRequest(path))
            assert differences([seen(live) for live in tops], before) == []
            for live in tops:
                check_database(live / "db", rows)
            undo_restore(stack)
            assert differences([seen(live) for live in tops], spoilt) == []
            to = place / "looked"
            restore_backup(stack, RestoreRequest(path, to=to))
        found = [seen(to / service) for service in SERVICES]
        assert differences(found, before) == []
        for service in SERVICES:
            check_database(to / service / "db", rows)


def test_links_in_a_circle_and_attributes_with_odd_names(
    tmp_path: Path,
) -> None:
    stack = stack_in(tmp_path / "stack")
    live = stack.config_root / "recyclarr"
    live.mkdir(parents=True)
    (live / "one").symlink_to("two")
    (live / "two").symlink_to("one")
    (live / "file").write_text("of somebody\n")
    odd = {"user.a=b": b"1", "user.100%": b"2", "user.%3D": b"3"}
    for place in (live, live / "file"):
        for key, value in odd.items():
            os.setxattr(place, key, value)
    before = seen(live)
    path = create_backup(stack).data["path"]
    to = tmp_path / "looked"
    with empty_engine(tmp_path):
        restore_backup(stack, RestoreRequest(Path(path), to=to))
    assert differences([seen(to / "recyclarr")], [before]) == []
    # Others' programs read it as it was, too.
    out = tmp_path / "out"
    out.mkdir()
    words = ["tar", "xpf", path, "-C", out, "--xattrs", "--xattrs-include=*"]
    words += ["--delay-directory-restore"]
    subprocess.run(words, check=True)
    found = [seen(out / "config/recyclarr")]
    assert differences(found, [before]) == []
