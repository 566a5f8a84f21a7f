"""Folders as applications leave them, while they write."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from usenet_stack.backup import (
    create_backup,
    databases,
    list_backups,
    show_backup,
    verify_backup,
)
from usenet_stack.backup.copy_databases import copy
from usenet_stack.backup.databases import DatabaseCopier
from usenet_stack.errors import UsenetError
from usenet_stack.stack.layout import folders, seed_files
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import complete_env, read_env, write_env
from usenet_stack.stack.template import NewStack, new_settings_text

Running = Callable[..., AbstractContextManager[None]]

# Its journal appears and vanishes with every transaction.
ROLLBACK_WRITER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
db.execute("CREATE TABLE ledger (side TEXT PRIMARY KEY, sum INTEGER)")
db.execute("INSERT INTO ledger VALUES ('a', 1000000), ('b', 0)")
print("ready", flush=True)
while True:
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE ledger SET sum = sum - 1 WHERE side = 'a'")
    db.execute("UPDATE ledger SET sum = sum + 1 WHERE side = 'b'")
    db.execute("COMMIT")
"""
# As settings are saved: a temporary name, then a rename.
SAVER = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    temporary = folder / f"config.xml.{number}.tmp"
    temporary.write_text(f"<Config>{number}</Config>")
    temporary.rename(folder / "config.xml")
"""
HOLDER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("ready", flush=True)
time.sleep(60)
"""
# Large, so that no copy of it fits between two writes.
RESTLESS = """
import os, sys
file = open(sys.argv[1], "wb")
file.truncate(96 * 1024**2)
print("ready", flush=True)
while True:
    os.pwrite(file.fileno(), os.urandom(8), 0)
"""


def database(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE series (title)")


def unpack(made: str, target: Path) -> Path:
    target.mkdir()
    subprocess.run(["tar", "xf", made, "-C", target], check=True)
    return target


def test_a_database_whose_journal_comes_and_goes(
    bare: Stack, running: Running, tmp_path: Path
) -> None:
    path = bare.config_root / "bazarr/db/bazarr.db"
    path.parent.mkdir(parents=True)
    with running(ROLLBACK_WRITER, path):
        for number in range(20):
            made = create_backup(bare).data["path"]
            folder = unpack(made, tmp_path / str(number))
            found = folder / "config/bazarr/db"
            assert [p.name for p in found.iterdir()] == ["bazarr.db"]
            with closing(sqlite3.connect(found / "bazarr.db")) as copied:
                (total,) = copied.execute(
                    "SELECT sum(sum) FROM ledger"
                ).fetchone()
            assert total == 1_000_000


def test_files_that_vanish_and_are_replaced(
    bare: Stack, running: Running
) -> None:
    database(bare.config_root / "sonarr/sonarr.db")
    (bare.config_root / "sonarr/config.xml").write_text("<Config/>")
    with running(SAVER, bare.config_root / "sonarr"):
        for _ in range(10):
            made = Path(create_backup(bare).data["path"])
            assert verify_backup(made).ok


def test_a_file_that_never_rests_is_named(
    bare: Stack, running: Running
) -> None:
    database(bare.config_root / "sonarr/sonarr.db")
    with running(RESTLESS, bare.config_root / "sonarr/notes.txt"):
        made = create_backup(bare)
    texts = [message.text for message in made.messages]
    assert (
        "config/sonarr/notes.txt changed while it was read, each of 5 times."
        in texts
    )
    assert verify_backup(Path(made.data["path"])).ok


def test_a_locked_database_is_given_up(
    bare: Stack, running: Running, tmp_path: Path
) -> None:
    path = bare.config_root / "bazarr/db/bazarr.db"
    database(path)
    with (
        running(HOLDER, path),
        pytest.raises(sqlite3.OperationalError, match="stays locked"),
    ):
        copy(str(path), str(tmp_path / "copy"), busy_seconds=0.5)


def test_a_database_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    gone = tmp_path / "gone?mode=rwc#.db"
    with pytest.raises(sqlite3.OperationalError):
        copy(str(gone), str(tmp_path / "copy"))
    assert not gone.exists()
    database(gone)
    copy(str(gone), str(tmp_path / "copy2"))


def test_never_started_services_lack_nothing(bare: Stack) -> None:
    for folder in folders(bare):
        folder.path.mkdir(parents=True, exist_ok=True)
    write_env(bare.folder, complete_env("", bare).text)
    for seed in seed_files(bare, read_env(bare.folder)):
        seed.path.write_text(seed.text.reveal())
    made = create_backup(bare)
    assert verify_backup(Path(made.data["path"])).data["databases"] == 0


@pytest.mark.parametrize("content", [b"", b"no database at all"])
def test_what_is_no_database_is_not_taken_for_one(
    bare: Stack, content: bytes
) -> None:
    folder = bare.config_root / "sonarr"
    folder.mkdir(parents=True)
    (folder / "config.xml").write_text("<Config/>")
    (folder / "sonarr.db").write_bytes(content)
    with pytest.raises(UsenetError) as caught:
        create_backup(bare)
    assert caught.value.code == "backup.missing-database"
    assert list_backups(bare).data["backups"] == []


def test_links_at_the_top_are_followed(bare: Stack, tmp_path: Path) -> None:
    elsewhere = tmp_path / "ssd"
    database(elsewhere / "sonarr.db")
    (elsewhere / "config.xml").write_text("<Config/>")
    bare.config_root.mkdir()
    (bare.config_root / "sonarr").symlink_to(elsewhere)
    secret = tmp_path / "secrets.env"
    secret.write_text("A=b\n")
    (bare.folder / ".env").symlink_to(secret)
    folder = unpack(create_backup(bare).data["path"], tmp_path / "out")
    assert (folder / "stack/.env").read_text() == "A=b\n"
    assert not (folder / "config/sonarr").is_symlink()
    assert not (folder / "stack/.env").is_symlink()
    assert (folder / "config/sonarr/config.xml").read_text() == "<Config/>"


def test_a_linked_database_is_in_it_and_other_links_are_named(
    bare: Stack, tmp_path: Path
) -> None:
    real = tmp_path / "fast/sonarr.db"
    database(real)
    folder = bare.config_root / "sonarr"
    (folder / "asp").mkdir(parents=True)
    (folder / "sonarr.db").symlink_to(real)
    (folder / "asp/out").symlink_to(tmp_path)
    made = create_backup(bare)
    (remark,) = [m.text for m in made.messages if m.level == "warning"]
    assert remark.startswith("config/sonarr/asp/out is a link")
    out = unpack(made.data["path"], tmp_path / "out")
    copied = out / "config/sonarr/sonarr.db"
    assert not copied.is_symlink()
    with closing(sqlite3.connect(copied)) as found:
        found.execute("SELECT title FROM series")


BOLT_PAGE = bytes(16) + 0xED0CDAED.to_bytes(4, "little") + bytes(4076)
# A commit of BoltDB, every millisecond: it never rests.
BOLT_WRITER = """
import os, sys
file = open(sys.argv[1], "r+b")
print("ready", flush=True)
while True:
    os.pwrite(file.fileno(), os.urandom(8), 4000)
"""


def test_a_database_of_another_kind_that_rested_is_as_good(
    bare: Stack,
) -> None:
    path = bare.config_root / "portainer/data/portainer.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(BOLT_PAGE)
    made = create_backup(bare)
    assert not [m for m in made.messages if "portainer.db" in m.text]
    shown = show_backup(Path(made.data["path"])).data["files"]
    kinds = {row["name"]: row.get("kind") for row in shown}
    assert kinds["config/portainer/data/portainer.db"] == "live"


def test_a_database_of_another_kind_that_never_rests_is_named(
    bare: Stack, running: Running
) -> None:
    path = bare.config_root / "portainer/data/portainer.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(BOLT_PAGE)
    with running(BOLT_WRITER, path):
        made = create_backup(bare)
    assert any("portainer.db changed" in m.text for m in made.messages)


def test_one_that_only_its_service_knows_is_flagged(bare: Stack) -> None:
    path = bare.config_root / "tdarr/server/Tdarr/DB2/SQL/database.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another form")
    made = create_backup(bare)
    assert any("database.db is a database" in m.text for m in made.messages)


def test_names_and_attributes_survive(bare: Stack, tmp_path: Path) -> None:
    folder = bare.config_root / "sonarr/asp"
    folder.mkdir(parents=True)
    database(bare.config_root / "sonarr/sonarr.db")
    names = [b"bad\xff.xml", b"-rf *", "\u00fc\n\t.xml".encode(), b"n" * 250]
    for number, name in enumerate(names):
        path = Path(os.fsdecode(os.path.join(os.fsencode(folder), name)))  # noqa: PTH118
        path.write_bytes(name)
        path.chmod(0o600 + number)
        os.utime(path, ns=(1, 1_600_000_000_123_456_789 + number))
        if os.geteuid() == 0:
            os.chown(path, 4000 + number, 4100)
    made = Path(create_backup(bare).data["path"])
    assert verify_backup(made).ok
    out = unpack(str(made), tmp_path / "out") / "config/sonarr/asp"
    assert sorted(os.listdir(out)) == sorted(os.listdir(folder))  # noqa: PTH208
    for path in folder.iterdir():
        before, after = path.stat(), (out / path.name).stat()
        assert (out / path.name).read_bytes() == path.read_bytes()
        assert before.st_mode == after.st_mode
        assert (before.st_uid, before.st_gid) == (after.st_uid, after.st_gid)
        assert abs(before.st_mtime - after.st_mtime) < 0.001


# Dies with what it committed in the WAL only.
ABANDONER = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE series (title)")
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
db.execute("INSERT INTO series VALUES ('in the WAL only')")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_is_in_the_wal_only_is_in_the_backup(
    bare: Stack, tmp_path: Path
) -> None:
    path = bare.config_root / "sonarr/sonarr.db"
    path.parent.mkdir(parents=True)
    subprocess.run([sys.executable, "-c", ABANDONER, path])
    assert path.with_name("sonarr.db-wal").stat().st_size > 0
    made = create_backup(bare).data["path"]
    found = unpack(made, tmp_path / "out") / "config/sonarr"
    assert [p.name for p in found.iterdir()] == ["sonarr.db"]
    with closing(sqlite3.connect(found / "sonarr.db")) as copied:
        rows = copied.execute("SELECT title FROM series").fetchall()
    assert rows == [("in the WAL only",)]


def test_a_backup_leaves_nothing_beside_an_idle_database(bare: Stack) -> None:
    path = bare.config_root / "sonarr/sonarr.db"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE series (title)")
    create_backup(bare)
    assert [p.name for p in path.parent.iterdir()] == ["sonarr.db"]


def test_no_more_copies_wait_than_there_is_room_for(
    bare: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 120
    database(bare.config_root / "sonarr/sonarr.db")
    for number in range(count - 1):
        database(bare.config_root / f"sonarr/others/{number}.db")
    waiting = []
    begin = DatabaseCopier._begin

    def counted(copier: DatabaseCopier, source: str) -> None:
        waiting.append(len(list(copier._staging.glob("database-*"))))
        begin(copier, source)

    monkeypatch.setattr(DatabaseCopier, "_begin", counted)
    monkeypatch.setattr(databases, "MOST_WAITING", 1)
    made = Path(create_backup(bare).data["path"])
    assert len(waiting) == count
    assert max(waiting) == 1
    found = verify_backup(made)
    assert found.ok
    assert found.data["databases"] == count


# The application, as its own user, before and after root's backup.
OWNER = """
import os, sqlite3, sys
os.chdir(sys.argv[1])
os.setuid(1000)
db = sqlite3.connect("sonarr.db", isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE IF NOT EXISTS series (title)")
db.execute("INSERT INTO series VALUES ('before')")
print("ready", flush=True)
sys.stdin.readline()
db.execute("INSERT INTO series VALUES ('after')")
again = sqlite3.connect("sonarr.db", isolation_level=None)
again.execute("INSERT INTO series VALUES ('from anew')")
print(again.execute("SELECT count(*) FROM series").fetchone()[0])
"""


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that other users can get to."""
    assert os.geteuid() == 0, "needs root, as make test has it"
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        text = new_settings_text(NewStack("reachable"))
        Path(place, "stack.toml").write_text(text)
        yield Path(place)


def test_its_owner_goes_on_writing_after_roots_backup(reachable: Path) -> None:
    folder = reachable / "config/sonarr"
    folder.mkdir(parents=True)
    os.chown(folder, 1000, 1000)
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    stack = load_stack(reachable)
    create_backup(stack)
    owners = {path.stat().st_uid for path in folder.iterdir()}
    assert owners == {1000}
    assert process.communicate("go\n")[0] == "3\n"
    create_backup(stack)


def test_who_is_neither_root_nor_owner_does_not_touch_it(
    reachable: Path,
) -> None:
    folder = reachable / "config/sonarr"
    database(folder / "sonarr.db")
    stack = load_stack(reachable)
    for path in (reachable, *reachable.rglob("*")):
        os.chown(path, 1001, 1001)
        path.chmod(0o777)
    before = (folder / "sonarr.db").stat().st_mtime_ns
    os.seteuid(1000)
    try:
        with pytest.raises(UsenetError) as caught:
            create_backup(stack)
    finally:
        os.seteuid(0)
    assert caught.value.code == "backup.owner"
    assert [path.name for path in folder.iterdir()] == ["sonarr.db"]
    assert (folder / "sonarr.db").stat().st_mtime_ns == before


def test_a_lock_is_reported_where_nothing_can_be_stopped(
    bare: Stack, running: Running
) -> None:
    path = bare.config_root / "bazarr/db/bazarr.db"
    database(path)
    text = (bare.folder / "stack.toml").read_text()
    (bare.folder / "stack.toml").write_text(
        f"{text}\n[backup]\nbusy_seconds = 0.3\n"
    )
    with running(HOLDER, path), pytest.raises(UsenetError) as caught:
        create_backup(bare)
    assert caught.value.exit_code == 13
    assert str(path) in caught.value.why
    assert not (bare.folder / "backups").exists()


def test_two_hundred_databases_are_all_copied(bare: Stack) -> None:
    folder = bare.config_root / "recyclarr/state"
    for number in range(200):
        database(folder / f"{number}.bin")
    made = create_backup(bare)
    assert made.data["databases"] == 200
    assert verify_backup(Path(made.data["path"])).data["databases"] == 200
