"""kill -9 of a backup after each record: what is listed is whole."""

from itertools import count
from pathlib import Path

from killing import run_killed

from cli_process import Cli
from usenet_stack.backup import list_backups, verify_backup
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.template import NewStack, new_settings_text


def test_killed_after_every_record_of_a_backup(
    usenet: Cli, tmp_path: Path
) -> None:
    folder = tmp_path / "stack"
    folder.mkdir()
    text = new_settings_text(NewStack("killed"))
    (folder / "stack.toml").write_text(text)
    stack = load_stack(folder)
    words = ["backup", "create", "--stack", str(folder)]
    for number in count(1):
        found = run_killed(words, after_record=number, env=usenet.environment())
        rows = list_backups(stack).data["backups"]
        assert all(verify_backup(Path(row["path"])).ok for row in rows)
        if not found.killed:
            break
        assert usenet(*words).rc == 0
        assert list((folder / "backups").glob(".*")) == [], number
    assert found.code == 0, found
    assert number > 4
