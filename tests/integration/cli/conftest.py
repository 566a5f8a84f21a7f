"""A stack folder to point at; nothing in it runs."""

from pathlib import Path

import pytest

from cli_process import Cli
from usenet_stack.stack.template import NewStack, new_settings_text


def make_stack(folder: Path, **new: object) -> Path:
    """Return a folder with a valid stack.toml."""
    folder.mkdir(parents=True)
    chosen = NewStack(**{"name": "tv", **new})  # type: ignore[arg-type]
    (folder / "stack.toml").write_text(new_settings_text(chosen))
    return folder


@pytest.fixture
def stack(usenet: Cli) -> Path:
    """The default stack of the test's own home."""
    return make_stack(usenet.home / ".local/share/usenet/stacks/default")


@pytest.fixture
def sandbox(usenet: Cli) -> Path:
    """The sandbox stack of the test's own home."""
    folder = usenet.home / ".local/share/usenet/stacks/sandbox"
    return make_stack(folder, name="sandbox", sandbox=True)
