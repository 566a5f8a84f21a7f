"""Backups of a stack whose databases are being written."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import pytest

from cli_process import Cli
from usenet_stack.backup import (
    BackupRequest,
    create_backup,
    find_backup,
    list_backups,
    show_backup,
    verify_backup,
)
from usenet_stack.backup.note import note_path
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

# Two rows whose sum never changes: a copy of two moments shows.
WRITER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE ledger (side TEXT PRIMARY KEY, sum INTEGER, pad BLOB)")
db.execute("INSERT INTO ledger VALUES ('a', 1000000, ''), ('b', 0, '')")
print("ready", flush=True)
while True:
    db.execute("BEGIN")
    db.execute("UPDATE ledger SET sum = sum - 1, pad = randomblob(9000)"
               " WHERE side = 'a'")
    db.execute("UPDATE ledger SET sum = sum + 1, pad = randomblob(9000)"
               " WHERE side = 'b'")
    db.execute("COMMIT")
"""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "stack"
    folder.mkdir()
    text = new_settings_text(NewStack("backed-up"))
    (folder / "stack.toml").write_text(text)
    (folder / ".env").write_text("SONARR_API_KEY=0123456789abcdef\n")
    (folder / ".env").chmod(0o600)
    config = folder / "config/sonarr"
    (config / "logs").mkdir(parents=True)
    (config / "MediaCover/1").mkdir(parents=True)
    (config / "asp").mkdir()
    (config / "config.xml").write_text("<Config/>")
    (config / "logs/sonarr.txt").write_text("no")
    (config / "MediaCover/1/poster.jpg").write_text("no")
    (config / "asp/key with\nnewline.xml").write_text("odd")
    (config / "asp/link").symlink_to("../config.xml")
    with closing(sqlite3.connect(config / "sonarr.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE series (title)")
    return load_stack(folder)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    path.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
        assert process.poll() is None, "the writer did not survive"
    finally:
        process.kill()
        process.communicate()


def unpack(archive: str, target: Path) -> Path:
    target.mkdir()
    subprocess.run(["tar", "xf", archive, "-C", target], check=True)
    return target


def test_twenty_backups_under_a_writer_are_consistent(
    stack: Stack, tmp_path: Path
) -> None:
    sums = set()
    with writing(stack.config_root / "sonarr/sonarr.db"):
        for number in range(20):
            made = create_backup(stack)
            folder = unpack(made.data["path"], tmp_path / str(number))
            config = folder / "config/sonarr"
            assert not list(config.glob("sonarr.db-*"))
            with closing(sqlite3.connect(config / "sonarr.db")) as database:
                check = database.execute("PRAGMA integrity_check").fetchone()
                rows = dict(database.execute("SELECT side, sum FROM ledger"))
            assert check == ("ok",)
            assert rows["a"] + rows["b"] == 1_000_000
            sums.add(rows["b"])
    assert len(sums) == 20, "the writer stood still"


def test_what_is_in_it_and_what_is_not(stack: Stack, tmp_path: Path) -> None:
    pipe = stack.config_root / "sonarr/asp/pipe"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(stack.config_root / "sonarr/s"))
        made = create_backup(stack, BackupRequest(description="before 4.1"))
    assert sorted(made.data["skipped"]) == [
        "config/sonarr/asp/pipe",
        "config/sonarr/s",
    ]
    folder = unpack(made.data["path"], tmp_path / "out")
    found = {str(p.relative_to(folder)) for p in folder.rglob("*")}
    assert {
        "manifest.json",
        "stack/stack.toml",
        "stack/.env",
        "config/sonarr/config.xml",
        "config/sonarr/sonarr.db",
        "config/sonarr/asp/key with\nnewline.xml",
        "config/sonarr/asp/link",
    } <= found
    assert not any("MediaCover" in p or "/logs" in p for p in found)
    assert (folder / "config/sonarr/asp/link").is_symlink()
    assert (folder / "stack/.env").stat().st_mode & 0o777 == 0o600
    archive = Path(made.data["path"])
    assert archive.stat().st_mode & 0o777 == 0o600
    listed = subprocess.run(
        ["tar", "tf", archive], capture_output=True, text=True, check=True
    )
    assert listed.stdout.splitlines()[0] == "manifest.json"
    assert show_backup(archive).data["description"] == "before 4.1"
    (row,) = list_backups(stack).data["backups"]
    assert (row["type"], row["description"]) == ("config", "before 4.1")
    assert verify_backup(archive).data["databases"] == 1


def refused(path: Path) -> bool:
    with pytest.raises(UsenetError) as caught:
        verify_backup(path)
    return caught.value.code == "backup.damaged"


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
@pytest.mark.parametrize("note", [True, False])
def test_every_flipped_bit_and_every_truncation_is_found(
    stack: Stack, compression: Literal["zstd", "gzip"], note: bool
) -> None:
    request = BackupRequest(compression=compression)
    archive = Path(create_backup(stack, request).data["path"])
    if not note:
        note_path(archive).unlink()
    whole = archive.read_bytes()
    # Each byte of what frames the content, and the content here and there.
    edges = 300
    places = {*range(edges), *range(len(whole) - edges, len(whole))}
    places |= set(range(edges, len(whole), max(1, len(whole) // 100)))
    for place in sorted(places):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        archive.write_bytes(flipped)
        assert refused(archive), place
        archive.write_bytes(whole[:place])
        assert refused(archive), place
    archive.write_bytes(whole + b"\0")
    assert refused(archive)
    archive.write_bytes(whole)
    assert verify_backup(archive).ok


def test_a_missing_database_is_an_error(stack: Stack) -> None:
    (stack.config_root / "sonarr/sonarr.db").unlink()
    with pytest.raises(UsenetError, match=r"sonarr has no sonarr\.db"):
        create_backup(stack)
    assert list_backups(stack).data["backups"] == []


def test_a_damaged_database_leaves_nothing(stack: Stack) -> None:
    path = stack.config_root / "sonarr/sonarr.db"
    content = bytearray(path.read_bytes())
    content[4000:8100] = os.urandom(4100)
    path.write_bytes(content)
    with pytest.raises(UsenetError) as caught:
        create_backup(stack)
    assert caught.value.exit_code == 13
    assert list_backups(stack).data["backups"] == []
    assert not (stack.folder / "backups").exists()


def test_names(stack: Stack) -> None:
    first = Path(create_backup(stack).data["path"])
    second = Path(create_backup(stack).data["path"])
    assert find_backup(stack, "latest") == max(first, second)
    assert find_backup(stack, first.name) == first
    assert find_backup(stack, str(second)) == second
    unknown = dict.fromkeys(("nothing", "../" + first.name, ""), "unknown")
    for name, code in ({"usenet-": "ambiguous"} | unknown).items():
        with pytest.raises(UsenetError) as caught:
            find_backup(stack, name)
        assert caught.value.code == f"backup.{code}"


def test_the_command_and_its_old_spelling(usenet: Cli, stack: Stack) -> None:
    there = ("--stack", str(stack.folder))
    made = usenet("backup", "create", *there, "--format", "json")
    assert made.rc == 0, made
    path = made.json["data"]["path"]
    assert usenet("backup", "verify", path, *there).rc == 0
    old = usenet("--backup", "list", *there, "--format", "json")
    assert [row["path"] for row in old.json["data"]["backups"]] == [path]
    assert "usenet backup" in old.stderr
    assert "0123456789abcdef" not in made.stdout + made.stderr
