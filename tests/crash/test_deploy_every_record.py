"""kill -9 of a deploy after each record: the next run completes it."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from killing import run_killed

from cli_process import Cli
from docker_engine import engine_socket
from e2e.sandbox_stack import containers, take_down, write_stack
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.transaction.journal import Journal, journals

SERVICES = ("sabnzbd", "sonarr")


@pytest.fixture
def host() -> str:
    return f"unix://{engine_socket()}"


@pytest.fixture
def stack(tmp_path: Path, host: str) -> Iterator[Path]:
    folder = tmp_path / f"crash{os.getpid()}"
    write_stack(folder, folder.name, SERVICES)
    yield folder
    take_down(host, load_stack(folder).project, folder)


def start_anew(host: str, folder: Path) -> None:
    """Bring a stack back to its stack.toml and nothing else."""
    take_down(host, load_stack(folder).project, folder)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "stack.toml":
            path.unlink()


def known_services(folder: Path) -> set[str]:
    """Return the services of all steps that the journals say began."""
    known: set[str] = set()
    for path in journals(folder):
        journal = Journal.open(path)
        steps = journal.plan().steps
        for record in journal.records:
            if record["event"] == "begin":
                operation = steps[record["step"]].operation
                known.update(getattr(operation, "services", ()))
    return known


def composes_of(folder: Path) -> list[str]:
    """Return the command lines of Compose that still work on a stack."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it ended meanwhile
        if f"--project-directory={folder}" in words:
            found.append(" ".join(words))
    return found


@pytest.mark.timeout(900)
def test_killed_after_every_record_of_a_deploy(
    usenet: Cli, host: str, stack: Path
) -> None:
    project = load_stack(stack).project
    environ = usenet.environment({"DOCKER_HOST": host})
    words = ["deploy", "--stack", str(stack), "--yes", "--format", "json"]
    for number in count(1):
        start_anew(host, stack)
        found = run_killed(words, after_record=number, env=environ)
        if not found.killed:
            break
        assert composes_of(stack) == [], number
        running = set(containers(host, project))
        assert running <= known_services(stack), number
        env = stack / ".env"
        keys = read_env(stack) if env.exists() else None

        again = usenet(*words, env={"DOCKER_HOST": host})
        assert again.rc == 0, (number, again)
        states = {
            row["name"]: row["state"] for row in again.json["data"]["services"]
        }
        assert states == dict.fromkeys(SERVICES, "ready"), number
        assert all(Journal.open(path).finished for path in journals(stack))
        # A key that a container may run with already is never changed.
        assert keys is None or dict(read_env(stack)) == dict(keys), number
    assert found.code == 0, found
    assert number > 20
