"""Folders for a moment are gone, whoever used them and however that ended."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from usenet_stack.backup.scratch import scratch

USE = """
import sys
from usenet_stack.backup.scratch import scratch
with scratch(sys.argv[1]) as folder:
    (folder / "below").mkdir()
    (folder / "below/keys.db").write_text("secret")
    print(folder, flush=True)
    sys.stdin.read()
"""


def user(place: Path) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", USE, str(place)]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True)


def test_it_is_private_and_gone(tmp_path: Path) -> None:
    with scratch(tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(ValueError, match="mine"), scratch(tmp_path):
        raise ValueError("mine")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next(
    tmp_path: Path,
) -> None:
    with user(tmp_path) as killed, user(tmp_path) as alive:
        assert killed.stdout is not None and alive.stdout is not None
        left = Path(killed.stdout.readline().strip())
        used = Path(alive.stdout.readline().strip())
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert (left / "below/keys.db").exists()
        with scratch(tmp_path):
            assert not left.exists()
            assert (used / "below/keys.db").exists(), "it is in use"
        alive.communicate("")
    assert alive.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_link_of_that_name_leads_nowhere(tmp_path: Path) -> None:
    place, victim = tmp_path / "place", tmp_path / "victim"
    place.mkdir()
    victim.mkdir()
    (place / ".usenet-scratch-link").symlink_to(victim)
    with scratch(place):
        pass
    assert victim.is_dir()
