"""What `usenet deploy` asks on a terminal, and what it does not."""

import subprocess
from pathlib import Path

import pexpect
import pytest

from cli_process import COMMAND, Cli
from e2e.sandbox_stack import is_mounted

QUESTION = "Shall other machines of your network reach the services"


def deploy(usenet: Cli, folder: Path, *words: str) -> pexpect.spawn:
    arguments = [*COMMAND[1:], "deploy", "--stack", str(folder)]
    return pexpect.spawn(
        COMMAND[0],
        [*arguments, "--storage-only", "--skip-validation", *words],
        env=usenet.environment({"TERM": "dumb"}),
        cwd=str(usenet.home),
        timeout=20,
        encoding="utf-8",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mine"


def end(child: pexpect.spawn, folder: Path) -> int | None:
    child.expect(pexpect.EOF)
    child.wait()
    while is_mounted(folder / "data"):
        subprocess.run(["umount", folder / "data"], check=True)
    code: int | None = child.exitstatus
    return code


def test_a_new_stack_asks_who_may_reach_it(usenet: Cli, folder: Path) -> None:
    child = deploy(usenet, folder)
    child.expect(QUESTION)
    child.sendline("n")
    assert end(child, folder) == 0, child.before
    assert 'bind = "127.0.0.1"' in (folder / "stack.toml").read_text()
    assert (folder / "data/media/tv").is_dir()

    again = deploy(usenet, folder)
    assert end(again, folder) == 0, again.before
    assert QUESTION not in again.before


def test_yes_asks_nothing_and_stays_on_this_machine(
    usenet: Cli, folder: Path
) -> None:
    child = deploy(usenet, folder, "--yes")
    assert end(child, folder) == 0, child.before
    assert QUESTION not in child.before
    assert 'bind = "127.0.0.1"' in (folder / "stack.toml").read_text()
