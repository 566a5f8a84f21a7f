"""Starting containers: which failures are tried again, and how often."""

from pathlib import Path

import pytest

from engine_server import answer, engine_server
from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services.containers import Container
from usenet_stack.services.starting import (
    ATTEMPTS,
    Reviver,
    passes,
    pause,
    port_is_taken,
    start_patiently,
)

START = "/v1.41/containers/abc/start"
BUSY = "driver failed: listen tcp4 127.0.0.1:80: bind: address already in use"


def refusal(message: str, status: str = "500 Internal") -> bytes:
    return answer(f'{{"message": "{message}"}}', status)


def test_a_port_that_is_let_go_is_taken_at_the_next_attempt(
    tmp_path: Path,
) -> None:
    answers = iter([refusal(BUSY), refusal(BUSY), answer("", "204 Done")])
    slept: list[float] = []
    with engine_server(tmp_path / "s") as server:
        server.answers[START] = lambda c: c.sendall(next(answers))
        start_patiently(Engine(server.path), "abc", slept.append)
        assert server.asked.count(f"POST {START}") == 3
    assert len(slept) == 2 and slept[0] < 0.4 < slept[1] * 2 + 0.01


def test_the_attempts_are_bounded(tmp_path: Path) -> None:
    with engine_server(tmp_path / "s") as server:
        server.answers[START] = refusal(BUSY)
        with pytest.raises(UsenetError, match="address already in use"):
            start_patiently(Engine(server.path), "abc", lambda _: None)
        assert server.asked.count(f"POST {START}") == ATTEMPTS


def test_what_will_not_pass_is_told_at_once(tmp_path: Path) -> None:
    with engine_server(tmp_path / "s") as server:
        server.answers[START] = refusal("no such image")
        with pytest.raises(UsenetError, match="no such image"):
            start_patiently(Engine(server.path), "abc", lambda _: None)
        assert server.asked.count(f"POST {START}") == 1


def test_which_failures_pass() -> None:
    conflict = UsenetError("docker.conflict", reason="is restarting")
    taken = "Bind for 127.0.0.1:1 failed: port is already allocated"
    assert passes(conflict)
    assert passes(UsenetError("docker.api", status=500, reason=taken))
    assert not passes(UsenetError("docker.api", status=500, reason="x"))
    assert port_is_taken(taken) and port_is_taken(BUSY)
    assert not port_is_taken("no such image")
    assert not passes(UsenetError("docker.not-found", reason="port is already"))


def test_pauses_double_and_are_drawn() -> None:
    assert [pause(n, lambda: 1.0) for n in (1, 2, 3)] == [0.4, 0.8, 1.6]
    assert [pause(n, lambda: 0.0) for n in (1, 2, 3)] == [0.2, 0.4, 0.8]


def test_a_container_that_ended_at_once_is_started_again(
    tmp_path: Path,
) -> None:
    ended = '[{"Id": "abc", "Status": "Exited (1) 1 second ago"}]'
    container = Container("abc", "sonarr", "exited", "", "x:1", False)
    now = [0.0]
    with engine_server(tmp_path / "s") as server:
        server.answers[START] = answer("", "204 Done")
        server.answers["/v1.41/containers/json"] = answer(ended)
        reviver = Reviver(Engine(server.path), [container], lambda: now[0])
        reviver.look()
        assert f"POST {START}" not in server.asked, "it waits first"
        for _ in range(100):
            now[0] += 1.0
            reviver.look()
        # The first start was not its own.
        assert server.asked.count(f"POST {START}") == ATTEMPTS - 1


def test_one_that_ended_well_stays_ended(tmp_path: Path) -> None:
    ended = '[{"Id": "abc", "Status": "Exited (0) 1 second ago"}]'
    container = Container("abc", "sonarr", "exited", "", "x:1", False)
    now = [0.0]
    with engine_server(tmp_path / "s") as server:
        server.answers["/v1.41/containers/json"] = answer(ended)
        reviver = Reviver(Engine(server.path), [container], lambda: now[0])
        for _ in range(10):
            now[0] += 10.0
            reviver.look()
        assert f"POST {START}" not in server.asked
