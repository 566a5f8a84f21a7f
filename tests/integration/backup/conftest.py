"""Stacks to back up, and processes that write into them meanwhile."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text


@pytest.fixture
def bare(tmp_path: Path) -> Stack:
    """A stack that was never started."""
    folder = tmp_path / "bare"
    folder.mkdir()
    folder.joinpath("stack.toml").write_text(
        new_settings_text(NewStack("bare"))
    )
    return load_stack(folder)


@contextmanager
def _running(program: str, *words: Path) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
        assert process.poll() is None, "the writer did not survive"
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def running() -> Callable[..., object]:
    """Return a context manager: a Python program that prints "ready"."""
    return _running
