"""Containers come to rest, whatever a killed run asked for before."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine_server import EngineServer, answer, engine_server
from usenet_stack.errors import UsenetError
from usenet_stack.services.resting import come_to_rest

LISTED = "/v1.41/containers/json"
Said = bytes | Callable[[socket.socket], None]


def entry(name: str, state: str, service: str = "sonarr") -> dict[str, object]:
    labels = {"com.docker.compose.service": service}
    return {"Id": name, "State": state, "Labels": labels}


class Moving:
    """An Engine whose list is another one each time it is asked."""

    def __init__(self, server: EngineServer, *lists: list[dict[str, object]]):
        self.server, self.lists = server, [*lists]
        server.answers[LISTED] = self._list
        for found in lists:
            for each in found:
                self.stop(str(each["Id"]), answer("", "304 Not Modified"))

    def stop(self, name: str, said: Said) -> None:
        self.server.answers[f"/v1.41/containers/{name}/stop"] = said

    def _list(self, connection: socket.socket) -> None:
        rest = len(self.lists) > 1
        found = self.lists.pop(0) if rest else self.lists[0]
        connection.sendall(answer(json.dumps(found)))

    def stopped(self) -> list[str]:
        return [
            line.split("/")[3]
            for line in self.server.asked
            if line.startswith("POST")
        ]


@pytest.fixture
def server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EngineServer]:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/engine.sock")
    with engine_server(tmp_path / "engine.sock") as found:
        yield found


def test_also_one_that_seems_to_rest_is_stopped(server: EngineServer) -> None:
    rests = [entry("old", "exited"), entry("other", "running", "radarr")]
    engine = Moving(server, rests)
    assert come_to_rest("project", ["sonarr"]) == rests[:1]
    assert engine.stopped() == ["old"]


def test_what_comes_and_goes_meanwhile_is_waited_for(
    server: EngineServer,
) -> None:
    """Compose asked for a new one, and for the end of the old one."""
    engine = Moving(
        server,
        [entry("old", "running")],
        [entry("old", "removing"), entry("new", "created")],
        [entry("new", "running")],
        [entry("new", "exited")],
    )
    engine.stop("old", answer("{}", "404 Not Found"))
    found = come_to_rest("project", ["sonarr"])
    assert [each["Id"] for each in found] == ["new"]
    assert engine.stopped()[0] == "old"
    assert engine.stopped()[-1] == "new"


def test_an_engine_that_fails_is_told(server: EngineServer) -> None:
    engine = Moving(server, [entry("old", "running")])
    engine.stop("old", answer('{"message": "no"}', "500 Server Error"))
    with pytest.raises(UsenetError):
        come_to_rest("project", ["sonarr"])
