"""kill -9 before and after every call that makes a restore durable.

Recovery is killed too, at each of its own calls. Nothing runs here: what
containers do is in `test_restore_every_record`.
"""

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from striking import run_struck
from struck_runs import RECOVERY_CALLS

from cli_process import Cli
from docker_engine import engine_socket
from usenet_stack.backup import create_backup
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

SERVICES = ("sonarr", "radarr")
WHEN = [pytest.param(False, id="before"), pytest.param(True, id="after")]
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "stack"
    for name in SERVICES:
        config = folder / "config" / name
        config.mkdir(parents=True)
        (config / "config.xml").write_text("<Config/>")
        with closing(sqlite3.connect(config / f"{name}.db")) as database:
            database.execute("CREATE TABLE films (title)")
    text = new_settings_text(NewStack("struckrestore"))
    text += "\n[backup]\nkeep_restores = 1\n"
    (folder / "stack.toml").write_text(text)
    found = load_stack(folder)
    create_backup(found)
    return found


def state(stack: Stack) -> str:
    """Return "old" or "new"; fail on a mixture."""
    found = {
        (stack.folder / "config" / name / "config.xml").read_text()
        for name in SERVICES
    }
    assert len(found) == 1, found
    return "new" if found == {"<Config/>"} else "old"


def make_old(stack: Stack) -> None:
    for name in SERVICES:
        path = stack.folder / "config" / name / "config.xml"
        path.write_text("<Config>changed</Config>")


def spares(stack: Stack) -> int:
    return len(list((stack.folder / "config").glob(".restore-*")))


@pytest.mark.parametrize("after", WHEN)
def test_every_call(usenet: Cli, stack: Stack, after: bool) -> None:
    cli = Cli(usenet.home, {"DOCKER_HOST": f"unix://{engine_socket()}"})
    env = cli.environment()
    there = ["--stack", str(stack.folder)]
    words = ["backup", "restore", "latest", "--yes", *there]
    seen = []
    for number in count(1):
        make_old(stack)
        found = run_struck(words, at=number, after=after, env=env)
        if not found.killed:
            assert found.code == 0, found
            break
        # Each time recovery is struck one call later than the last time.
        again = ["journal", "recover", *there]
        place = 1 + number % RECOVERY_CALLS
        run_struck(again, at=place, after=after, env=env)
        recovered = cli(*again)
        assert recovered.rc == 0, (number, recovered)
        seen.append(state(stack))
        assert spares(stack) == len(SERVICES) * ("new" in seen), number
    assert number > 20
    assert seen == sorted(seen, reverse=True), "old, and from then on new"
    assert {"old", "new"} == set(seen)
