"""What the tests of the services room share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from services_world import World

from engine_server import engine_server


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with engine_server(tmp_path / "engine.sock") as server:
        yield World(tmp_path, server)
