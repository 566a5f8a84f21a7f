"""One definition of health: every state, and one deadline for all."""

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from services_world import World

from engine_server import answer
from spoken import speaking
from usenet_stack.docker.engine import Engine
from usenet_stack.services.explaining import explain_services
from usenet_stack.services.health import Health, State
from usenet_stack.services.listing import list_services
from usenet_stack.services.snapshot import read_snapshot

OK = answer('{"status":"OK"}')


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
        # It runs again when it is asked for, and the code is no more.
        ("restarting", {"restarts": 2}, Health("down", "keeps ending", 2)),
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
    assert found == Health(state, f"nothing listens on port {port}")


@pytest.mark.parametrize(
    ("age", "state"),
    [(5, "starting"), (3600, "degraded")],
    ids=["young", "old"],
)
def test_refusing_while_it_migrates(
    world: World, age: float, state: State
) -> None:
    with speaking(answer("", "503 Service Unavailable")) as app:
        world.put("sonarr", port=app.port, age=age)
        found = world.health("sonarr")
    assert found == Health(state, "answers 503 Service Unavailable")


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
    assert row.pop("http")["status"] == 200
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
        "api": "none",
        "figures": {},
        "drives": [],
        "restarts": 0,
        "mend": "",
        "simulated": False,
        "image": "image-of-sonarr",
        "deprecated": False,
        "replacement": "",
    }
    assert result.data["groups"] == [
        {"name": "automation", "services": 8, "healthy": 1}
    ]
    assert result.data["totals"] == {
        "services": 8,
        "healthy": 1,
        "states": {"stopped": 7, "ready": 1},
        "memory_bytes": 1000,
        "cpu_percent": None,
        "drives": [],
    }
    assert result.data["age_seconds"] == 0.0
    moment = datetime.fromisoformat(result.data["checked_at"])
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60


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


def api(
    *answers: tuple[str, bytes | None],
) -> Callable[[socket.socket], None]:
    """Answer by the path asked; nothing at all where the answer is None."""

    def speak(connection: socket.socket) -> None:
        head = b""
        while True:
            while b"\r\n\r\n" not in head:
                block = connection.recv(65536)
                if not block:
                    return
                head += block
            line, _, head = head.partition(b"\r\n\r\n")
            path = line.split()[1].decode()
            said = next(a for start, a in answers if path.startswith(start))
            if said is None:
                time.sleep(3)
                return
            connection.sendall(said)

    return speak


QUEUE = ("/api/v3/queue/status", answer('{"totalCount": 3}'))
CHECKS = ("/api/v3/health", answer('[{"type": "warning"}]'))
PING = ("/ping", OK)


def test_the_figures_of_its_api_belong_to_health(world: World) -> None:
    world.key("sonarr", "a" * 32)
    with speaking(api(PING, QUEUE, CHECKS)) as app:
        world.put("sonarr", port=app.port)
        found = world.whole("sonarr")
    assert (found.state, found.reason, found.api) == ("ready", "", "ok")
    assert found.figures == {"queue": 3, "warnings": 1, "errors": 0}
    assert found.heard is not None and found.heard.status == 200


def test_a_key_that_is_refused_degrades_and_names_the_mend(
    world: World,
) -> None:
    world.key("sonarr", "b" * 32)
    no = answer("", "401 Unauthorized")
    with speaking(api(PING, ("/api/", no))) as app:
        # However young: time does not make a key right.
        world.put("sonarr", port=app.port, age=1)
        found = world.whole("sonarr")
    assert found[:2] == ("degraded", "refuses the key in .env")
    assert found.api == "refused"
    assert found.mend.startswith("usenet keys list")


@pytest.mark.parametrize(
    ("age", "state"),
    [(5, "starting"), (3600, "degraded")],
    ids=["young", "old"],
)
def test_an_api_that_fails_degrades_what_is_not_young(
    world: World, age: float, state: str
) -> None:
    world.key("sonarr", "c" * 32)
    no = answer("", "500 Internal Server Error")
    with speaking(api(PING, ("/api/", no))) as app:
        world.put("sonarr", port=app.port, age=age)
        found = world.whole("sonarr")
    assert (found.state, found.api) == (state, "failing")
    assert found.reason.startswith("its API failed with status 500")


def test_an_api_that_hangs_keeps_to_the_deadline(world: World) -> None:
    world.key("sonarr", "d" * 32)
    with speaking(api(PING, ("/api/", None))) as app:
        world.put("sonarr", port=app.port)
        began = time.monotonic()
        found = world.whole("sonarr")
        spent = time.monotonic() - began
    assert spent < 1.6 and found.api == "failing"
    assert found.state == "degraded" and "did not answer" in found.reason


def test_too_much_to_do_is_no_fault(world: World) -> None:
    world.key("sonarr", "e" * 32)
    busy = answer("", "429 Too Many Requests", "Retry-After: 60\r\n")
    with speaking(api(PING, ("/api/", busy))) as app:
        world.put("sonarr", port=app.port)
        found = world.whole("sonarr")
    assert found[:2] == ("ready", "") and found.api == "unknown"


def test_an_env_that_cannot_be_read_leaves_the_apis_out(world: World) -> None:
    (world.folder / ".env").write_text("no line of a file of settings\n")
    with speaking(OK) as app:
        world.put("sonarr", port=app.port)
        found = world.whole("sonarr")
        result = list_services(world.stack, engine=world.engine)
        told = explain_services(world.stack, ["radarr"], engine=world.engine)
    assert (found.state, found.api) == ("ready", "none")
    assert found.heard is not None
    for each in (result, told):
        (message,) = each.messages
        assert "line 1" in message.text and "no API" in message.text
    assert read_snapshot(world.folder) is None  # it is told each time


def test_without_an_engine_the_apis_still_answer(
    world: World, tmp_path: Path
) -> None:
    world.key("sonarr", "f" * 32)
    with speaking(api(PING, QUEUE, CHECKS)) as app:
        world.ports["sonarr"] = app.port
        result = list_services(
            world.stack, engine=Engine(tmp_path / "none.sock")
        )
    rows = {row["name"]: row for row in result.data["services"]}
    assert rows["sonarr"]["api"] == "ok"
    assert rows["sonarr"]["figures"]["queue"] == 3
