"""Docker is found stopped, started without systemd, and stopped again."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from usenet_stack.preflight import Site, mend, plan_fixes, run_checks
from usenet_stack.preflight.docker import check_running
from usenet_stack.preflight.operations import StartDocker, listening_process
from usenet_stack.storage import read_mounts
from usenet_stack.transaction import Context

CLONE_NEWNET = 0x40000000


@pytest.fixture
def network() -> Iterator[None]:
    """Put this process, and what it starts, into a network of its own.

    A dockerd without a bridge removes docker0, which is another daemon's.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as outside:
        assert libc.unshare(CLONE_NEWNET) == 0, "this needs root"
        yield
        assert libc.setns(outside.fileno(), CLONE_NEWNET) == 0


@pytest.fixture
def daemon_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: None
) -> Iterator[Path]:
    """Return a socket for a daemon of this test's own; end it afterwards."""
    options = {
        "--data-root": tmp_path / "data",
        "--exec-root": tmp_path / "exec",
        "--pidfile": tmp_path / "docker.pid",
        "--bridge": "none",
        "--iptables": "false",
    }
    words = [f"{name}={value}" for name, value in options.items()]
    monkeypatch.setenv("USENET_DOCKERD_ARGS", " ".join(words))
    path = tmp_path / "docker.sock"
    yield path
    assert listening_process(path) is None, "a daemon was left running"
    for mount in reversed(read_mounts()):
        if mount.target.startswith(str(tmp_path)):
            # What the daemon mounted may go by itself meanwhile.
            subprocess.run(["umount", "--lazy", mount.target], check=False)


def test_start_and_stop(daemon_socket: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "DOCKER_HOST": f"unix://{daemon_socket}"}
    environ["XDG_DATA_HOME"] = str(tmp_path / "home")
    site = Site(None, environ)
    (stopped,) = check_running(site)
    assert (stopped.code, stopped.status) == ("docker.running", "fail")

    plan = plan_fixes(site, [stopped])
    start = plan.steps[0].operation
    context = Context(tmp_path, tmp_path / "kept")
    try:
        result = mend(site, plan)
        checks = {c["code"]: c["status"] for c in result.data["checks"]}
        assert checks["docker.running"] == "ok"
        assert checks["docker.api"] == "ok"
        first = listening_process(daemon_socket)
        start.do(context, {"ran": False})  # it runs: nothing to do
        assert listening_process(daemon_socket) == first
        assert Site(None, environ).published == []
    finally:
        start.undo(context, {"ran": False})
    start.undo(context, {"ran": False})
    assert next(check_running(Site(None, environ))).status == "fail"


def test_a_daemon_that_cannot_start_is_told_of(
    daemon_socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USENET_DOCKERD_ARGS", "--no-such-option")
    environ = {**os.environ, "DOCKER_HOST": f"unix://{daemon_socket}"}
    environ["XDG_DATA_HOME"] = str(tmp_path / "home")
    site = Site(None, environ)
    plan = plan_fixes(site, list(check_running(site)))
    assert plan.steps[0].operation == StartDocker(daemon_socket)
    result = mend(site, plan)
    assert result.errors[0].code == "docker.start-failed"
    assert any("no-such-option" in line for line in result.errors[0].details)


def test_the_engine_of_the_tests_is_well(docker_host: str) -> None:
    site = Site(None, {**os.environ, "DOCKER_HOST": docker_host})
    found = {f.code: f.status for f in run_checks(site)}
    for code in ("installed", "running", "permission", "api"):
        assert found[f"docker.{code}"] == "ok"
    assert found["compose.version"] == "ok"
