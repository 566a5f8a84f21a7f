"""kill -9 at every call of the less common ways of a restore.

From an encrypted backup; of services that have no folder yet; on a file
system that cannot exchange two folders; and of its undo. The common way is in
`test_restore_every_call`.
"""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pyrage
import pytest
from striking import Struck
from struck_runs import struck_runs

from cli_process import Cli
from docker_engine import engine_socket
from usenet_stack.backup import (
    BackupRequest,
    all_backups,
    create_backup,
    verify_backup,
)
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

SERVICES = ("sonarr", "radarr")
RESTORE = ["backup", "restore", "latest", "--yes"]
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def cli(usenet: Cli, tmp_path: Path) -> Cli:
    (tmp_path / "temporary").mkdir()
    host = f"unix://{engine_socket()}"
    own = {"DOCKER_HOST": host, "TMPDIR": str(tmp_path / "temporary")}
    return Cli(usenet.home, own)


def make_stack(folder: Path) -> Stack:
    for name in SERVICES:
        config = folder / "config" / name
        config.mkdir(parents=True)
        (config / "config.xml").write_text("<Config/>")
        with closing(sqlite3.connect(config / f"{name}.db")) as database:
            database.execute("CREATE TABLE films (title)")
    text = new_settings_text(NewStack("struckways"))
    text += "\n[backup]\nkeep_restores = 1\n"
    (folder / "stack.toml").write_text(text)
    return load_stack(folder)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return make_stack(tmp_path / "stack")


def settings(stack: Stack) -> list[Path]:
    config = stack.folder / "config"
    return [config / name / "config.xml" for name in SERVICES]


def state(stack: Stack) -> str:
    """Return "old", "new" or "none"; fail on a mixture."""
    found = {p.read_text() if p.exists() else "" for p in settings(stack)}
    assert len(found) == 1, found
    (text,) = found
    if not text:
        folders = [path.parent for path in settings(stack)]
        assert not any(folder.exists() for folder in folders)
        return "none"
    for path in settings(stack):
        database = path.with_name(f"{path.parent.name}.db")
        with closing(sqlite3.connect(database)) as opened:
            opened.execute("SELECT * FROM films")
    return "new" if text == "<Config/>" else "old"


def make_old(stack: Stack) -> None:
    for path in settings(stack):
        path.write_text("<Config>changed</Config>")


def spares(stack: Stack) -> int:
    return len(list((stack.folder / "config").glob(".restore-*")))


def check_restore(
    cli: Cli,
    stack: Stack,
    words: list[str],
    *,
    ready: Callable[[], None] | None = None,
    torn: Callable[[Struck], None] = lambda found: None,
    old: str = "old",
) -> None:
    """Strike a restore at every call: all old, and from then on all new."""
    seen = []
    for number in struck_runs(
        *(cli, f"--stack={stack.folder}", words),
        torn=torn,
        ready=ready or (lambda: make_old(stack)),
    ):
        seen.append(state(stack))
        # Where there was nothing, nothing is kept.
        kept = "new" in seen and old == "old"
        assert spares(stack) == len(SERVICES) * kept, number
    assert number > 25
    assert seen == sorted(seen, reverse=True)
    assert set(seen) == {old, "new"}
    assert state(stack) == "new"


def test_from_an_encrypted_backup(
    cli: Cli, stack: Stack, tmp_path: Path
) -> None:
    key, temporary = tmp_path / "key.txt", tmp_path / "temporary"
    identity = pyrage.x25519.Identity.generate()
    key.write_text(f"{identity}\n")
    public = str(identity.to_public())
    create_backup(stack, BackupRequest(encrypt=True, recipients=(public,)))
    # A decrypted copy holds the keys of all services.
    check_restore(
        *(cli, stack, [*RESTORE, f"--identity={key}"]),
        torn=lambda found: nothing_in(temporary),
    )
    for path in all_backups(stack):
        assert verify_backup(path, key).ok


def nothing_in(folder: Path) -> None:
    assert list(folder.iterdir()) == []


def test_undo(cli: Cli, stack: Stack) -> None:
    create_backup(stack)
    make_old(stack)
    there = f"--stack={stack.folder}"
    assert cli(*RESTORE, there).rc == 0
    seen = []
    words = ["backup", "undo", "--yes"]
    for number in struck_runs(cli, there, words):
        seen.append(state(stack))
        assert spares(stack) == len(SERVICES), number
        if seen[-1] == "old":
            assert cli("backup", "undo", "--redo", "--yes", there).rc == 0
            assert state(stack) == "new"
    assert state(stack) == "old"
    assert number > 15
    assert seen == sorted(seen)
    assert set(seen) == {"old", "new"}


def test_of_services_without_a_folder(cli: Cli, stack: Stack) -> None:
    create_backup(stack)

    def remove() -> None:
        for path in settings(stack):
            if path.parent.exists():
                shutil.rmtree(path.parent)

    check_restore(cli, stack, RESTORE, ready=remove, old="none")


class Union:
    """A folder shown by mergerfs, which exchanges nothing and whose inode
    numbers do not last."""

    def __init__(self, branch: Path, target: Path) -> None:
        self.branch, self.target = branch, target
        branch.mkdir()
        target.mkdir()

    def mount(self) -> None:
        subprocess.run(["mergerfs", self.branch, self.target], check=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", self.target], check=True)


@pytest.fixture
def union(tmp_path: Path) -> Iterator[Union]:
    found = Union(tmp_path / "branch", tmp_path / "union")
    found.mount()
    yield found
    found.unmount()


def test_where_nothing_can_be_exchanged(cli: Cli, union: Union) -> None:
    stack = make_stack(union.target / "stack")
    create_backup(stack)
    halves = []

    def torn(_found: Struck) -> None:
        halves.extend((stack.folder / "config").glob(".restore-*.aside"))
        # As after a power cut.
        union.unmount()
        union.mount()

    check_restore(cli, stack, RESTORE, torn=torn)
    assert halves, "no kill met a folder between its renames"
