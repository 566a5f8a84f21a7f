"""SABnzbd and Transmission: their gates, keys and figures."""

import base64
from typing import Any

import pytest
from simulator_process import Simulator
from test_simulators_family_links import sab_key

from conftest import Simulate


def sab(app: Simulator, mode: str, **arguments: str) -> Any:
    form = {"mode": mode, "output": "json", "apikey": sab_key(app)}
    found = app.post("/api", form=form | arguments)
    assert found.status == 200
    return found.json()


def test_host_check_comes_first(simulate: Simulate) -> None:
    app = simulate("sabnzbd")
    path = "/api?mode=version"
    wrong = app.get(path, headers={"Host": "sab.example"})
    assert wrong.status == 403
    text = "Access denied - Hostname verification failed: "
    assert wrong.text.startswith(text)
    for host in ("localhost:1", "127.0.0.1", "box.local", "[::1]:8080"):
        assert app.get(path, headers={"Host": host}).status == 200


def test_host_check_ends_with_a_password_or_the_list(
    simulate: Simulate,
) -> None:
    app = simulate("sabnzbd")
    host = {"Host": "sabnzbd:8080"}
    changed = sab(app, "set_config", section="misc",
                  keyword="host_whitelist", value="sabnzbd, sab")  # fmt: skip
    assert changed["config"]["misc"]["host_whitelist"] == ["sabnzbd", "sab"]
    assert app.get("/api?mode=version", headers=host).status == 200
    other = {"Host": "other"}
    assert app.get("/api?mode=version", headers=other).status == 403
    for name in ("username", "password"):
        sab(app, "set_config", section="misc", keyword=name, value="x")
    assert app.get("/api?mode=version", headers=other).status == 200


def test_key_texts(simulate: Simulate) -> None:
    app = simulate("sabnzbd")
    missing = app.get("/api?mode=queue&output=json")
    assert (missing.status, missing.text) == (403, "API Key Required")
    wrong = app.get("/api?mode=queue&apikey=x")
    assert (wrong.status, wrong.text) == (403, "API Key Incorrect")
    key = sab_key(app)
    kinds = [
        app.get(f"/sabnzbd/api?mode=auth&key={each}").json()["auth"]
        for each in (key, "nope")
    ]
    assert kinds == ["apikey", "badkey"]


def test_key_rotation_is_at_once_and_survives(simulate: Simulate) -> None:
    app = simulate("sabnzbd")
    old = sab_key(app)
    new = sab(app, "config", name="set_apikey")["apikey"]
    assert app.get(f"/api?mode=queue&apikey={old}").status == 403
    app.stop()
    assert sab_key(app) == new
    again = simulate("sabnzbd", root=app.root)
    assert again.get(f"/api?mode=queue&apikey={new}").status == 200


def test_figures_have_their_types(simulate: Simulate) -> None:
    app = simulate("sabnzbd")
    sab(app, "addurl", name="http://127.0.0.1/a.nzb", cat="tv")
    queue = sab(app, "queue", limit="1")["queue"]
    assert queue["noofslots_total"] == 1
    assert queue["paused"] is False
    assert isinstance(queue["kbpersec"], str)
    assert isinstance(queue["diskspace1"], str)
    assert queue["slots"][0]["cat"] == "tv"
    assert sab(app, "server_stats")["total"] == 0
    sab(app, "pause")
    assert sab(app, "queue")["queue"]["status"] == "Paused"


def test_categories_and_servers(simulate: Simulate) -> None:
    app = simulate("sabnzbd")
    expected = ["*", "movies", "tv", "audio", "software"]
    assert sab(app, "get_cats")["categories"] == expected
    made = sab(app, "set_config", section="categories", keyword="Music",
               dir="music")  # fmt: skip
    assert made["config"]["categories"][0]["name"] == "music"
    sab(app, "set_config", section="servers", keyword="news",
        host="news.example", ssl="1")  # fmt: skip
    app.stop()
    again = simulate("sabnzbd", root=app.root)
    config = sab(again, "get_config")["config"]
    assert "music" in [each["name"] for each in config["categories"]]
    assert config["servers"][0]["host"] == "news.example"
    wrong = sab(again, "get_config", section="misc", keyword="nothing")
    assert wrong == {"status": False, "error": "Config item does not exist"}


RPC = "/transmission/rpc"


def rpc(app: Simulator, method: str, **arguments: Any) -> Any:
    body = {"method": method, "arguments": arguments, "tag": 7}
    refused = app.post(RPC, body)
    name = "X-Transmission-Session-Id"
    session = {name: refused.headers[name.lower()]}
    found = app.post(RPC, body, headers=session)
    assert found.status == 200
    return found.json()


def test_transmission_answers_in_its_order(simulate: Simulate) -> None:
    app = simulate("transmission", USER="me", PASS="secret")
    assert app.ask("OPTIONS", RPC).status == 200
    refused = app.post(RPC, {})
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == 'Basic realm="Transmission"'
    assert refused.text.startswith("<h1>401: Unauthorized</h1>")
    code = base64.b64encode(b"me:secret").decode()
    app.headers = {"Authorization": f"Basic {code}"}
    assert app.get("/transmission/").status == 301
    conflict = app.get("/anything/at/all")
    assert conflict.status == 301
    assert app.post(RPC, {}).status == 409
    session = app.post(RPC, {}).headers["x-transmission-session-id"]
    app.headers["X-Transmission-Session-Id"] = session
    assert app.get(RPC).status == 405
    assert app.get("/transmission/other").status == 404


def test_transmission_host_and_address_lists(simulate: Simulate) -> None:
    app = simulate("transmission", HOST_WHITELIST="transmission")
    for host, status in (
        ("evil.example", 421),
        ("transmission:9091", 409),
        ("127.0.0.1", 409),
    ):
        assert app.post(RPC, {}, headers={"Host": host}).status == status
    closed = simulate("transmission", WHITELIST="10.0.0.*")
    assert closed.post(RPC, {}).status == 403


def test_transmission_figures(simulate: Simulate) -> None:
    app = simulate("transmission")
    magnet = f"magnet:?xt=urn:btih:{'ab' * 20}&dn=Thing"
    added = rpc(app, "torrent-add", filename=magnet)
    assert added["arguments"]["torrent-added"]["name"] == "Thing"
    assert added["tag"] == 7
    stats = rpc(app, "session-stats")["arguments"]
    assert (stats["torrentCount"], stats["activeTorrentCount"]) == (1, 1)
    assert rpc(app, "nonsense")["result"] == "method name not recognized"
    space = rpc(app, "free-space", path="/config")["arguments"]
    assert space["size-bytes"] > 0
    app.stop()
    again = simulate("transmission", root=app.root)
    fields = ["name", "hashString"]
    listed = rpc(again, "torrent-get", fields=fields)["arguments"]
    assert listed["torrents"] == [{"name": "Thing", "hashString": "ab" * 20}]


@pytest.mark.parametrize("password", ["", "x"])
def test_transmission_needs_both_variables(
    password: str, simulate: Simulate
) -> None:
    app = simulate("transmission", PASS=password)
    assert app.post(RPC, {}).status == 409
