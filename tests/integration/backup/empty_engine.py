"""A Docker Engine without containers, for stacks that never ran."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine_server import answer, engine_server

API = "1.41"


@contextmanager
def empty_engine(folder: Path) -> Iterator[None]:
    """Have one at $DOCKER_HOST while the block runs.

    Args:
        folder: gets its socket.
    """
    path = folder / "engine.sock"
    with pytest.MonkeyPatch.context() as environ, engine_server(path) as server:
        server.answers[f"/v{API}/containers/json"] = answer("[]")
        environ.setenv("DOCKER_HOST", f"unix://{path}")
        yield
