"""Simulators as real processes, each in a folder that others can enter."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_documents import folder
from simulator_process import Simulator

KEY = "0123456789abcdef0123456789abcdef"
Simulate = Callable[..., Simulator]

collect_ignore = [] if folder() else ["test_simulators_openapi.py"]


@pytest.fixture
def simulate() -> Iterator[Simulate]:
    """Return a function that starts a simulator.

    Keyword arguments: `root` continues in a folder of an earlier one,
    `arguments` are the application's own; all others are environment.
    """
    # pytest's tmp_path is closed to the user that a simulator turns into.
    base = Path(tempfile.mkdtemp(prefix="usenet-simulators-"))
    base.chmod(0o755)
    running: list[Simulator] = []

    def start(
        service: str,
        *,
        root: Path | None = None,
        arguments: tuple[str, ...] = (),
        **env: str,
    ) -> Simulator:
        folder = root or base / f"{service}-{len(running)}"
        folder.mkdir(exist_ok=True)
        found = Simulator(service, folder, env, arguments)
        running.append(found)
        return found

    yield start
    for each in running:
        each.stop()
    shutil.rmtree(base)


@pytest.fixture
def servarr(simulate: Simulate) -> Simulate:
    """Return a function that starts one of the family with a known key."""

    def start(
        service: str, *, root: Path | None = None, **env: str
    ) -> Simulator:
        env = {f"{service.upper()}__AUTH__APIKEY": KEY, **env}
        found = simulate(service, root=root, **env)
        found.headers = {"X-Api-Key": KEY}
        return found

    return start
