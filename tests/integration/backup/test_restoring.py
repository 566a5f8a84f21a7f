"""What comes out of a backup: all of it, part of it, for another machine."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from usenet_stack.backup import (
    BackupRequest,
    RestoreRequest,
    create_backup,
    restore_backup,
)
from usenet_stack.backup.manifest import Manifest, ServiceFacts
from usenet_stack.backup.restoring.carrying import (
    carry,
    copy_databases,
    link,
)
from usenet_stack.backup.restoring.checks import check_room, numbers
from usenet_stack.backup.restoring.keying import changed_secrets, rekey
from usenet_stack.backup.restoring.operations import unpack
from usenet_stack.backup.restoring.places import Only
from usenet_stack.backup.restoring.staging import scope_of
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import parse_env, read_env
from usenet_stack.stack.template import NewStack, new_settings_text

OLD_KEY, NEW_KEY = "a" * 32, "b" * 32


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "stack"
    sonarr = folder / "config/sonarr"
    (sonarr / "logs").mkdir(parents=True)
    (sonarr / "config.xml").write_text("<Config/>")
    (sonarr / "logs/sonarr.txt").write_text("log")
    with closing(sqlite3.connect(sonarr / "sonarr.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE series (title)")
        database.execute("INSERT INTO series VALUES ('one')")
        database.commit()
    settings = NewStack("restoring", puid=1234, pgid=1234)
    (folder / "stack.toml").write_text(new_settings_text(settings))
    return load_stack(folder)


def titles(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT title FROM series")]


def packed(stack: Stack) -> Path:
    return Path(create_backup(stack).data["path"])


def test_to_a_folder_and_never_over_one(stack: Stack, tmp_path: Path) -> None:
    path, to = packed(stack), tmp_path / "looked"
    found = restore_backup(stack, RestoreRequest(path, to=to))
    assert found.data["path"] == str(to)
    assert titles(to / "sonarr/sonarr.db") == ["one"]
    assert (to / "sonarr/config.xml").read_text() == "<Config/>"
    with pytest.raises(UsenetError) as caught:
        restore_backup(stack, RestoreRequest(path, to=to))
    assert caught.value.code == "backup.in-the-way"


def test_a_damaged_one_leaves_nothing(stack: Stack, tmp_path: Path) -> None:
    path, to = packed(stack), tmp_path / "looked"
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    path.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsenetError):
        restore_backup(stack, RestoreRequest(path, to=to))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("only", ["", "settings", "databases"])
def test_what_is_not_restored_is_carried_over(
    stack: Stack, tmp_path: Path, only: Only
) -> None:
    path, live = packed(stack), stack.folder / "config/sonarr"
    top = tmp_path / "staged"
    (live / "config.xml").write_text("<Config>new</Config>")
    (live / "logs/sonarr.txt").write_text("log, longer")
    (live / "since.txt").write_text("new")
    # Open: what is in the -wal is only there.
    with closing(sqlite3.connect(live / "sonarr.db")) as database:
        database.execute("INSERT INTO series VALUES ('two')")
        database.commit()
        unpack(stack, path, {"sonarr": top}, only)
        scope = scope_of("config", stack.catalog["sonarr"], only)
        assert link(live, top, scope) == []
        if only:
            carry(live, top, scope)
    settings = "<Config/>" if only != "databases" else "<Config>new</Config>"
    assert (top / "config.xml").read_text() == settings
    rows = ["one"] if only != "settings" else ["one", "two"]
    assert titles(top / "sonarr.db") == rows
    assert (top / "logs").stat().st_mtime_ns == (
        live / "logs"
    ).stat().st_mtime_ns
    assert (top / "logs/sonarr.txt").samefile(live / "logs/sonarr.txt")
    assert (top / "since.txt").exists() is bool(only)


def test_a_file_of_two_services_is_whole_in_each(
    stack: Stack, tmp_path: Path
) -> None:
    other = stack.folder / "config/recyclarr"
    other.mkdir()
    os.link(stack.folder / "config/sonarr/config.xml", other / "one.yml")
    os.link(other / "one.yml", other / "two.yml")
    path, tops = packed(stack), {"recyclarr": tmp_path / "r"}
    unpack(stack, path, tops, "")
    assert (tmp_path / "r/one.yml").read_text() == "<Config/>"
    assert (tmp_path / "r/one.yml").samefile(tmp_path / "r/two.yml")


def test_databases_are_never_linked(stack: Stack, tmp_path: Path) -> None:
    path, live = packed(stack), stack.folder / "config/sonarr"
    top = tmp_path / "staged"
    unpack(stack, path, {"sonarr": top}, "")
    scope = scope_of("config", stack.catalog["sonarr"], "")
    with closing(sqlite3.connect(live / "logs.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE series (title)")
        database.commit()
        later = link(live, top, scope)
        assert later == ["/logs.db"]
        assert not list(top.glob("logs.db*"))
        database.execute("INSERT INTO series VALUES ('only in its log')")
        database.commit()
        assert copy_databases(live, top, later)
    assert titles(top / "logs.db") == ["only in its log"]
    assert not (top / "logs.db").samefile(live / "logs.db")


def test_a_minimal_one_keeps_the_databases(
    stack: Stack, tmp_path: Path
) -> None:
    made = create_backup(stack, BackupRequest(type="minimal"))
    top, live = tmp_path / "staged", stack.folder / "config/sonarr"
    (live / "config.xml").write_text("<Config>new</Config>")
    unpack(stack, Path(made.data["path"]), {"sonarr": top}, "")
    scope = scope_of("minimal", stack.catalog["sonarr"], "")
    link(live, top, scope)
    carry(live, top, scope)
    assert (top / "config.xml").read_text() == "<Config/>"
    assert titles(top / "sonarr.db") == ["one"]
    assert not (top / "sonarr.db").samefile(live / "sonarr.db")


def test_owners_of_another_machine(
    stack: Stack, tmp_path: Path, needs_root: None
) -> None:
    for found in (stack.folder / "config").rglob("*"):
        os.chown(found, 1234, 1234)
    os.chown(stack.folder / "config/sonarr/config.xml", 0, 0)
    path = packed(stack)
    here = NewStack("elsewhere", puid=2345, pgid=2346)
    (stack.folder / "stack.toml").write_text(new_settings_text(here))
    top = tmp_path / "staged"
    other = load_stack(stack.folder)
    stager = unpack(other, path, {"sonarr": top}, "")
    status = (top / "sonarr.db").stat()
    assert (status.st_uid, status.st_gid) == (2345, 2346)
    assert (top / "config.xml").stat().st_uid == 0
    assert "1234:1234" in stager.mapped[0]


@pytest.fixture
def needs_root() -> None:
    assert os.geteuid() == 0, "tests of owners run as root"


def test_keys_of_others_in_settings(stack: Stack, tmp_path: Path) -> None:
    (stack.folder / ".env").write_text(f"SONARR_API_KEY={NEW_KEY}\n")
    theirs = parse_env(f"SONARR_API_KEY={OLD_KEY}\n")
    changed = changed_secrets(read_env(stack.folder), theirs)
    top = tmp_path / "bazarr"
    (top / "config").mkdir(parents=True)
    path = top / "config/config.yaml"
    path.write_text(f"sonarr:\n  apikey: {OLD_KEY}\n")
    told = list(rekey(stack, stack.catalog["bazarr"], top, changed))
    assert path.read_text() == f"sonarr:\n  apikey: {NEW_KEY}\n"
    assert told and not any(NEW_KEY in t or OLD_KEY in t for t in told)


@pytest.mark.parametrize("linked", ["config", "config/config.yaml"])
def test_a_key_is_not_put_where_a_link_leads(
    stack: Stack, tmp_path: Path, linked: str
) -> None:
    (stack.folder / ".env").write_text(f"BAZARR_API_KEY={NEW_KEY}\n")
    victim, top = tmp_path / "victim", tmp_path / "bazarr"
    victim.mkdir()
    text = f"auth:\n  apikey: {OLD_KEY}\n"
    (victim / "config.yaml").write_text(text)
    (top / linked).parent.mkdir(parents=True)
    target = victim if linked == "config" else victim / "config.yaml"
    (top / linked).symlink_to(target)
    assert not list(rekey(stack, stack.catalog["bazarr"], top, {}))
    assert (victim / "config.yaml").read_text() == text
    (top / linked).unlink()
    (top / "config").mkdir(exist_ok=True)
    (top / "config/config.yaml").write_text(text)
    assert list(rekey(stack, stack.catalog["bazarr"], top, {}))
    assert NEW_KEY in (top / "config/config.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4.0.10", (4, 0, 10)),
        ("v4.0.1-ls2", (4, 0, 1)),
        ("version-5", (5,)),
        ("nightly", ()),
    ],
)
def test_versions_are_numbers(text: str, expected: tuple[int, ...]) -> None:
    assert numbers(text) == expected


def test_no_room_is_told_before_anything(tmp_path: Path) -> None:
    facts = ServiceFacts("sonarr")
    manifest = Manifest(
        tool="1",
        type="full",
        created="",
        host="",
        stack="",
        services=(facts,),
        size=1 << 60,
    )
    with pytest.raises(UsenetError) as caught:
        check_room(manifest, tmp_path / "not/there/yet")
    assert caught.value.code == "backup.no-room"
