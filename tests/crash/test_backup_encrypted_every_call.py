"""kill -9 at every call of a backup that is encrypted.

What is listed is whole and opens; nothing that can be read is left, neither
beside the backups nor in the folder for temporary files.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pyrage
import pytest
from striking import Struck
from struck_runs import struck_runs

from cli_process import Cli
from usenet_stack.backup import all_backups, create_backup, verify_backup
from usenet_stack.backup.note import note_path
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

WHEN = [pytest.param(False, id="before"), pytest.param(True, id="after")]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "stack"
    config = folder / "config/sonarr"
    config.mkdir(parents=True)
    text = new_settings_text(NewStack("struckage"))
    (folder / "stack.toml").write_text(text)
    (config / "config.xml").write_text("<Config/>")
    with closing(sqlite3.connect(config / "sonarr.db")) as database:
        database.execute("CREATE TABLE series (title)")
    return load_stack(folder)


@pytest.fixture
def cli(usenet: Cli, tmp_path: Path) -> Cli:
    (tmp_path / "temporary").mkdir()
    return Cli(usenet.home, {"TMPDIR": str(tmp_path / "temporary")})


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.txt"
    path.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    return path


def public_of(key: Path) -> str:
    identity = pyrage.x25519.Identity.from_str(key.read_text().strip())
    return str(identity.to_public())


@pytest.mark.parametrize("after", WHEN)
def test_create(
    cli: Cli, stack: Stack, key: Path, tmp_path: Path, after: bool
) -> None:
    there = f"--stack={stack.folder}"
    plain = Path(create_backup(stack).data["path"])
    words = ["backup", "create", "--encrypt", f"--recipient={public_of(key)}"]
    temporary = tmp_path / "temporary"

    def whole(_found: Struck | None = None) -> None:
        for path in all_backups(stack):
            assert verify_backup(path, key).data["opened"], path
            assert (path == plain) == (path.suffix != ".age")
        assert list(temporary.iterdir()) == []

    made = []
    for number in struck_runs(cli, there, words, after=after, torn=whole):
        whole()
        new = [path for path in all_backups(stack) if path != plain]
        assert len(new) <= 1
        made.append(len(new))
        expected = {path.name for path in (plain, *new)}
        expected |= {note_path(path).name for path in (plain, *new)}
        found = {path.name for path in (stack.folder / "backups").iterdir()}
        assert found == expected, number
        for path in new:
            path.unlink()
            note_path(path).unlink()
    assert number > 25
    # Once there is one that recovery keeps, the run had ended by then.
    assert made == sorted(made)
    assert made[0] == 0
    assert made[-1] == 1
