"""A home of its own for each test, and a stack to try things on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

MakeStack = Callable[..., Stack]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep caches and registries of the tests out of the real home."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "USENET_STACK"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def make_stack(tmp_path: Path) -> MakeStack:
    """Return a maker of stacks: text to add, or what NewStack takes."""

    def make(
        extra: str = "", services: dict[str, str] | None = None, **new: object
    ) -> Stack:
        folder = tmp_path / "stack"
        (folder / "services.d").mkdir(parents=True, exist_ok=True)
        for name, text in (services or {}).items():
            (folder / "services.d" / f"{name}.toml").write_text(text)
        chosen = NewStack(**{"name": "home", **new})  # type: ignore[arg-type]
        text = new_settings_text(chosen) + extra
        (folder / "stack.toml").write_text(text)
        return load_stack(folder)

    return make
