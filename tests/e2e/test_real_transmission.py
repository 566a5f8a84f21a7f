"""Real transmission-daemon under the environment of the catalogue."""

import http.client
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from transmission_rpc import Client
from transmission_rpc.error import TransmissionAuthError

from docker_engine import Container, until

LOGIN = {"USER": "admin", "PASS": "correct horse"}
OWNER = {"PUID": "1234", "PGID": "1234", "UMASK": "002"}
StartReal = Callable[..., Container]


def ask(container: Container) -> http.client.HTTPResponse:
    host, port = container.address(9091)
    connection = http.client.HTTPConnection(host, port, timeout=5)
    connection.request("POST", "/transmission/rpc", body="{}")
    return connection.getresponse()


def client(container: Container, password: str) -> Client:
    host, port = container.address(9091)
    return Client(host=host, port=port, username="admin", password=password)


def test_a_client_we_did_not_write_logs_in(start_real: StartReal) -> None:
    container = start_real("transmission", ports=(9091,), env=LOGIN)

    assert until(lambda: ask(container)).status == 401
    session = client(container, "correct horse").get_session()
    assert session.download_dir == "/downloads/complete"
    with pytest.raises(TransmissionAuthError):
        client(container, "wrong")


def test_without_a_login_the_first_answer_is_409(
    start_real: StartReal,
) -> None:
    container = start_real("transmission", ports=(9091,))

    answer = until(lambda: ask(container))

    assert answer.status == 409
    assert answer.headers["X-Transmission-Session-Id"]


def test_settings_survive_with_a_hashed_password(
    start_real: StartReal, tmp_path: Path
) -> None:
    seeded = {"download-dir": "/data/torrents", "rpc-password": ""}
    (tmp_path / "settings.json").write_text(json.dumps(seeded))
    container = start_real(
        "transmission",
        ports=(9091,),
        env=LOGIN | OWNER,
        binds={tmp_path: "/config"},
    )
    until(lambda: ask(container))

    container.stop()

    path = tmp_path / "settings.json"
    written = json.loads(path.read_text())
    assert written["download-dir"] == "/data/torrents"
    assert written["rpc-password"].startswith("{")
    assert path.stat().st_uid == 1234
