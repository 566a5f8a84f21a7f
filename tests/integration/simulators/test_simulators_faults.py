"""Faults: by file at run time, by environment at the start."""

import http.client
import json
import socket
import time
from typing import Any

import pytest
from simulator_process import Simulator

from conftest import Simulate

STATUS = "/api/v3/system/status"


def break_with(app: Simulator, *faults: dict[str, Any]) -> None:
    path = app.path("/config/.simulator-faults.json")
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(list(faults)))
    draft.replace(path)


def test_statuses_by_path_and_count(servarr: Simulate) -> None:
    app = servarr("sonarr")
    break_with(
        app,
        {"path": "^/api/v3/tag", "status": 500, "count": 2},
        {"path": "/health$", "status": 409, "body": "busy"},
    )
    answers = [app.get("/api/v3/tag").status for _ in range(3)]
    assert answers == [500, 500, 200]
    found = app.get("/api/v3/health")
    assert (found.status, found.text) == (409, "busy")
    assert app.get(STATUS).status == 200
    app.path("/config/.simulator-faults.json").unlink()
    assert app.get("/api/v3/health").status == 200


def test_environment_until_there_is_a_file(servarr: Simulate) -> None:
    app = servarr("sonarr", SIMULATOR_FAULTS='{"status": 401}')
    found = app.get(STATUS)
    assert found.status == 401
    assert found.headers["x-simulated"] == "usenet-sandbox"
    break_with(app)
    assert app.get(STATUS).status == 200


def test_latency(servarr: Simulate) -> None:
    app = servarr("sonarr")
    break_with(app, {"latency_ms": 300})
    begun = time.monotonic()
    assert app.get(STATUS).status == 200
    assert time.monotonic() - begun >= 0.3


def test_reset(servarr: Simulate) -> None:
    app = servarr("sonarr")
    break_with(app, {"reset": True})
    with pytest.raises(ConnectionResetError):
        app.get(STATUS)


def test_reset_after_the_change_was_made(servarr: Simulate) -> None:
    app = servarr("sonarr")
    break_with(
        app,
        {"method": "POST", "reset": True, "after_apply": True, "count": 1},
        {"method": "PUT", "reset": True},
    )
    with pytest.raises(ConnectionResetError):
        app.post("/api/v3/tag", {"label": "x"})
    assert [each["label"] for each in app.get("/api/v3/tag").json()] == ["x"]


def test_garbage(servarr: Simulate) -> None:
    app = servarr("sonarr")
    break_with(app, {"garbage": True})
    with pytest.raises(http.client.BadStatusLine):
        app.get(STATUS)


def test_hang(servarr: Simulate) -> None:
    app = servarr("sonarr")
    break_with(app, {"hang": True})
    with pytest.raises(TimeoutError):
        app.get(STATUS, timeout=0.3)
    assert app.stop() == 0


def test_html_and_truncated_and_short(servarr: Simulate) -> None:
    app = servarr("sonarr")
    break_with(app, {"html": True})
    page = app.get(STATUS)
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    break_with(app, {"truncated": True})
    cut = app.get(STATUS)
    with pytest.raises(json.JSONDecodeError):
        cut.json()
    break_with(app, {"short_body": True})
    with pytest.raises(http.client.IncompleteRead):
        app.get(STATUS)


def test_wrong_types_and_size(servarr: Simulate) -> None:
    app = servarr("sonarr")
    break_with(app, {"wrong_types": True})
    found = app.get(STATUS).json()
    assert isinstance(found["version"], int)
    assert isinstance(found["migrationVersion"], str)
    break_with(app, {"big_body": 3_000_000})
    assert len(app.get(STATUS).body) == 3_000_000


def test_slow_drip(servarr: Simulate) -> None:
    app = servarr("sonarr")
    break_with(app, {"path": "/ping", "drip_ms": 20})
    begun = time.monotonic()
    assert app.get("/ping").json() == {"status": "OK"}
    assert time.monotonic() - begun > 0.1


def test_slow_start_refuses_connections(simulate: Simulate) -> None:
    begun = time.monotonic()
    simulate("sonarr", SIMULATOR_FAULTS='{"start_delay_s": 0.8}')
    assert time.monotonic() - begun > 0.8


def test_many_requests_on_one_connection(servarr: Simulate) -> None:
    app = servarr("sonarr")
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=5)
    begun = time.monotonic()
    for _ in range(50):
        connection.request("GET", "/ping")
        assert connection.getresponse().read()
    # A held-back segment would cost 40 ms for each of them.
    assert time.monotonic() - begun < 2
    connection.close()


def test_chunked_body(servarr: Simulate) -> None:
    app = servarr("sonarr")
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=5)
    parts = iter([b'{"label":', b' "chunked"}'])
    connection.request(
        "POST", "/api/v3/tag", parts, app.headers, encode_chunked=True
    )
    assert connection.getresponse().status == 201
    connection.close()


def test_a_client_that_leaves_does_no_harm(servarr: Simulate) -> None:
    app = servarr("sonarr")
    with socket.create_connection(("127.0.0.1", app.port), 5) as peer:
        peer.sendall(
            b"POST /api/v3/tag HTTP/1.1\r\nContent-Length: 99\r\n\r\n{"
        )
    assert app.get("/ping").status == 200
    assert not any("Traceback" in line for line in app.log)
