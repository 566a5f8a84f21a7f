"""One definition of health: every state, and one deadline for all."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine_server import EngineServer, answer, engine_server
from spoken import speaking
from usenet_stack.docker.engine import Engine
from usenet_stack.services.health import Health, probe_services
from usenet_stack.services.listing import list_services
from usenet_stack.stack.model import Stack, load_stack

OK = answer('{"status":"OK"}')


class World:
    """A stack, and an Engine with the containers that a test puts there."""

    def __init__(self, folder: Path, server: EngineServer) -> None:
        self.folder = folder
        self.server = server
        self.engine = Engine(server.path)
        self.listed: list[dict[str, Any]] = []
        self.ports: dict[str, int] = {}
        self._publish()

    def put(
        self,
        service: str,
        state: str = "running",
        *,
        status: str = "Up 2 minutes",
        age: float = 3600,
        port: int | None = None,
        restarts: int = 0,
        **known: Any,
    ) -> None:
        """Put a container there; `port` is what it publishes."""
        started = datetime.now(UTC) - timedelta(seconds=age)
        labels = {
            "com.docker.compose.project": "usenet",
            "com.docker.compose.service": service,
        }
        self.listed.append(
            {
                "Id": service,
                "State": state,
                "Status": status,
                "Labels": labels,
                "Image": f"image-of-{service}",
            }
        )
        details = {
            "StartedAt": started.isoformat().replace("+00:00", "789Z"),
            "ExitCode": 0,
            "OOMKilled": False,
            "Error": "",
        }
        self.server.answers[f"/v1.41/containers/{service}/json"] = answer(
            json.dumps({"State": details | known, "RestartCount": restarts})
        )
        self.server.answers[f"/v1.41/containers/{service}/stats"] = answer(
            json.dumps({"memory_stats": {"usage": 1000}})
        )
        if port is not None:
            self.ports[service] = port
        self._publish()

    def _publish(self) -> None:
        target = "/v1.41/containers/json"
        self.server.answers[target] = answer(json.dumps(self.listed))

    @property
    def stack(self) -> Stack:
        lines = [f"{name} = {port}" for name, port in self.ports.items()]
        text = "\n".join(['[stack]\nname = "default"', "[ports]", *lines])
        (self.folder / "stack.toml").write_text(text)
        return load_stack(self.folder)

    def health(self, service: str) -> Health:
        return probe_services(self.stack, self.engine, [service], 1)[service]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with engine_server(tmp_path / "engine.sock") as server:
        yield World(tmp_path, server)


def test_no_container_is_stopped(world: World) -> None:
    assert world.health("sonarr") == Health("stopped", "has no container yet")


@pytest.mark.parametrize(
    ("state", "known", "health"),
    [
        ("exited", {"ExitCode": 0}, Health("stopped")),
        ("exited", {"ExitCode": 143}, Health("stopped")),
        ("exited", {"ExitCode": 137}, Health("stopped")),
        ("exited", {"ExitCode": 3}, Health("down", "ended with exit code 3")),
        (
            "exited",
            {"ExitCode": 137, "OOMKilled": True},
            Health("down", "ran out of memory"),
        ),
        ("dead", {}, Health("down", "ended with exit code 0")),
        ("created", {}, Health("stopped", "was never started")),
        (
            "created",
            {"Error": "port is taken"},
            Health("down", "could not start: port is taken"),
        ),
        ("paused", {}, Health("degraded", "its container is paused")),
        (
            "restarting",
            {"ExitCode": 1, "restarts": 2},
            Health("down", "keeps ending with exit code 1", 2),
        ),
    ],
)
def test_containers_that_do_not_run(
    world: World, state: str, known: dict[str, Any], health: Health
) -> None:
    world.put("sonarr", state, **known)
    assert world.health("sonarr") == health


def test_an_answer_is_ready(world: World) -> None:
    with speaking(OK) as app:
        world.put("sonarr", port=app.port, age=1)
        assert world.health("sonarr") == Health("ready")


def test_own_health_check_can_fail_beside_a_good_answer(world: World) -> None:
    with speaking(OK) as app:
        world.put("sonarr", port=app.port, status="Up 1 hour (unhealthy)")
        found = world.health("sonarr")
    assert found == Health("degraded", "its own health check fails")


@pytest.mark.parametrize(
    ("age", "state"), [(5, "starting"), (3600, "down")], ids=["young", "old"]
)
def test_nobody_listens(
    world: World, free_port: Callable[[], int], age: float, state: str
) -> None:
    port = free_port()
    world.put("sonarr", port=port, age=age)
    found = world.health("sonarr")
    assert found == (state, f"nothing listens on port {port}", 0)


@pytest.mark.parametrize(
    ("age", "state"),
    [(5, "starting"), (3600, "degraded")],
    ids=["young", "old"],
)
def test_refusing_while_it_migrates(
    world: World, age: float, state: str
) -> None:
    with speaking(answer("", "503 Service Unavailable")) as app:
        world.put("sonarr", port=app.port, age=age)
        found = world.health("sonarr")
    assert found == (state, "answers 503 Service Unavailable", 0)


def test_wrong_answer_is_degraded_however_young(world: World) -> None:
    with speaking(answer("<html>")) as app:
        world.put("sonarr", port=app.port, age=1)
        assert world.health("sonarr").state == "degraded"


def test_crash_loop_is_down_and_counted(
    world: World, free_port: Callable[[], int]
) -> None:
    world.put("sonarr", port=free_port(), age=2, restarts=4, ExitCode=1)
    found = world.health("sonarr")
    assert found == Health("down", "keeps ending with exit code 1", 4)


def test_what_runs_by_the_clock_is_a_timer(world: World) -> None:
    world.put("recyclarr")
    assert world.health("recyclarr") == Health("timer")


def test_newest_container_of_a_service_counts(world: World) -> None:
    with speaking(OK) as app:
        world.put("sonarr", port=app.port)
        gone = dict(world.listed[0], Id="old", State="exited")
        world.listed.append(gone)
        world._publish()
        assert world.health("sonarr").state == "ready"


def hang(connection: socket.socket) -> None:
    connection.settimeout(20)
    while connection.recv(4096):
        pass


def test_one_that_hangs_costs_its_own_row_only(world: World) -> None:
    with (
        speaking(OK) as good,
        speaking(hang) as bad,
        speaking(b"\x00garbage\r\n") as odd,
    ):
        world.put("sonarr", port=good.port)
        world.put("radarr", port=bad.port)
        world.put("lidarr", port=odd.port)
        began = time.monotonic()
        result = list_services(world.stack, engine=world.engine, deadline_s=0.5)
        spent = time.monotonic() - began
    states = {row["name"]: row["state"] for row in result.data["services"]}
    assert spent < 2
    assert states["radarr"] == states["lidarr"] == "degraded"
    assert states.pop("sonarr") == "ready"
    others = {states[name] for name in states if name not in REACHED}
    assert others == {"stopped"} and len(states) == 18


REACHED = ("radarr", "lidarr")


def test_rows_tell_what_there_is_to_know(world: World) -> None:
    with speaking(OK) as app:
        world.put("sonarr", port=app.port)
        result = list_services(
            world.stack, group="automation", engine=world.engine
        )
    row = next(r for r in result.data["services"] if r["name"] == "sonarr")
    assert row == {
        "name": "sonarr",
        "title": "Sonarr",
        "group": "automation",
        "state": "ready",
        "reason": "",
        "port": app.port,
        "url": f"http://127.0.0.1:{app.port}",
        "memory_bytes": 1000,
        "cpu_percent": None,
        "simulated": False,
        "image": "image-of-sonarr",
    }
    assert result.data["totals"] == {
        "services": 8,
        "healthy": 1,
        "states": {"ready": 1, "stopped": 7},
        "memory_bytes": 1000,
    }


def test_without_an_engine_the_ports_still_answer(
    world: World, tmp_path: Path
) -> None:
    with speaking(OK) as app:
        world.ports["sonarr"] = app.port
        result = list_services(
            world.stack, engine=Engine(tmp_path / "none.sock")
        )
    rows = {row["name"]: row for row in result.data["services"]}
    assert rows["sonarr"]["state"] == "ready"
    assert rows["recyclarr"]["state"] == "unknown"
    assert rows["recyclarr"]["reason"] == "only Docker could tell"
    assert result.ok and len(result.messages) == 1
    assert "Docker" in result.messages[0].text
