"""kill -9 of a backup that stopped a service: the next run starts it.

That run is killed as well, at each of its own records in turn.
"""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from killing import run_killed

from cli_process import Cli
from docker_engine import engine_socket
from e2e.held_database import hold, impatient
from e2e.sandbox_stack import containers, take_down, write_stack
from usenet_stack.backup import list_backups, verify_backup
from usenet_stack.stack.model import load_stack


@pytest.fixture
def host() -> str:
    return f"unix://{engine_socket()}"


@pytest.fixture
def folder(tmp_path: Path, host: str) -> Iterator[Path]:
    folder = tmp_path / f"held{os.getpid()}"
    write_stack(folder, folder.name, ("bazarr",))
    impatient(folder)
    yield folder
    take_down(host, load_stack(folder).project, folder)


def test_killed_after_every_record(
    usenet: Cli, folder: Path, host: str
) -> None:
    there = ["--stack", str(folder)]
    env = {"DOCKER_HOST": host}
    ran = usenet("deploy", "--yes", *there, env=env)
    assert ran.rc == 0, ran
    stack = load_stack(folder)
    database = folder / "config/bazarr/db/bazarr.db"
    stopped = 0
    for number in count(1):
        (container,) = containers(host, stack.project).values()
        hold(host, container["Id"], database)
        found = run_killed(
            ["backup", "create", *there],
            after_record=number,
            env=usenet.environment(env),
        )
        (container,) = containers(host, stack.project).values()
        stopped += not container["State"]["Running"]
        for row in list_backups(stack).data["backups"]:
            assert verify_backup(Path(row["path"])).ok
        recover = ["journal", "recover", *there]
        again = usenet.environment(env)
        run_killed(recover, after_record=1 + number % 4, env=again)
        recovered = usenet(*recover, env=env)
        assert recovered.rc == 0, recovered
        (container,) = containers(host, stack.project).values()
        assert container["State"]["Running"], number
        assert not list((folder / "backups").glob(".*")), number
        if not found.killed:
            break
        # Lets go of the lock, for the next one to take.
        usenet("services", "restart", "bazarr", *there, env=env)
    assert found.code == 0, found
    assert stopped >= 2
    assert number > 10
