"""A move of a drive's content that is killed, fails, and is killed again.

At every syscall that changes the world, and 2000 files 20 times by chance:
at no moment is a file nowhere, or half under its own name, and the next run
ends the move. See moving_faults.py for how.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.crash

DRIVER = Path(__file__).with_name("moving_faults.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return scratch space where a sync costs nothing, if there is some."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        return tmp_path
    return memory / f"usenet-move-{os.getpid()}"


def meet_faults(mode: str, folder: Path) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    try:
        ended = subprocess.run(
            [sys.executable, DRIVER, mode, folder],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_killed_at_every_syscall(folder: Path) -> None:
    found = meet_faults("kill", folder)
    assert found["broken"] == []
    assert found["points"] > 2 * found["calls"] > 150


def test_killed_and_killed_again_while_it_recovers(folder: Path) -> None:
    found = meet_faults("kill-twice", folder)
    assert found["broken"] == []
    assert found["points"] > 8 * found["calls"] > 300


@pytest.mark.parametrize(
    "mode", ["failing", "full", "full-copying", "full-folder", "ctrl-c"]
)
def test_error_at_every_syscall(folder: Path, mode: str) -> None:
    found = meet_faults(mode, folder)
    assert found["broken"] == []
    assert found["points"] == found["calls"] > 75


def test_2000_files_killed_20_times(folder: Path) -> None:
    found = meet_faults("many", folder)
    assert found["broken"] == []
    assert found["points"] == 20
    assert found["calls"] > 2000
