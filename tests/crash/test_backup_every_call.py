"""kill -9 at every record, rename and fsync of create, clean and copy.

Enumerated, not sampled: before and right after each. Afterwards every backup
that is listed verifies, the next run settles what is left, even where it is
killed in its turn, and no file is there that is not named.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from striking import run_struck
from struck_runs import RECOVERY_CALLS

from cli_process import Cli
from usenet_stack.backup import (
    BackupRequest,
    all_backups,
    create_backup,
    verify_backup,
)
from usenet_stack.backup.naming import backups_in
from usenet_stack.backup.note import note_path
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

WHEN = [pytest.param(False, id="before"), pytest.param(True, id="after")]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "stack"
    config = folder / "config/sonarr"
    config.mkdir(parents=True)
    text = new_settings_text(NewStack("struck"))
    (folder / "stack.toml").write_text(text)
    (config / "config.xml").write_text("<Config/>")
    with closing(sqlite3.connect(config / "sonarr.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE series (title)")
    return load_stack(folder)


def points(
    usenet: Cli, words: list[str], after: bool, least: int
) -> Iterator[int]:
    """Yield after each kill; the last run ends by itself."""
    for number in count(1):
        env = usenet.environment()
        found = run_struck(words, at=number, after=after, env=env)
        if not found.killed:
            assert found.code == 0, found
            assert number > least, found
            return
        yield number


def recover(usenet: Cli, there: list[str], number: int, after: bool) -> None:
    """Settle what a kill left, struck itself one call later each time."""
    words = ["journal", "recover", *there]
    env = usenet.environment()
    run_struck(words, at=1 + number % RECOVERY_CALLS, after=after, env=env)
    assert usenet(*words).rc == 0, number


def whole(paths: list[Path]) -> None:
    for path in paths:
        assert verify_backup(path).ok, path


def tidy(folder: Path) -> None:
    """Assert that there are backups and their notes, and nothing else."""
    paths = backups_in(folder)
    expected = {path.name for path in paths}
    expected |= {note_path(path).name for path in paths}
    found = {path.name for path in folder.iterdir()} if folder.exists() else {}
    assert set(found) == expected


@pytest.mark.parametrize("after", WHEN)
def test_create(usenet: Cli, stack: Stack, after: bool) -> None:
    there = ["--stack", str(stack.folder)]
    create_backup(stack)
    before = set(all_backups(stack))
    words = ["backup", "create", *there]
    for number in points(usenet, words, after, 20):
        whole(all_backups(stack))
        recover(usenet, there, number, after)
        tidy(stack.folder / "backups")
        whole(all_backups(stack))
        new = set(all_backups(stack)) - before
        assert before <= set(all_backups(stack))
        assert len(new) <= 1
        for path in new:
            path.unlink()
            note_path(path).unlink()


@pytest.mark.parametrize("after", WHEN)
def test_clean(usenet: Cli, stack: Stack, tmp_path: Path, after: bool) -> None:
    there = ["--stack", str(stack.folder)]
    folder = stack.folder / "backups"
    for _ in range(3):
        create_backup(stack, BackupRequest(type="minimal"))
    old = set(all_backups(stack))
    new = {max(all_backups(stack), key=lambda path: path.name)}
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    words = ["backup", "clean", "--keep-last=1", "--yes", *there]
    for number in points(usenet, words, after, 12):
        whole(all_backups(stack))
        recover(usenet, there, number, after)
        tidy(folder)
        found = set(all_backups(stack))
        assert len(found) in (1, 3), number
        assert found in (old, {all_backups(stack)[0]}), number
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
    assert len(all_backups(stack)) == len(new)


@pytest.mark.parametrize("after", WHEN)
def test_copy(usenet: Cli, stack: Stack, tmp_path: Path, after: bool) -> None:
    there = ["--stack", str(stack.folder)]
    source = Path(create_backup(stack).data["path"])
    target = tmp_path / "elsewhere"
    target.mkdir()
    words = ["backup", "copy", "latest", str(target), *there]
    for number in points(usenet, words, after, 12):
        whole(backups_in(target))
        recover(usenet, there, number, after)
        tidy(target)
        whole([source, *backups_in(target)])
        shutil.rmtree(target)
        target.mkdir()
    assert [path.name for path in backups_in(target)] == [source.name]
    tidy(target)
