"""Our clients against the real daemons."""

from collections.abc import Callable
from pathlib import Path

import pytest

from docker_engine import Container, until
from usenet_stack.apps.opening import open_http
from usenet_stack.apps.sabnzbd import Sabnzbd
from usenet_stack.apps.transmission import Transmission
from usenet_stack.errors import UsenetError
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.secrets import Secrets, SecretValue

PASSWORD = "correct horse"
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
StartReal = Callable[..., Container]


def transmission(container: Container, password: str) -> Transmission:
    service = load_catalog(None)["transmission"]
    env = Secrets({"TRANSMISSION_PASSWORD": SecretValue(password)})
    address = container.address(9091)
    return Transmission(open_http(service, address, env, 5))


def sabnzbd(container: Container, key: str) -> Sabnzbd:
    service = load_catalog(None)["sabnzbd"]
    env = Secrets({"SABNZBD_API_KEY": SecretValue(key)})
    http = open_http(service, container.address(8080), env, 5)
    return Sabnzbd(http, SecretValue(key))


def test_transmission(start_real: StartReal) -> None:
    login = {"USER": "admin", "PASS": PASSWORD}
    container = start_real("transmission", ports=(9091,), env=login)
    with transmission(container, PASSWORD) as app:
        found = until(app.figures, (UsenetError,))
        assert found == {
            "active": 0, "torrents": 0, "down_bytes_s": 0, "up_bytes_s": 0,
        }  # fmt: skip
        assert app.version()[0].isdigit()
        app.session_set(speed_limit_down=77)
        assert app.session_get()["speed-limit-down"] == 77
        assert app.stats()["torrentCount"] == 0
        assert app.torrents() == []
        with pytest.raises(UsenetError) as caught:
            app._call("no-such-method")
        assert caught.value.code == "app.refused"
    with transmission(container, "wrong") as stranger:
        with pytest.raises(UsenetError) as caught:
            stranger.figures()
        assert caught.value.code == "app.unauthorised"


def test_sabnzbd(start_real: StartReal, tmp_path: Path) -> None:
    (tmp_path / "sabnzbd.ini").write_text(INI)
    container = start_real(
        "sabnzbd",
        ports=(8080,),
        env={"PUID": "1234", "PGID": "1234"},
        binds={tmp_path: "/config"},
    )
    app = sabnzbd(container, KEY)
    found = until(app.figures, (UsenetError,))
    assert (found["queue"], found["left_bytes"]) == (0, 0)
    assert found["status"] == "idle"
    assert found["version"] == app.version()
    assert app.get_config("misc", "host_whitelist") == ["sabnzbd"]
    app.set_config("misc", "host_whitelist", "sabnzbd,sab")
    assert app.get_config("misc", "host_whitelist") == ["sabnzbd", "sab"]
    app.add_category("comics")
    assert "comics" in app.categories()
    assert app.queue()["slots"] == []
    for ask in (
        lambda: app.get_config("misc", "no_such_item"),
        lambda: app.get_config("no_such_section"),
        lambda: app.set_config("misc", "no_such_item", "1"),
    ):
        with pytest.raises(UsenetError) as caught:
            ask()
        assert caught.value.code == "app.refused"
    (category,) = app.get_config("categories", "comics")
    assert category["dir"] == "comics"

    new = app.set_apikey()

    assert new.reveal() != KEY
    assert app.test_key() == "apikey"
    assert app.test_key(SecretValue(KEY)) == "badkey"
    assert app.figures()["queue"] == 0
    with pytest.raises(UsenetError) as caught:
        sabnzbd(container, KEY).figures()
    assert caught.value.code == "app.unauthorised"
    app.close()
