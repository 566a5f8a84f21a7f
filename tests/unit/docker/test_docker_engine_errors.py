"""Every way in which the Engine can be unreachable or talk nonsense."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine_server import EngineServer, answer, engine_server
from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EngineServer]:
    with engine_server(tmp_path / "engine.sock") as running:
        yield running


def failure(call: Callable[[], object]) -> UsenetError:
    with pytest.raises(UsenetError) as caught:
        call()
    return caught.value


def test_absent_socket_is_told_with_the_command_that_mends_it(
    tmp_path: Path,
) -> None:
    error = failure(Engine(tmp_path / "none.sock").info)
    assert error.code in ("docker.not-installed", "docker.not-running")
    assert "none.sock" in f"{error.message} {error.why}"
    assert "usenet validate --fix" in error.hint


def test_no_daemon_program_and_no_socket_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = failure(Engine(tmp_path / "none.sock").info)
    assert error.code == "docker.not-installed"


def test_daemon_program_without_socket_is_not_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dockerd"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    error = failure(Engine(tmp_path / "none.sock").info)
    assert error.code == "docker.not-running"


def test_socket_where_nobody_listens_is_not_running(tmp_path: Path) -> None:
    left_over = tmp_path / "old.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(left_over))
    error = failure(Engine(left_over).info)
    assert error.code == "docker.not-running"


def test_user_outside_of_the_docker_group_is_denied(
    server: EngineServer,
) -> None:
    server.path.chmod(0o600)
    for folder in server.path.parents[:2]:
        folder.chmod(0o755)
    if os.getuid() != 0:
        server.path.chmod(0)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            Engine(server.path).info()
        except UsenetError as error:
            mended = "usermod -aG docker" in error.hint
            code = 0 if error.code == "docker.denied" and mended else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_silent_engine_costs_its_time_and_no_more(
    server: EngineServer,
) -> None:
    release = threading.Event()
    server.answers["/v1.41/info"] = lambda _: bool(release.wait(10)) and None
    began = time.monotonic()
    error = failure(Engine(server.path, seconds=0.2).info)
    release.set()
    assert error.code == "docker.silent"
    assert time.monotonic() - began < 2
    assert "0.2 s" in error.message


@pytest.mark.parametrize(
    "reply",
    [
        b"\xff\xfe\x00 nonsense\r\n\r\n",
        answer("<html>"),
        answer("[]"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
    ],
    ids=["no HTTP", "no JSON", "other JSON", "cut off"],
)
def test_nonsense_is_a_typed_error(server: EngineServer, reply: bytes) -> None:
    server.answers["/v1.41/info"] = reply
    error = failure(Engine(server.path).info)
    assert error.code == "docker.garbled"
    assert "GET /v1.41/info" in error.message


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("404 Not Found", "docker.not-found"),
        ("409 Conflict", "docker.conflict"),
        ("500 Internal Server Error", "docker.api"),
    ],
)
def test_refusals_keep_the_words_of_the_engine(
    server: EngineServer, status: str, code: str
) -> None:
    target = "/v1.41/containers/x/json"
    server.answers[target] = answer('{"message":"it says why"}', status)
    error = failure(lambda: Engine(server.path).inspect("x"))
    assert (error.code, error.facts["reason"]) == (code, "it says why")


@pytest.mark.parametrize(
    ("offered", "spoken"), [("1.41", "v1.41"), ("1.44", "v1.44")]
)
def test_the_version_of_the_engine_is_spoken(
    tmp_path: Path, offered: str, spoken: str
) -> None:
    with engine_server(tmp_path / "a.sock", offered) as server:
        server.answers[f"/{spoken}/info"] = answer("{}")
        engine = Engine(server.path)
        assert engine.info() == {} and engine.info() == {}
    assert server.asked == [
        "GET /_ping",
        f"GET /{spoken}/info",
        f"GET /{spoken}/info",
    ]


def test_a_newer_engine_is_asked_in_a_version_that_we_know(
    tmp_path: Path,
) -> None:
    with engine_server(tmp_path / "a.sock", "1.99") as server:
        server.answers["/v1.51/info"] = answer("{}")
        assert Engine(server.path).info() == {}


def test_an_engine_that_is_too_old_is_named(tmp_path: Path) -> None:
    with engine_server(tmp_path / "a.sock", "1.39") as server:
        error = failure(Engine(server.path).info)
    assert error.code == "docker.too-old"
    assert "1.39" in error.message and "1.41" in error.message


def test_only_sockets_of_this_machine_are_used() -> None:
    engine = Engine(environ={"DOCKER_HOST": "tcp://198.18.0.1:2375"})
    assert failure(engine.info).code == "docker.host"


def test_docker_host_names_the_socket(server: EngineServer) -> None:
    server.answers["/v1.41/info"] = answer('{"ID":"here"}')
    engine = Engine(environ={"DOCKER_HOST": f"unix://{server.path}"})
    assert engine.info() == {"ID": "here"}


def test_one_engine_serves_many_threads(server: EngineServer) -> None:
    for number in range(16):
        server.answers[f"/v1.41/containers/{number}/json"] = answer(
            f'{{"Id":"{number}"}}'
        )
    engine = Engine(server.path)
    found: dict[int, str] = {}

    def ask(number: int) -> None:
        found[number] = engine.inspect(str(number))["Id"]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == {number: str(number) for number in range(16)}
    assert server.asked.count("GET /_ping") == 1
