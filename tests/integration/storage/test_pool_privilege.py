"""Without root: the step that needs it is named, with the exact command."""

import os
import pty
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_process import COMMAND, isolated_environment
from usenet_stack.storage import read_mounts

USER = 1000
# An ordinary user who may read everything: Python itself may lie in /root.
AS_USER = (
    *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"),
    "--bounding-set=-all,+dac_read_search",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A stack and a drive of an ordinary user's own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        top = Path(name)
        for path in ("stack/data/media", "stack/.usenet", "drive", "home"):
            (top / path).mkdir(parents=True)
        text = '[stack]\nname = "plain user"\nsandbox = true\n'
        (top / "stack/stack.toml").write_text(text)
        for path in (top, *top.rglob("*")):
            os.chown(path, USER, USER)
        yield top


def as_user(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the CLI as an ordinary user, without a terminal."""
    environ = isolated_environment(folder / "home")
    return subprocess.run(
        [*AS_USER, *COMMAND, *words],
        env=environ | {"DOCKER_HOST": f"unix://{folder}/no.sock"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
    )


def test_the_exact_command_is_printed_and_nothing_asked(folder: Path) -> None:
    stack, drive = folder / "stack", folder / "drive"
    before = sorted(path.name for path in stack.rglob("*"))
    ran = as_user(
        folder, "storage", "add", str(drive), "--name", "mine",
        "--services", "sonarr", "--stack", str(stack),
    )  # fmt: skip
    assert ran.returncode == 1, ran
    assert f"mounting {drive}" in ran.stderr
    line = next(x for x in ran.stderr.splitlines() if "sudo usenet" in x)
    words = shlex.split(line.partition("fix: ")[2])
    assert words == [
        "sudo", "usenet", "storage", "add", str(drive), "--name", "mine",
        "--services", "sonarr", "--stack", str(stack),
    ]  # fmt: skip
    after = sorted(path.name for path in stack.rglob("*"))
    assert [name for name in after if name not in before] in ([], ["lock"])
    assert not any(str(stack) in mount.target for mount in read_mounts())


def test_a_dry_run_needs_no_root(folder: Path) -> None:
    ran = as_user(
        folder, "storage", "add", str(folder / "drive"), "--dry-run",
        "--stack", str(folder / "stack"),
    )  # fmt: skip
    assert ran.returncode == 0, ran
    assert "bind" in ran.stdout


def test_with_a_terminal_sudo_is_offered_and_refused(folder: Path) -> None:
    """At the question a person says no: the error has the command."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        environ = isolated_environment(folder / "home")
        environ["DOCKER_HOST"] = f"unix://{folder}/no.sock"
        words = ["storage", "add", str(folder / "drive")]
        words += ["--stack", str(folder / "stack")]
        os.execvpe(AS_USER[0], [*AS_USER, *COMMAND, *words], environ)
    said = b""
    while b"[y/N]" not in said:
        said += os.read(terminal, 4096)
    os.write(terminal, b"n\n")
    try:
        while chunk := os.read(terminal, 4096):
            said += chunk
    except OSError:
        pass  # the terminal has ended
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 1
    assert b"Run sudo usenet storage add" in said
