"""Real SABnzbd with a pre-seeded sabnzbd.ini."""

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from docker_engine import Container, until

KEY = "0123456789abcdef0123456789abcdef"
INI = f"""\
__version__ = 19
__encoding__ = utf-8
[misc]
api_key = {KEY}
nzb_key = {KEY[::-1]}
host = 0.0.0.0
port = 8080
host_whitelist = sabnzbd,
download_dir = /config/incomplete
complete_dir = /config/complete
"""


class Answer(NamedTuple):
    status: int
    body: str


Ask = Callable[..., Answer]


@pytest.fixture
def ask(start_real: Callable[..., Container], tmp_path: Path) -> Ask:
    """Given a running SABnzbd, return a function that calls its API."""
    (tmp_path / "sabnzbd.ini").write_text(INI)
    container = start_real(
        "sabnzbd",
        ports=(8080,),
        env={"PUID": "1234", "PGID": "1234"},
        binds={tmp_path: "/config"},
    )
    address, port = container.address(8080)

    def call(query: str, host: str = "127.0.0.1") -> Answer:
        connection = http.client.HTTPConnection(address, port, timeout=5)
        path = f"/api?output=json&{query}"
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        return Answer(response.status, response.read().decode())

    refused = (OSError, http.client.HTTPException)
    until(lambda: call("mode=version"), refused)
    return call


def test_version_needs_no_key(ask: Ask) -> None:
    status, body = ask("mode=version")

    assert status == 200
    assert json.loads(body)["version"][0].isdigit()


def test_a_strange_host_name_is_refused_even_for_the_version(
    ask: Ask,
) -> None:
    status, body = ask("mode=version", host="media.example.com")

    assert status == 403
    assert "Hostname verification failed" in body
    assert ask("mode=version", host="sabnzbd").status == 200


def test_the_seeded_key_opens_the_queue(ask: Ask) -> None:
    status, body = ask(f"mode=queue&apikey={KEY}")

    assert status == 200
    assert json.loads(body)["queue"]["status"] == "Idle"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("mode=queue", "API Key Required"),
        ("mode=queue&apikey=wrong", "API Key Incorrect"),
    ],
)
def test_no_key_or_a_wrong_one_is_403(
    ask: Ask, query: str, sentence: str
) -> None:
    status, body = ask(query)

    assert status == 403
    assert sentence in body


@pytest.mark.parametrize(
    ("key", "kind"),
    [(KEY, "apikey"), (KEY[::-1], "nzbkey"), ("wrong", "badkey")],
)
def test_mode_auth_tells_the_kind_of_a_key(
    ask: Ask, key: str, kind: str
) -> None:
    status, body = ask(f"mode=auth&key={key}")

    assert (status, json.loads(body)) == (200, {"auth": kind})
