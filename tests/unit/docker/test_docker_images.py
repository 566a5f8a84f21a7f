"""Pulling and importing, told by an Engine that says what it should."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_server import EngineServer, answer, engine_server
from usenet_stack.docker.engine import Engine
from usenet_stack.docker.pull import split_reference
from usenet_stack.errors import UsenetError

CREATE = "/v1.41/images/create"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EngineServer]:
    with engine_server(tmp_path / "engine.sock") as running:
        yield running


@pytest.mark.parametrize(
    ("reference", "name", "tag"),
    [
        ("jellyfin/jellyfin", "jellyfin/jellyfin", "latest"),
        ("lscr.io/a/sonarr:4.0", "lscr.io/a/sonarr", "4.0"),
        ("localhost:5000/a", "localhost:5000/a", "latest"),
        ("localhost:5000/a:b", "localhost:5000/a", "b"),
        ("a/b@sha256:00ff", "a/b", "sha256:00ff"),
        ("a/b:4@sha256:00ff", "a/b", "sha256:00ff"),
    ],
)
def test_split_reference(reference: str, name: str, tag: str) -> None:
    assert split_reference(reference) == (name, tag)


Line = dict[str, object]


def lines(*objects: Line) -> bytes:
    return answer("".join(f"{json.dumps(line)}\r\n" for line in objects))


def layer(
    name: str, status: str, current: int, total: int
) -> dict[str, object]:
    detail = {"current": current, "total": total}
    return {"id": name, "status": status, "progressDetail": detail}


def test_progress_adds_up_the_layers(server: EngineServer) -> None:
    server.answers[CREATE] = lines(
        {"status": "Pulling from a/b", "id": "latest"},
        {"status": "Pulling fs layer", "progressDetail": {}, "id": "one"},
        layer("one", "Downloading", 10, 100),
        layer("two", "Downloading", 5, 50),
        {"status": "Download complete", "progressDetail": {}, "id": "one"},
        layer("one", "Extracting", 1, 999),
        layer("two", "Downloading", 50, 50),
    )
    told: list[tuple[int, int]] = []
    Engine(server.path).pull("a/b", lambda *bytes_: told.append(bytes_))
    assert told == [(10, 100), (15, 150), (105, 150), (150, 150)]
    assert server.asked[-1].endswith("?fromImage=a%2Fb&tag=latest")


def test_failure_within_the_stream_is_a_failure(server: EngineServer) -> None:
    server.answers[CREATE] = lines(
        {"status": "Pulling"}, {"error": "no space left on device"}
    )
    with pytest.raises(UsenetError) as caught:
        Engine(server.path).pull("a/b:1")
    assert caught.value.code == "image.pull-failed"
    assert caught.value.why == "no space left on device"


def test_refused_pull_names_the_image(server: EngineServer) -> None:
    server.answers[CREATE] = answer('{"message":"denied"}', "404 Not Found")
    with pytest.raises(UsenetError) as caught:
        Engine(server.path).pull("a/b:1")
    assert caught.value.code == "image.pull-failed"
    assert "a/b:1" in caught.value.message and caught.value.why == "denied"


def test_refusal_in_the_middle_of_an_import_is_heard(
    server: EngineServer,
) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.sendall(
            answer('{"message":"disk full"}', "500 Internal Server Error")
        )
        connection.shutdown(socket.SHUT_WR)

    server.answers[CREATE] = refuse
    endless = (bytes(1 << 20) for _ in range(512))
    with pytest.raises(UsenetError) as caught:
        Engine(server.path).import_image(endless, "t:1")
    assert caught.value.code == "docker.api"
    assert caught.value.facts["reason"] == "disk full"


def test_digest_is_that_of_the_same_repository(server: EngineServer) -> None:
    digests = ["other/name@sha256:aa", "lscr.io/a/sonarr@sha256:bb"]
    server.answers["/v1.41/images/lscr.io/a/sonarr:4/json"] = answer(
        json.dumps({"RepoDigests": digests})
    )
    server.answers["/v1.41/images/local:1/json"] = answer(
        json.dumps({"RepoDigests": None})
    )
    engine = Engine(server.path)
    assert engine.image_digest("lscr.io/a/sonarr:4") == "sha256:bb"
    assert engine.image_digest("local:1") is None
