"""`storage select` on a terminal of its own."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from cli_process import COMMAND, Cli
from usenet_stack.stack.model import Stack
from usenet_stack.storage import read_mounts

Make = Callable[..., Path]
Open = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def opened(usenet: Cli, stack: Stack) -> Iterator[Open]:
    """Return a function that opens the picker on 80 columns, 24 lines."""
    screens = []

    def start(*more: str) -> "pexpect.spawn[str]":
        words = ["storage", "select", "--stack", str(stack.folder), *more]
        environ = usenet.environment({"TERM": "xterm", "NO_COLOR": "1"})
        del environ["COLUMNS"]
        screen = pexpect.spawn(
            COMMAND[0],
            [*COMMAND[1:], *words],
            env=environ,
            cwd=str(usenet.home),
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=20,
        )
        screens.append(screen)
        screen.expect("q leaves")
        return screen

    yield start
    for screen in screens:
        screen.close(force=True)


def to_line(screen: "pexpect.spawn[str]", place: Path) -> None:
    """Move the cursor to a drive: the line that is painted reversed."""
    name = place.name
    for _ in range(200):
        screen.send("j")
        screen.expect("\x1b\\[7m(?:\x1b\\[2m)?([^\x1b]*)\x1b")
        if name in (screen.match[1] or ""):
            screen.expect("q leaves")
            return
    raise AssertionError(f"{name} is not on the screen")


def ended(screen: "pexpect.spawn[str]") -> tuple[int, str]:
    screen.expect(pexpect.EOF)
    text = str(screen.before)
    screen.close()
    # The terminal has its own screen and its cursor back.
    assert "\x1b[?1049l" in text
    return screen.exitstatus, text.split("\x1b[?1049l")[1]


def in_pool(stack: Stack) -> list[str]:
    top = f"{stack.media_root.resolve()}/"
    found = {m.target for m in read_mounts() if m.target.startswith(top)}
    return sorted(target.removeprefix(top) for target in found)


def test_marking_adds_and_unmarking_removes(
    opened: Open, make_disk: Make, stack: Stack
) -> None:
    disk = make_disk("zzdisk")
    screen = opened()
    to_line(screen, disk)
    screen.send(" ")
    screen.expect("1 to add, 0 to remove")
    screen.send("\r")
    code, text = ended(screen)
    assert (code, in_pool(stack)) == (0, ["zzdisk"]), text
    screen = opened()
    to_line(screen, disk)
    screen.send(" ")
    screen.expect("0 to add, 1 to remove")
    screen.send("\r")
    screen.expect("Take zzdisk out of the pool")
    screen.sendline("y")
    screen.expect(pexpect.EOF)
    screen.close()
    assert (screen.exitstatus, in_pool(stack)) == (0, [])


def test_leaving_changes_nothing(
    opened: Open, make_disk: Make, stack: Stack
) -> None:
    disk = make_disk("zzdisk")
    for key in ("q", "\x03"):
        screen = opened()
        to_line(screen, disk)
        screen.send(" ")
        screen.expect("1 to add")
        screen.send(key)
        code, text = ended(screen)
        assert (code, "Left as it was" in text) == (0, True)
        assert in_pool(stack) == []


def test_a_dry_run_prints_the_steps(
    opened: Open, make_disk: Make, stack: Stack
) -> None:
    disk = make_disk("zzdisk")
    screen = opened("--dry-run")
    to_line(screen, disk)
    screen.send(" \r")
    code, text = ended(screen)
    assert (code, "zzdisk" in text) == (0, True)
    assert in_pool(stack) == []


def test_a_drive_that_cannot_be_chosen_says_why(
    opened: Open, make_disk: Make
) -> None:
    disk = make_disk("zzdisk", options="ro")
    screen = opened()
    to_line(screen, disk)
    screen.send(" ")
    screen.expect("Cannot be chosen: it is read-only")
    screen.send("\r")
    code, text = ended(screen)
    assert (code, "Nothing to change" in text) == (0, True)


def test_the_window_may_change_its_size(opened: Open, make_disk: Make) -> None:
    make_disk("zzdisk")
    screen = opened()
    screen.setwinsize(10, 50)
    screen.expect("q leaves")
    screen.send("q")
    assert ended(screen)[0] == 0


def test_a_signal_gives_the_terminal_back(
    opened: Open, make_disk: Make
) -> None:
    make_disk("zzdisk")
    screen = opened()
    os.kill(screen.pid, signal.SIGINT)
    screen.expect(pexpect.EOF)
    assert "\x1b[?1049l" in str(screen.before)
    screen.close()
    assert screen.exitstatus == 130


@pytest.mark.parametrize("more", [(), ("--format", "json")])
def test_no_terminal(usenet: Cli, stack: Stack, more: tuple[str, ...]) -> None:
    ran = usenet("storage", "select", "--stack", stack.folder, *more)
    assert ran.rc == 2
    assert "usenet storage add PATH" in ran.stdout + ran.stderr
    assert "\x1b" not in ran.stdout


def test_a_terminal_that_cannot_be_painted(usenet: Cli, stack: Stack) -> None:
    environ = usenet.environment({"TERM": "dumb"})
    words = ["storage", "select", "--stack", str(stack.folder)]
    text, code = pexpect.run(
        subprocess.list2cmdline([*COMMAND, *words]),
        env=environ,
        withexitstatus=True,
        encoding="utf-8",
        timeout=20,
    )
    assert code == 2
    assert "storage add" in text
