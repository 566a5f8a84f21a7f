"""Every client against the simulator of its application."""

import json
from pathlib import Path
from typing import Any

import pytest
from app_running import Running
from app_stack import KEY, PASSWORD, secrets, stack_with
from simulator_process import Simulator, eventually

from usenet_stack.apps.registry import open_app
from usenet_stack.apps.servarr import field, with_field
from usenet_stack.errors import UsenetError
from usenet_stack.stack.secrets import SecretValue

FAMILY = ("sonarr", "radarr", "lidarr", "readarr")


def seed(simulator: Simulator, documents: dict[str, Any]) -> None:
    """Give a simulator documents to hold."""
    folder = {"seerr": "/app/config", "tdarr": "/app/server"}
    where = folder.get(simulator.service, "/config")
    path = simulator.path(f"{where}/.simulator-seed.json")
    path.write_text(json.dumps(documents))


# -- the Servarr family ----------------------------------------------------


@pytest.mark.parametrize("service", FAMILY)
def test_family_figures(running: Running, service: str) -> None:
    simulator, app = running.both(service)
    found = app.figures()
    assert found["queue"] == 0
    assert found["errors"] >= 1  # a new one has no indexers
    assert found["warnings"] >= 1
    assert found["version"] == app.version() == app.status()["version"]
    seed(simulator, {"queue": [{"title": str(n)} for n in range(3)]})
    assert app.figures()["queue"] == app.queue_count() == 3


@pytest.mark.parametrize("service", FAMILY)
def test_family_connects_once(running: Running, service: str) -> None:
    _, app = running.both(service)
    app.figures()
    sock = app.http._connection.sock
    app.figures()
    app.root_folders()
    assert app.http._connection.sock is sock


def test_paged_answers_are_read_to_the_end(running: Running) -> None:
    simulator, app = running.both("sonarr")
    rows = [{"title": str(n), "id": n + 1} for n in range(25)]
    seed(simulator, {"queue": rows})
    found = list(app.paged("queue", page_size=10))
    assert sorted(int(each["title"]) for each in found) == list(range(25))


def test_unknown_fields_go_back(running: Running) -> None:
    _, app = running.both("sonarr")
    host = app.get("config/host")
    assert len(host) > 10
    kept = app.update("config/host", host)
    assert kept == host
    tag = app.create("tag", {"label": "one"})
    assert app.list("tag") == [tag]
    app.delete("tag", tag["id"])
    assert app.list("tag") == []


def test_root_folders_come_and_go(running: Running) -> None:
    simulator, app = running.both("radarr")
    simulator.folder("/data/media/movies")
    made = app.add_root_folder("/data/media/movies")
    assert [each["id"] for each in app.root_folders()] == [made["id"]]
    app.delete_root_folder(made["id"])
    app.delete_root_folder(made["id"])
    assert app.root_folders() == []


def test_validation_failures_say_what_the_application_says(
    running: Running,
) -> None:
    _, app = running.both("sonarr")
    with pytest.raises(UsenetError) as caught:
        app.add_root_folder("/nope")
    assert caught.value.code == "app.refused"
    assert caught.value.details == ("Path: Path '/nope' does not exist",)
    with pytest.raises(UsenetError) as caught:
        app.update("series", {"id": 0, "title": "x"})
    assert caught.value.details == ("BadRequest: 0 is not a valid ID",)
    with pytest.raises(UsenetError) as caught:
        app.get("nothing-of-the-kind")
    assert caught.value.code == "app.not-found"


def test_commands_run(running: Running) -> None:
    _, app = running.both("lidarr")
    made = app.command("CheckHealth")
    done = eventually(lambda: "ended" in app.get("command", made["id"]))
    assert done


def test_download_client_keeps_its_fields(running: Running) -> None:
    sab = running.simulator("sabnzbd")
    _, app = running.both("sonarr")
    values = {
        "host": "127.0.0.1",
        "port": sab.port,
        "apiKey": KEY,
        "tvCategory": "tv",
    }
    made = app.create(
        "downloadclient",
        {
            "name": "SABnzbd",
            "enable": True,
            "protocol": "usenet",
            "implementation": "Sabnzbd",
            "configContract": "SabnzbdSettings",
            "fields": [{"name": n, "value": v} for n, v in values.items()],
        },
    )
    assert field(made, "apiKey") == "********"
    wrong = with_field(made, "apiKey", "f" * 32)
    with pytest.raises(UsenetError) as caught:
        app.update("downloadclient", wrong)
    assert "API Key Incorrect" in caught.value.details[0]
    app.update("downloadclient", with_field(made, "tvCategory", "movies"))
    (kept,) = app.download_clients()
    assert field(kept, "tvCategory") == "movies"
    assert field(kept, "host") == "127.0.0.1"


def test_url_base_is_learned(running: Running) -> None:
    simulator = running.simulator("sonarr", SONARR__SERVER__URLBASE="tv")
    app = running.client(simulator)
    assert app.figures()["queue"] == 0
    assert app.http.base == "/tv"
    assert app.create("tag", {"label": "x"})["label"] == "x"


@pytest.mark.parametrize("service", (*FAMILY, "prowlarr", "bazarr", "tdarr"))
def test_wrong_key_is_unauthorised(running: Running, service: str) -> None:
    wrong = {f"{service.upper()}_API_KEY": "f" * 32}
    _, app = running.both(service, **wrong)
    with pytest.raises(UsenetError) as caught:
        app.figures()
    assert caught.value.code == "app.unauthorised"
    assert caught.value.exit_code == 12


# -- Prowlarr --------------------------------------------------------------


def test_prowlarr_counts_indexers(running: Running) -> None:
    simulator, app = running.both("prowlarr")
    assert app.figures()["indexers"] == 0
    rows = [{"id": n, "name": str(n), "enable": n != 3} for n in (1, 2, 3)]
    seed(simulator, {"indexer": rows, "indexerstatus": [{"indexerId": 1}]})
    found = app.figures()
    assert (found["indexers_up"], found["indexers"]) == (1, 3)
    assert found["version"] == app.version()


def test_prowlarr_application_gets_a_new_key(running: Running) -> None:
    sonarr = running.simulator("sonarr")
    simulator, app = running.both("prowlarr")
    values = {
        "prowlarrUrl": simulator.url,
        "baseUrl": sonarr.url,
        "apiKey": KEY,
    }
    app.create(
        "applications",
        {
            "name": "Sonarr",
            "syncLevel": "fullSync",
            "implementation": "Sonarr",
            "configContract": "SonarrSettings",
            "fields": [{"name": n, "value": v} for n, v in values.items()],
        },
    )
    (held,) = app.applications()
    with pytest.raises(UsenetError) as caught:
        app.update("applications", with_field(held, "apiKey", "f" * 32))
    assert caught.value.code == "app.refused"
    assert "f" * 32 not in str(caught.value.as_dict())
    new = with_field(held, "apiKey", KEY)
    assert app.update("applications", new)["name"] == "Sonarr"
    assert app.sync()["name"] == "ApplicationIndexerSync"


# -- download clients ------------------------------------------------------


def test_sabnzbd_figures_and_settings(running: Running) -> None:
    _, app = running.both("sabnzbd")
    found = app.figures()
    assert (found["queue"], found["status"]) == (0, "idle")
    assert found["down_bytes_s"] == found["left_bytes"] == 0
    assert found["version"] == app.version()
    app._change("addurl", name="http://127.0.0.1/a.nzb", cat="tv")
    found = app.figures()
    assert found["queue"] == 1
    assert found["left_bytes"] == 700 * 2**20
    assert app.queue()["slots"][0]["cat"] == "tv"
    assert "music" not in app.categories()
    app.add_category("music")
    assert "music" in app.categories()
    app.set_config("misc", "host_whitelist", "sabnzbd, sab")
    listed = app.get_config("misc", "host_whitelist")
    assert listed == ["sabnzbd", "sab"]
    (music,) = app.get_config("categories", "music")
    assert music["dir"] == "music"
    for ask in (
        lambda: app.set_config("misc", "nothing", "1"),
        lambda: app.get_config("misc", "nothing"),
        lambda: app.get_config("nothing"),
    ):
        with pytest.raises(UsenetError) as caught:
            ask()
        assert caught.value.code == "app.refused"
        assert caught.value.details == ("Config item does not exist",)


def test_sabnzbd_key_is_rotated(running: Running) -> None:
    simulator, app = running.both("sabnzbd")
    assert app.test_key() == "apikey"
    new = app.set_apikey()
    assert app.test_key() == app.test_key(new) == "apikey"
    assert app.test_key(SecretValue(KEY)) == "badkey"
    assert app.figures()["queue"] == 0
    old = running.client(simulator)
    with pytest.raises(UsenetError) as caught:
        old.figures()
    assert caught.value.code == "app.unauthorised"
    assert caught.value.why == "API Key Incorrect"
    assert old.test_key() == "badkey"


def test_sabnzbd_host_check_is_told(running: Running) -> None:
    _, app = running.both("sabnzbd")
    fault = {"status": 403, "body": "Access denied - Hostname verification"}
    simulator = running.simulators[0]
    path = simulator.path("/config/.simulator-faults.json")
    path.write_text(json.dumps(fault))
    with pytest.raises(UsenetError) as caught:
        app.figures()
    assert caught.value.code == "app.forbidden-host"


def test_transmission_figures_and_settings(running: Running) -> None:
    _, app = running.both("transmission")
    found = app.figures()
    assert (found["active"], found["torrents"]) == (0, 0)
    assert found["down_bytes_s"] == found["up_bytes_s"] == 0
    app._call("torrent-add", {"filename": "magnet:?xt=urn:btih:" + "a" * 40})
    assert app.figures()["torrents"] == app.stats()["torrentCount"] == 1
    assert len(app.torrents()) == 1
    app.session_set(speed_limit_down=77)
    assert app.session_get()["speed-limit-down"] == 77
    assert app.version().startswith("4.")
    with pytest.raises(UsenetError) as caught:
        app._call("no-such-method")
    assert caught.value.code == "app.refused"


def test_transmission_renews_its_session(running: Running) -> None:
    _, app = running.both("transmission")
    app.figures()
    app._session = "stale"
    assert app.figures()["torrents"] == 0


def test_transmission_agrees_with_the_library(running: Running) -> None:
    import transmission_rpc

    simulator, app = running.both("transmission")
    peer = transmission_rpc.Client(
        port=simulator.port, username="admin", password=PASSWORD
    )
    peer.add_torrent("magnet:?xt=urn:btih:" + "b" * 40)
    stats = peer.session_stats()
    assert app.figures() == {
        "active": stats.active_torrent_count,
        "torrents": stats.torrent_count,
        "down_bytes_s": stats.download_speed,
        "up_bytes_s": stats.upload_speed,
    }
    assert app.version() == peer.get_session().version


def test_transmission_refuses_a_wrong_password(running: Running) -> None:
    _, app = running.both("transmission", TRANSMISSION_PASSWORD="wrong-one")
    with pytest.raises(UsenetError) as caught:
        app.figures()
    assert caught.value.code == "app.unauthorised"


# -- media -----------------------------------------------------------------


def finish_wizard(simulator: Simulator) -> None:
    simulator.get("/Startup/User")
    login = {"Name": "admin", "Password": PASSWORD}
    simulator.post("/Startup/User", login)
    assert simulator.post("/Startup/Complete").status == 204


def test_jellyfin_before_the_wizard(running: Running) -> None:
    _, app = running.both("jellyfin")
    assert app.figures() == {"version": app.version(), "setup": "pending"}
    with pytest.raises(UsenetError) as caught:
        app.keys()
    assert caught.value.code == "app.setup-pending"


def test_jellyfin_logs_in(running: Running) -> None:
    simulator, app = running.both("jellyfin")
    finish_wizard(simulator)
    hardware = {"HardwareAccelerationType": "vaapi"}
    software = {"HardwareAccelerationType": "none"}
    seed(
        simulator,
        {
            "playing": [
                {"Id": "a"},
                {"Id": "b", "NowPlayingItem": {"Name": "x"}},
                {
                    "Id": "c",
                    "NowPlayingItem": {"Name": "y"},
                    "TranscodingInfo": hardware,
                },
                {
                    "Id": "d",
                    "NowPlayingItem": {"Name": "z"},
                    "TranscodingInfo": software,
                },
            ]
        },
    )
    found = app.figures()
    assert (found["streams"], found["transcodes"], found["gpu"]) == (3, 2, 1)
    assert (found["movies"], found["series"], found["episodes"]) == (0, 0, 0)
    assert len(app.sessions()) == 4
    assert app.libraries() == []


def test_jellyfin_keys(running: Running) -> None:
    simulator, app = running.both("jellyfin")
    finish_wizard(simulator)
    first, second = app.create_key(), app.create_key()
    assert first != second
    assert len(app.keys()) == 2
    by_key = running.client(
        simulator,
        JELLYFIN_API_KEY=second.reveal(),
        JELLYFIN_ADMIN_PASSWORD="",
    )
    assert by_key.figures()["streams"] == 0
    by_key.delete_key(first)
    app.delete_key(first)
    (left,) = app.keys()
    assert left["AccessToken"] == second.reveal()
    app.delete_key(second)
    with pytest.raises(UsenetError) as caught:
        by_key.figures()
    assert caught.value.code == "app.unauthorised"


def test_jellyfin_with_a_password_that_is_not_ours(running: Running) -> None:
    simulator = running.simulator("jellyfin")
    finish_wizard(simulator)
    app = running.client(simulator, JELLYFIN_ADMIN_PASSWORD="not-that-one")
    assert app.figures()["setup"] == "pending"
    with pytest.raises(UsenetError) as caught:
        app.create_key()
    assert caught.value.code == "app.unauthorised"
    assert "not-that-one" not in str(caught.value.as_dict())


def administrator(running: Running, seerr: Simulator) -> None:
    jellyfin = running.simulator("jellyfin")
    finish_wizard(jellyfin)
    login = {
        "username": "admin",
        "password": PASSWORD,
        "hostname": "127.0.0.1",
        "port": jellyfin.port,
    }
    assert seerr.post("/api/v1/auth/jellyfin", login).status == 200
    headers = {"X-API-Key": KEY}
    done = seerr.post("/api/v1/settings/initialize", headers=headers)
    assert done.status == 200


def test_seerr_waits_for_its_administrator(running: Running) -> None:
    _, app = running.both("seerr")
    assert app.figures() == {"setup": "pending"}
    assert app.public()["initialized"] is False
    with pytest.raises(UsenetError) as caught:
        app.servers("radarr")
    assert caught.value.code == "app.setup-pending"


def test_seerr_requests_and_servers(running: Running) -> None:
    simulator, app = running.both("seerr")
    administrator(running, simulator)
    rows = [{"state": "pending", "type": "tv"}, {"state": "approved"}]
    seed(simulator, {"request": rows})
    found = app.figures()
    assert (found["requests"], found["pending"]) == (2, 1)
    assert found["version"] == app.version()
    server = {"name": "Radarr", "hostname": "radarr", "port": 7878, "odd": 1}
    made = app.add_server("radarr", {**server, "apiKey": KEY})
    assert made["id"] == 0
    app.update_server("radarr", {**made, "apiKey": "f" * 32})
    (kept,) = app.servers("radarr")
    assert (kept["apiKey"], kept["odd"], kept["id"]) == ("f" * 32, 1, 0)
    with pytest.raises(UsenetError) as caught:
        app.test_server("radarr", {**kept, "hostname": "127.0.0.1", "port": 1})
    assert caught.value.code == "app.failing"
    app.delete_server("radarr", 0)
    assert app.servers("radarr") == []
    new = app.regenerate_key()
    with pytest.raises(UsenetError) as caught:
        app.figures()
    assert caught.value.code == "app.unauthorised"
    again = running.client(simulator, SEERR_API_KEY=new.reveal())
    assert again.figures()["requests"] == 2
    assert again.main_settings()["apiKey"] == new.reveal()


def test_bazarr_badges_and_settings(running: Running) -> None:
    sonarr = running.simulator("sonarr")
    _, app = running.both("bazarr")
    found = app.figures()
    assert (found["missing_episodes"], found["missing_movies"]) == (0, 0)
    app.save_settings(
        {
            "settings-sonarr-ip": "127.0.0.1",
            "settings-sonarr-port": sonarr.port,
            "settings-sonarr-apikey": KEY,
            "settings-general-use_sonarr": True,
        }
    )
    settings = app.settings()
    assert settings["sonarr"]["apikey"] == KEY
    assert settings["general"]["use_sonarr"] is True
    assert app.badges()["sonarr_signalr"] == "LIVE"
    assert app.version()


def test_tdarr_counts(running: Running) -> None:
    _, app = running.both("tdarr")
    assert app.figures() == {
        "queue": 0, "processed": 0, "errors": 0, "workers": 0, "gpu": 0,
    }  # fmt: skip
    assert app.version()
    counts = {f"table{n}Count": 10**n for n in range(1, 7)}
    counts["table1NViewableCount"] = 5
    change = {
        "collection": "StatisticsJSONDB",
        "mode": "update",
        "docID": "statistics",
        "obj": counts,
    }
    app.http.send("POST", "/api/v2/cruddb", {"data": change})
    found = app.figures()
    assert found["queue"] == 5 + 10**4
    assert found["processed"] == 10**2 + 10**5
    assert found["errors"] == 10**3 + 10**6


def test_netdata_alarms(running: Running) -> None:
    _, app = running.both("netdata")
    found = app.figures()
    assert (found["alarms_warning"], found["alarms_critical"]) == (0, 0)
    assert found["version"] == app.version()


def test_portainer(running: Running) -> None:
    simulator, app = running.both("portainer")
    assert app.figures() == {"version": app.version()}
    with pytest.raises(UsenetError) as caught:
        app.endpoints()
    assert caught.value.code == "app.unauthorised"
    admin = {"Username": "admin", "Password": PASSWORD}
    assert simulator.post("/api/users/admin/init", admin).status == 200
    assert app.endpoints() == []


def test_portainer_that_closed_itself(running: Running) -> None:
    simulator = running.simulator("portainer", SIMULATOR_ADMIN_TIMEOUT_S="0")
    app = running.client(simulator)
    status = simulator.get("/api/endpoints")
    assert status.headers["redirect-reason"] == "AdminInitTimeout"
    with pytest.raises(UsenetError) as caught:
        app.endpoints()
    assert caught.value.code == "app.setup-pending"


def test_audiobookshelf(running: Running) -> None:
    simulator, app = running.both("audiobookshelf")
    assert app.figures() == {"version": app.version(), "setup": "pending"}
    with pytest.raises(UsenetError) as caught:
        app.libraries()
    assert caught.value.code == "app.setup-pending"
    root = {"username": "root", "password": PASSWORD}
    assert simulator.post("/init", {"newRoot": root}).status == 200
    assert app.figures() == {"version": app.version(), "libraries": 0}
    assert app.libraries() == []
    wrong = running.client(simulator, AUDIOBOOKSHELF_PASSWORD="not-that-one")
    assert wrong.figures()["setup"] == "pending"
    with pytest.raises(UsenetError) as caught:
        wrong.libraries()
    assert caught.value.code == "app.unauthorised"


# -- declared --------------------------------------------------------------


def test_mylar_figures(running: Running) -> None:
    simulator, app = running.both("mylar3")
    seed(simulator, {"wanted": [{"a": 1}, {"b": 2}]})
    assert app.figures() == {"wanted": 2, "version": app.version()}


def test_mylar_refuses_a_key_with_status_200(running: Running) -> None:
    _, app = running.both("mylar3", MYLAR3_API_KEY="f" * 32)
    with pytest.raises(UsenetError) as caught:
        app.figures()
    assert caught.value.code == "app.unauthorised"
    assert caught.value.why == "Incorrect API key"


def test_yacreader_figures(running: Running) -> None:
    simulator = running.simulator("yacreader", SIMULATOR_PORT="0")
    assert running.client(simulator).figures() == {"libraries": 0}


def test_a_service_of_the_users_own(running: Running, tmp_path: Path) -> None:
    simulator = running.simulator("netdata")
    folder = tmp_path / "own"
    (folder / "services.d").mkdir(parents=True)
    (folder / "services.d" / "mine.toml").write_text(
        'title = "Mine"\ngroup = "extra"\nimage = "mine:1"\n'
        f"ports = [{{ container = 80, host = {simulator.port} }}]\n"
        "figures = [\n"
        '  { name = "hosts", call = "/api/v1/info", '
        'field = "mirrored_hosts.#" },\n'
        '  { name = "warnings", call = "/api/v1/info", '
        'field = "alarms.warning" },\n'
        "]\n"
    )
    stack = stack_with(folder, {})
    app = open_app(stack, stack.catalog["mine"], secrets(), 5)
    assert app is not None
    with app:
        assert app.figures() == {"hosts": 1, "warnings": 0}


def test_services_without_an_api_have_no_client(tmp_path: Path) -> None:
    stack = stack_with(tmp_path, {})
    for name in ("samba", "recyclarr", "nfs-server", "caddy"):
        assert open_app(stack, stack.catalog[name], secrets(), 5) is None


def test_a_missing_key_is_told_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    stack = stack_with(tmp_path, {})
    with pytest.raises(UsenetError) as caught:
        open_app(stack, stack.catalog["sonarr"], secrets(SONARR_API_KEY=""), 5)
    assert caught.value.code == "app.no-key"
    assert "SONARR_API_KEY" in caught.value.why
