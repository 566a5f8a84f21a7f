"""Names of another machine in restored settings become those of this one."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from usenet_stack.backup.restoring.remapping import moved_since, remap
from usenet_stack.stack.model import Stack, load_stack

HERE = """\
[stack]
name = "here"
hosts = ["attic"]
[paths]
downloads = "incoming"
[pool]
path = "library"
tv = "series"
"""
THERE: dict[str, Any] = {"stack": {"hosts": ["cellar"]}}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "stack"
    folder.mkdir()
    (folder / "stack.toml").write_text(HERE)
    return load_stack(folder)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "staged"
    folder.mkdir()
    return folder


def told(stack: Stack, top: Path) -> list[str]:
    return list(remap("app", top, moved_since(THERE, stack)))


@pytest.mark.parametrize(
    ("was", "expected"),
    [
        ("dir = /data/downloads", "dir = /data/incoming"),
        ("dir = /data/downloads/tv", "dir = /data/incoming/tv"),
        ("dir = /data/downloads2", "dir = /data/downloads2"),
        ("dir = /mnt/data/downloads", "dir = /mnt/data/downloads"),
        (
            "a=/data/media/tv,b=/data/media",
            "a=/data/library/series,b=/data/library",
        ),
        ("p = /data/media/drive1/tv", "p = /data/library/drive1/tv"),
        ("url = http://cellar:8080/a", "url = http://attic:8080/a"),
        ('{"base": "http://cellar/cellar"}', '{"base": "http://attic/cellar"}'),
        ("host_whitelist = cellar, x", "host_whitelist = attic, x"),
        ("hostname: cellar.lan", "hostname: cellar.lan"),
        ("title = cellar", "title = cellar"),
        ("title = the host: cellar", "title = the host: cellar"),
    ],
)
def test_texts(stack: Stack, top: Path, was: str, expected: str) -> None:
    path = top / "app.ini"
    path.write_text(f"first = 1\r\n{was}\n")
    path.chmod(0o640)
    changed = told(stack, top)
    assert path.read_bytes().decode() == f"first = 1\r\n{expected}\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [("app.ini" in text) for text in changed] == [True] * (
        was != expected
    )


def test_databases(stack: Stack, top: Path) -> None:
    path = top / "sonarr.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute('CREATE TABLE "Root""Folders" (Id, Path TEXT)')
        database.execute("CREATE TABLE Series (Title, Path, Overview)")
        rows = [(1, "/data/media/tv"), (2, "/data/media/d1/tv"), (3, "/else")]
        database.executemany('INSERT INTO "Root""Folders" VALUES (?, ?)', rows)
        row = ("/data/media", None, "/data/media")
        database.execute("INSERT INTO Series VALUES (?, ?, ?)", row)
        database.commit()
    assert told(stack, top) == ["app: 2 paths in sonarr.db, as here"]
    with closing(sqlite3.connect(path)) as database:
        found = database.execute('SELECT Path FROM "Root""Folders"').fetchall()
        series = database.execute("SELECT * FROM Series").fetchall()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert found == [
        ("/data/library/series",),
        ("/data/library/d1/tv",),
        ("/else",),
    ]
    assert series == [row]
    assert told(stack, top) == []


def test_a_database_that_resists_is_left_whole(stack: Stack, top: Path) -> None:
    path = top / "app.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE a (path)")
        database.execute("CREATE TABLE b (path CHECK (path = '/data/media'))")
        for table in ("a", "b"):
            database.execute(f"INSERT INTO {table} VALUES ('/data/media')")
        database.commit()
    assert "those of before" in told(stack, top)[0]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT path FROM a").fetchone() == (
            "/data/media",
        )


@pytest.mark.parametrize(
    "theirs",
    [
        {},
        {"stack": {"hosts": ["attic"]}, "paths": {"downloads": "incoming"}}
        | {"pool": {"path": "library", "tv": "series"}},
        {"stack": 1, "paths": [], "pool": {"path": "library", "tv": "series"}}
        | {"paths": {"downloads": "incoming"}},
    ],
)
def test_nothing_to_do(stack: Stack, theirs: dict[str, Any]) -> None:
    assert not moved_since(theirs, stack)


def test_names_that_cannot_be_paired_stay(stack: Stack) -> None:
    theirs = {"stack": {"hosts": ["one", "two"]}}
    assert moved_since(theirs, stack).hosts == {"one": "attic", "two": "attic"}
    (stack.folder / "stack.toml").write_text(
        HERE.replace('"attic"', '"a", "b", "c"')
    )
    assert moved_since(theirs, load_stack(stack.folder)).hosts == {}
