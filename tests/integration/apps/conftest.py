"""Clients opened on simulators that run as processes."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_documents import folder
from app_running import Running

collect_ignore = [] if folder() else ["test_apps_openapi.py"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Return what starts simulators and opens their clients."""
    # pytest's tmp_path is closed to the user that a simulator turns into.
    base = Path(tempfile.mkdtemp(prefix="usenet-apps-"))
    base.chmod(0o755)
    found = Running(base, tmp_path)
    yield found
    for client in found.clients:
        client.close()
    for simulator in found.simulators:
        simulator.stop()
    shutil.rmtree(base)
