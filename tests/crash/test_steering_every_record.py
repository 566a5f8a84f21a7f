"""kill -9 of restart, disable and enable after each record, then recover."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from killing import run_killed

from cli_process import Cli
from docker_engine import engine_socket
from e2e.sandbox_stack import containers, take_down, write_stack
from usenet_stack.stack.model import load_stack
from usenet_stack.transaction.journal import Journal, journals

SERVICES = ("sabnzbd", "sonarr")
FILES = ("stack.toml", "compose.yaml")


class Stack:
    """A small stack that is up, and how to look at it."""

    def __init__(self, cli: Cli, host: str, folder: Path) -> None:
        self.cli = cli
        self.host = host
        self.folder = folder
        self.project = load_stack(folder).project

    def __call__(self, *words: str) -> None:
        ran = self.cli(f"--stack={self.folder}", *words)
        assert ran.rc == 0, ran

    def killed(self, *words: str, after_record: int) -> bool:
        """Run a command that is killed; tell whether it was."""
        found = run_killed(
            [f"--stack={self.folder}", *words],
            after_record=after_record,
            env=self.cli.environment(),
        )
        assert found.killed or found.code == 0, found
        return found.killed

    def running(self) -> set[str]:
        seen = containers(self.host, self.project)
        return {name for name in seen if seen[name]["State"]["Running"]}

    def texts(self) -> list[str]:
        return [(self.folder / name).read_text() for name in FILES]

    def recovered(self) -> bool:
        self("journal", "recover")
        opened = map(Journal.open, journals(self.folder))
        return all(journal.finished for journal in opened)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    host = f"unix://{engine_socket()}"
    home = tmp_path / "home"
    home.mkdir()
    folder = tmp_path / f"steered{os.getpid()}"
    write_stack(folder, folder.name, SERVICES)
    try:
        stack = Stack(Cli(home, {"DOCKER_HOST": host}), host, folder)
        stack("deploy", "--yes")
        yield stack
    finally:
        take_down(host, load_stack(folder).project, folder)


@pytest.mark.timeout(300)
def test_a_restart_leaves_everything_running(stack: Stack) -> None:
    for number in count(1):
        killed = stack.killed(
            "services", "restart", "--all", after_record=number
        )
        assert stack.recovered(), number
        assert stack.running() == set(SERVICES), number
        if not killed:
            break
    # The plan, two records for each of four steps, and the end.
    assert number == 11


@pytest.mark.timeout(300)
def test_a_service_that_goes_off_is_all_there_or_gone(stack: Stack) -> None:
    for number in count(1):
        before = stack.texts()
        killed = stack.killed(
            "services", "disable", "sonarr", after_record=number
        )
        assert stack.recovered(), number
        if stack.texts() == before:
            assert stack.running() == set(SERVICES), number
        else:
            # It had ended when it was killed, or it was not killed.
            assert stack.running() == {"sabnzbd"}, number
            stack("services", "enable", "sonarr")
        if not killed:
            break
    assert number > 8


@pytest.mark.timeout(300)
def test_a_service_that_comes_is_all_there_or_not_at_all(
    stack: Stack,
) -> None:
    for number in count(1):
        before = stack.texts()
        killed = stack.killed(
            "services", "enable", "radarr", after_record=number
        )
        assert stack.recovered(), number
        if stack.texts() == before:
            assert stack.running() == set(SERVICES), number
        else:
            assert stack.running() == {*SERVICES, "radarr"}, number
            stack("services", "disable", "radarr")
        if not killed:
            break
    assert number > 8
