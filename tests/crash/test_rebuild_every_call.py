"""kill -9 at every call of a restore that makes a stack of a backup."""

from itertools import count
from pathlib import Path

import pytest
from striking import run_struck

from cli_process import Cli
from usenet_stack.backup import create_backup
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

WHEN = [pytest.param(False, id="before"), pytest.param(True, id="after")]
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def lost(tmp_path: Path) -> Stack:
    folder = tmp_path / "lost"
    (folder / "config/recyclarr").mkdir(parents=True)
    (folder / "config/recyclarr/recyclarr.yml").write_text("mine")
    (folder / "stack.toml").write_text(new_settings_text(NewStack("rebuilt")))
    (folder / ".env").write_text("SONARR_API_KEY=secret\n")
    return load_stack(folder)


def tree(folder: Path) -> dict[str, bytes]:
    """Return what a stack is made of."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".usenet" not in path.parts
    }


@pytest.mark.parametrize("after", WHEN)
def test_every_call(
    usenet: Cli, lost: Stack, tmp_path: Path, after: bool
) -> None:
    """The same command again is all that it takes."""
    path = Path(create_backup(lost).data["path"])
    path = path.rename(tmp_path / path.name)
    (lost.folder / "backups").rename(tmp_path / "notes")
    expected = tree(lost.folder)
    seen = []
    for number in count(1):
        folder = tmp_path / f"made{number}"
        words = ["backup", "restore", str(path), "--yes", f"--stack={folder}"]
        env = usenet.environment()
        found = run_struck(words, at=number, after=after, env=env)
        if not found.killed:
            assert found.code == 0, found
            break
        # A folder with a stack.toml is a stack, and a whole one.
        whole = (folder / "stack.toml").exists()
        seen.append(whole)
        if whole:
            assert tree(folder) == expected, number
            # Any command settles what is left.
            assert usenet("journal", "recover", f"--stack={folder}").rc == 0
        else:
            again = usenet(*words)
            assert again.rc == 0, (number, again)
        assert tree(folder) == expected, number
        names = {made.name for made in folder.iterdir()}
        assert names == {".env", ".usenet", "config", "stack.toml"}, number
    assert number > 10
    assert seen == sorted(seen) and set(seen) == {False, True}
