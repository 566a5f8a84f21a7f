"""kill -9 of storage add and remove after each record: all is put back."""

import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from killing import run_killed

from docker_engine import engine_socket
from pool_stack import Sandbox, deployed
from usenet_stack.transaction.journal import Journal, journals

SERVICES = ("sonarr", "lidarr", "jellyfin")
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    home = tmp_path_factory.mktemp("killed")
    with deployed(home, f"unix://{engine_socket()}", SERVICES) as found:
        yield found


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    options = "size=8m,uid=1000,gid=1000"
    command = ["mount", "-t", "tmpfs", "-o", options, "none", path]
    subprocess.run(command, check=True)
    (path / "film").write_text("x")
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.mark.parametrize("verb", ["add", "remove"])
def test_killed_after_every_record(
    sandbox: Sandbox, disk: Path, verb: str
) -> None:
    if verb == "remove":
        assert sandbox.run("add", disk).rc == 0
    named = disk if verb == "add" else "disk"
    before, identities = sandbox.world(disk), sandbox.identities()
    environ = sandbox.cli.environment({"DOCKER_HOST": sandbox.host})
    words = ["storage", verb, str(named), "--stack", str(sandbox.folder)]
    words += ["--yes", "--format", "json"]
    for number in count(1):
        found = run_killed(words, after_record=number, env=environ)
        if not found.killed:
            break
        recovered = sandbox.cli(
            "journal", "recover", "--stack", sandbox.folder, "--yes",
            env={"DOCKER_HOST": sandbox.host},
        )  # fmt: skip
        assert recovered.rc == 0, (number, recovered)
        ended = Journal.open(journals(sandbox.folder)[-1]).outcome
        if ended == "committed":
            break  # it died after its end: nothing was left to do
        assert sandbox.world(disk) == before, number
    assert number > 15
    assert sandbox.identities() == identities
    if verb == "add":
        assert sandbox.world(disk) != before
        assert sandbox.run("remove", "disk").rc == 0
