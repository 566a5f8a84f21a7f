"""kill -9 of a drill at every record: its own, and its sandbox's.

A drill deploys and destroys its sandbox in processes of their own, which keep
journals too. At each record of any of them the drill is killed; afterwards
nothing of the sandbox is left: no container, no network, no folder.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from cli_process import Cli
from docker_engine import engine_socket
from e2e.sandbox_stack import LABEL, small_stack
from images.build import docker
from usenet_stack.stack.model import project_name
from usenet_stack.storage import read_mounts

# Is `usenet`, also for the processes that the drill starts.
PROGRAM = """#!{python}
import os, sys
sys.path.insert(0, {here!r})
from killing import arm
first = os.environ.setdefault("STRIKE_FIRST", str(os.getpid()))
count = os.open(os.environ["STRIKE_COUNT"], os.O_WRONLY | os.O_APPEND)
arm(count, int(os.environ["STRIKE_AT"]), int(first))
del sys.path[0]
from usenet_stack.__main__ import start
start()
"""
AT_ONCE = 3
pytestmark = pytest.mark.timeout(900)


class Trial(NamedTuple):
    """A stack with a backup, and a `usenet` that can be struck."""

    cli: Cli
    host: str
    folder: Path
    program: Path

    @property
    def there(self) -> str:
        return f"--stack={self.folder}"

    def struck(self, at: int, *words: str) -> tuple[int, str]:
        """Run a command, killed at a record; return its exit code and what
        it said."""
        records, errors = self.folder / "records", self.folder / "errors"
        records.write_bytes(b"")
        own = {"STRIKE_COUNT": str(records), "STRIKE_AT": str(at)}
        with errors.open("w") as file:
            ended = subprocess.run(
                [self.program, self.there, *words],
                env=self.cli.environment(own),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
            )
        return ended.returncode, errors.read_text()

    @property
    def drills(self) -> list[Path]:
        """The folders of sandboxes that are there."""
        return list((self.folder / ".usenet").glob("drill-*"))

    def left(self, project: str) -> list[str]:
        """Return what there is of a sandbox on the machine."""
        own = f"label={LABEL}={project}"
        found = docker(self.host, "ps", "-aq", "--filter", own).split()
        found += docker(
            self.host, "network", "ls", "-q", "--filter", own
        ).split()
        state = f"{self.folder}/.usenet"
        found += [m.target for m in read_mounts() if state in m.target]
        return found + [str(folder) for folder in self.drills]


def _names_a_taken_port(said: str) -> bool:
    """Tell whether we, or only Docker, saw that a port was taken."""
    text = " ".join(said.split())
    return "holds it" in text or "port is already allocated" in text


def strike(trial: Trial, at: int) -> tuple[bool, bool]:
    """Kill a drill and its recovery; nothing may be left.

    Returns: whether it was killed; whether there was anything to remove
        from the Engine by then.
    """
    code, said = trial.struck(at, "backup", "drill")
    while code in (1, 13) and _names_a_taken_port(said):
        # Another trial's sandbox was quicker to take the same port.
        code, said = trial.struck(at, "backup", "drill")
    projects = [project_name(folder.name) for folder in trial.drills]
    ran = any(len(trial.left(project)) > 1 for project in projects)
    assert code in (0, -9), (at, code, said)
    if code == 0:
        return False, ran
    trial.struck(1 + at % 12, "journal", "recover")
    recovered = trial.cli("journal", "recover", trial.there)
    assert recovered.rc == 0, (at, recovered)
    for project in projects:
        assert trial.left(project) == [], at
    assert trial.drills == [], at
    return True, ran


@pytest.fixture
def trials(usenet: Cli, tmp_path: Path) -> Iterator[list[Trial]]:
    host = f"unix://{engine_socket()}"
    cli = Cli(usenet.home, {"DOCKER_HOST": host})
    program = tmp_path / "bin/usenet"
    program.parent.mkdir()
    here = str(Path(__file__).parent)
    program.write_text(PROGRAM.format(python=sys.executable, here=here))
    program.chmod(0o755)
    folder = tmp_path / "first"
    with small_stack(cli, host, folder, ("bazarr",)):
        assert cli(f"--stack={folder}", "deploy", "--yes").rc == 0
        assert cli(f"--stack={folder}", "backup", "create").rc == 0
    yield [
        Trial(cli, host, copied(folder, tmp_path / f"stack{n}"), program)
        for n in range(AT_ONCE)
    ]


def copied(folder: Path, target: Path) -> Path:
    """Return another stack with the same backup, of which nothing runs."""
    (target / "backups").mkdir(parents=True)
    names = [*folder.glob("backups/*"), folder / "stack.toml"]
    for path in names:
        os.link(path, target / path.relative_to(folder))
    return target


def test_killed_at_every_record(trials: list[Trial]) -> None:
    numbers = count(1)

    def work(trial: Trial) -> list[bool]:
        seen = []
        while True:
            killed, ran = strike(trial, next(numbers))
            if not killed:
                return seen
            seen.append(ran)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = [ran for seen in threads.map(work, trials) for ran in seen]
    assert len(found) > 15
    assert sum(found) > 5, "hardly any kill met a container"
