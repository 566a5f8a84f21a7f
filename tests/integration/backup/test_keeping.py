"""Cleaning, pinning, copying, comparing, encrypting."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pyrage
import pytest

from cli_process import Cli
from usenet_stack.backup import (
    BackupRequest,
    all_backups,
    clean_backups,
    copy_backup,
    create_backup,
    diff_backups,
    list_backups,
    pin_backup,
    policy_of,
    show_backup,
    verify_backup,
)
from usenet_stack.backup.note import note_path, read_note
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def used(bare: Stack) -> Stack:
    folder = bare.config_root / "sonarr"
    folder.mkdir(parents=True)
    xml = f"<Config>\n  <ApiKey>{SECRET}</ApiKey>\n  <Port>8989</Port>\n"
    (folder / "config.xml").write_text(f"{xml}</Config>\n")
    with closing(sqlite3.connect(folder / "sonarr.db")) as made:
        made.execute("CREATE TABLE series (title)")
        made.execute("CREATE TABLE tag (name)")
    return bare


def made(stack: Stack, **more: object) -> Path:
    request = BackupRequest(**more)  # type: ignore[arg-type]
    return Path(create_backup(stack, request).data["path"])


def aged(path: Path, stamp: str) -> Path:
    """Give a backup another time."""
    kind, _, rest = path.name.split("-", 1)[1].partition("-")
    new = path.with_name(f"usenet-{kind}-{stamp}-{rest.split('-')[1]}")
    note_path(path).rename(note_path(new))
    return path.rename(new)


# -- clean, pin, copy ----------------------------------------------------


def test_clean_removes_what_nothing_keeps(used: Stack) -> None:
    for day in (1, 2, 3, 4):
        aged(made(used), f"2026010{day}T000000Z")
    first, *rest = all_backups(used)
    pin_backup(used, rest[-1], True)
    result = clean_backups(used, policy_of(used, {"last": 2}))
    assert all_backups(used) == [first, rest[0], rest[-1]]
    assert [row["name"] for row in result.data["removed"]] == [rest[1].name]
    assert not note_path(rest[1]).exists()
    assert result.data["freed"] > 0
    reasons = {row["name"]: row["why"] for row in result.data["kept"]}
    assert reasons[rest[-1].name] == "it is pinned"


def test_a_partial_backup_does_not_push_the_whole_one_out(
    used: Stack,
) -> None:
    whole = aged(made(used), "20260101T000000Z")
    minimal = aged(made(used, type="minimal"), "20260102T000000Z")
    one = aged(made(used, services=("sonarr",)), "20260103T000000Z")
    clean_backups(used, policy_of(used, {"last": 1}))
    assert all_backups(used) == [one, whole]
    assert not minimal.exists()


def test_a_damaged_newest_one_does_not_count(used: Stack) -> None:
    good = aged(made(used), "20260101T000000Z")
    bad = made(used)
    bad.write_bytes(bad.read_bytes()[:-7])
    clean_backups(used, policy_of(used, {"last": 1}))
    assert all_backups(used) == [good]


def test_a_pin_without_a_note_makes_one(used: Stack) -> None:
    path = made(used, description="mine")
    note_path(path).unlink()
    assert pin_backup(used, path, True).data["changed"]
    assert not pin_backup(used, path, True).data["changed"]
    assert read_note(path).pinned
    (row,) = list_backups(used).data["backups"]
    assert (row["pinned"], row["description"]) == (True, "mine")
    verify_backup(path)
    assert read_note(path).pinned
    pin_backup(used, path, False)
    assert not read_note(path).pinned


def test_clean_shows_what_goes_and_asks(usenet: Cli, used: Stack) -> None:
    paths = [aged(made(used), f"2026010{day}T000000Z") for day in (1, 2)]
    there = ("--stack", str(used.folder), "--keep-last", "1")
    refused = usenet("backup", "clean", *there)
    assert refused.rc == 1
    assert paths[0].name in refused.stderr
    assert "no rule keeps it" in refused.stderr
    assert len(all_backups(used)) == 2
    shown = usenet("backup", "clean", *there, "--dry-run")
    assert paths[0].name in shown.stdout.replace("\n   ", "")
    assert len(all_backups(used)) == 2
    assert usenet("backup", "clean", *there, "--yes").rc == 0
    assert all_backups(used) == [paths[1]]


def test_a_copy_is_the_same_and_whole(used: Stack, tmp_path: Path) -> None:
    source = made(used, name="one")
    result = copy_backup(used, source, str(tmp_path / "usb/backups"))
    copy = Path(result.data["path"])
    assert copy.read_bytes() == source.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert read_note(copy).manifest == read_note(source).manifest
    with pytest.raises(UsenetError) as caught:
        copy_backup(used, source, str(tmp_path / "usb/backups"))
    assert caught.value.code == "backup.exists"


def test_nothing_damaged_is_copied(used: Stack, tmp_path: Path) -> None:
    source = made(used)
    source.write_bytes(source.read_bytes()[:-7])
    with pytest.raises(UsenetError) as caught:
        copy_backup(used, source, str(tmp_path / "usb"))
    assert caught.value.code == "backup.damaged"
    assert not (tmp_path / "usb").exists()


# Keeps its remotes as folders, as rclone's own local backend does.
RCLONE = """#!/bin/sh
root={root}
case $1 in
copyto) mkdir -p "$(dirname "$root/$3")" && cp "$2" "$root/$3" ;;
cat) cat "$root/$2" ;;
lsf) [ -e "$root/$2" ] && basename "$2" || exit 3 ;;
deletefile) rm "$root/$2" ;;
esac
"""


@pytest.fixture
def rclone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program rclone, and the folder of its remotes."""
    program = tmp_path / "bin/rclone"
    program.parent.mkdir()
    remotes = tmp_path / "remotes"
    program.write_text(RCLONE.format(root=remotes))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return remotes


def test_a_copy_on_a_remote(used: Stack, rclone: Path) -> None:
    source = made(used)
    result = copy_backup(used, source, "rclone:box:backups")
    assert result.data["path"] == f"rclone:box:backups/{source.name}"
    copy = rclone / "box:backups" / source.name
    assert copy.read_bytes() == source.read_bytes()
    assert note_path(copy).exists()


def test_a_remote_that_lies_is_found(used: Stack, rclone: Path) -> None:
    program = Path(os.environ["PATH"].split(":")[0], "rclone")
    text = program.read_text()
    program.write_text(text.replace('cat "$root/$2"', 'echo "$root"'))
    source = made(used)
    with pytest.raises(UsenetError) as caught:
        copy_backup(used, source, "rclone:box:backups")
    assert caught.value.exit_code == 13
    assert list((rclone / "box:backups").iterdir()) == []


def test_no_rclone_is_an_error(
    used: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = made(used)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsenetError) as caught:
        copy_backup(used, source, "rclone:box:backups")
    assert caught.value.code == "backup.no-rclone"


# -- diff ----------------------------------------------------------------


def test_diff_tells_files_settings_and_rows(used: Stack) -> None:
    old = made(used)
    folder = used.config_root / "sonarr"
    xml = folder / "config.xml"
    text = xml.read_text().replace("8989", "8990")
    xml.write_text(text.replace(SECRET, SECRET[::-1]))
    (folder / "asp").mkdir()
    (folder / "asp/new.xml").write_text("new")
    with closing(sqlite3.connect(folder / "sonarr.db")) as database:
        database.execute("INSERT INTO series VALUES ('a'), ('b')")
        database.execute("CREATE TABLE fresh (x)")
        database.commit()
    live = diff_backups(used, old, None).data
    again = diff_backups(used, old, made(used)).data
    assert live | {"new": ""} == again | {"new": ""}
    assert live["files"] == {
        "added": ["config/sonarr/asp/new.xml"],
        "removed": [],
        "changed": ["config/sonarr/config.xml", "config/sonarr/sonarr.db"],
    }
    settings = {
        row["key"]: (row["old"], row["new"]) for row in live["settings"]
    }
    assert settings == {
        "ApiKey": ("(hidden)", "(hidden)"),
        "Port": ("8989", "8990"),
    }
    rows = {row["table"]: (row["old"], row["new"]) for row in live["rows"]}
    assert rows == {"series": (0, 2), "fresh": (None, 0)}
    assert SECRET not in str(live)


def test_nothing_differs(used: Stack) -> None:
    found = diff_backups(used, made(used), None).data
    assert not any(found["files"].values())
    assert (found["settings"], found["rows"]) == ([], [])


# -- encryption ----------------------------------------------------------


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.txt"
    identity = pyrage.x25519.Identity.generate()
    public = identity.to_public()
    path.write_text(f"# public key: {public}\n{identity}\n")
    return path


def public_of(key: Path) -> str:
    return key.read_text().splitlines()[0].rpartition(" ")[2]


def test_an_encrypted_backup_is_read_with_its_key_only(
    used: Stack, key: Path, tmp_path: Path
) -> None:
    path = made(used, encrypt=True, recipients=(public_of(key),))
    assert path.name.endswith(".tar.zst.age")
    content = path.read_bytes()
    assert content.startswith(b"age-encryption.org/v1\n")
    assert SECRET.encode() not in content
    assert sorted(p.name for p in path.parent.iterdir()) == [
        path.name,
        note_path(path).name,
    ]
    assert not verify_backup(path).data["opened"]
    opened = verify_backup(path, key)
    assert opened.data["opened"]
    assert opened.data["databases"] == 1
    assert show_backup(path, identity=key).data["files"]
    other = tmp_path / "other.txt"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(UsenetError) as caught:
        show_backup(path, identity=other)
    assert caught.value.code == "backup.locked-up"
    assert other.read_text() not in str(caught.value.as_dict())


def test_damage_of_an_encrypted_backup_is_found(used: Stack, key: Path) -> None:
    path = made(used, encrypt=True, recipients=(public_of(key),))
    whole = path.read_bytes()
    for place in (0, 30, 200, len(whole) // 2, len(whole) - 1):
        flipped = bytearray(whole)
        flipped[place] ^= 4
        path.write_bytes(flipped)
        with pytest.raises(UsenetError) as caught:
            verify_backup(path)
        assert caught.value.code == "backup.damaged"
    note_path(path).unlink()
    for content in (whole[:-20], bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(UsenetError) as caught:
            verify_backup(path, key)
        assert caught.value.code == "backup.damaged"
    path.write_bytes(whole)
    with pytest.raises(UsenetError) as caught:
        verify_backup(path)
    assert caught.value.code == "backup.locked-up"


def test_nobody_to_encrypt_to(used: Stack) -> None:
    for recipients, code in (
        ((), "backup.no-recipient"),
        (("age1nonsense",), "backup.recipient"),
    ):
        with pytest.raises(UsenetError) as caught:
            made(used, encrypt=True, recipients=recipients)
        assert caught.value.code == code
    assert all_backups(used) == []
