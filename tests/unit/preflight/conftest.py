"""A stack in a folder, and machines as recorded trees."""

from collections.abc import Callable
from pathlib import Path

import pytest

from usenet_stack.stack.model import Stack, load_stack


@pytest.fixture
def make_stack(tmp_path: Path) -> Callable[..., Stack]:
    """Return a function that makes a stack with settings of its own."""

    def make(settings: str = "", *, sandbox: bool = False) -> Stack:
        folder = tmp_path / "stack"
        folder.mkdir(exist_ok=True)
        head = f'[stack]\nname = "checks"\nsandbox = {str(sandbox).lower()}\n'
        (folder / "stack.toml").write_text(head + settings)
        return load_stack(folder)

    return make


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a function that writes a file of a recorded machine."""
    root = tmp_path / "root"

    def write(path: str, text: str) -> Path:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return root

    return write
