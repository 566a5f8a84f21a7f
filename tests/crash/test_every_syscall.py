"""A plan that meets a fault at every single syscall that changes the world.

Killed with SIGKILL before, in the middle of and after each; killed again
while it recovers; each call failing; the disk full from each call on; Ctrl-C
at each. Nothing is sampled. See faults.py for how, and for what must hold.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.crash

SCENARIOS = (
    "back",
    "forward",
    "back-failing",
    "forward-failing",
    "forward-partial",
)
ERRORS = ("failing", "full", "full-copying", "full-folder", "ctrl-c")
DRIVER = Path(__file__).with_name("faults.py")
Reports = dict[tuple[str, str], Future[dict[str, Any]]]


def meet_faults(scenario: str, mode: str) -> dict[str, Any]:
    memory = Path("/dev/shm")  # a real file system where fsync costs nothing
    base = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="usenet-", dir=base) as folder:
        ended = subprocess.run(
            [sys.executable, DRIVER, scenario, mode, folder],
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest) -> Iterator[Reports]:
    """All drivers that are asked for, one for each core at a time."""
    wanted = [
        (item.callspec.params["scenario"], item.callspec.params["mode"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module
    ]
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    yield {key: pool.submit(meet_faults, *key) for key in wanted}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("scenario", SCENARIOS[:4])
@pytest.mark.parametrize("mode", ["kill-twice"])
def test_killed_and_killed_again_while_it_recovers(
    reports: Reports, scenario: str, mode: str
) -> None:
    found = reports[scenario, mode].result()
    assert found["broken"] == []
    assert found["points"] > 10 * found["calls"]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("mode", ["kill"])
def test_killed_at_every_syscall(
    reports: Reports, scenario: str, mode: str
) -> None:
    found = reports[scenario, mode].result()
    assert found["broken"] == []
    assert found["points"] > 2 * found["calls"] > 100


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("mode", ERRORS)
def test_error_at_every_syscall(
    reports: Reports, scenario: str, mode: str
) -> None:
    found = reports[scenario, mode].result()
    assert found["broken"] == []
    assert found["points"] == found["calls"] > 50
