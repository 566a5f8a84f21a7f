"""Jellyfin and Seerr, and the smaller applications."""

import time
from typing import Any

from simulator_process import Simulator, eventually

from conftest import KEY, Simulate

CLIENT = 'MediaBrowser Client="t", Device="t", DeviceId="t", Version="1"'


def token(value: str) -> dict[str, str]:
    return {"Authorization": f'{CLIENT}, Token="{value}"'}


def finish_wizard(app: Simulator) -> str:
    """Complete the wizard; an API key."""
    app.get("/Startup/User")
    user = {"Name": "admin", "Password": "secret"}
    assert app.post("/Startup/User", user).status == 204
    assert app.post("/Startup/Complete").status == 204
    login = app.post(
        "/Users/AuthenticateByName",
        {"Username": "admin", "Pw": "secret"},
        headers={"Authorization": CLIENT},
    ).json()
    headers = token(login["AccessToken"])
    made = app.post("/Auth/Keys?app=usenet", headers=headers)
    assert (made.status, made.body) == (204, b"")
    (key,) = app.get("/Auth/Keys", headers=headers).json()["Items"]
    assert key["AppName"] == "usenet"
    return str(key["AccessToken"])


def test_jellyfin_wizard(simulate: Simulate) -> None:
    app = simulate("jellyfin")
    info = app.get("/System/Info/Public").json()
    assert info["StartupWizardCompleted"] is False
    user = {"Name": "admin", "Password": "x"}
    assert app.post("/Startup/User", user).status == 404
    assert app.get("/Startup/User").json()["Name"]
    empty = app.post("/Startup/User", {"Name": "a", "Password": ""})
    assert empty.status == 400
    settings = app.get("/Startup/Configuration").json()
    settings["ServerName"] = "sandbox"
    assert app.post("/Startup/Configuration", settings).status == 204
    finish_wizard(app)
    info = app.get("/System/Info/Public").json()
    assert (info["StartupWizardCompleted"], info["ServerName"]) == (
        True,
        "sandbox",
    )
    assert app.get("/Startup/Configuration").status == 401
    file = app.path("/config/config/system.xml").read_text()
    assert "<IsStartupWizardCompleted>true<" in file


def test_jellyfin_keys_and_restart(simulate: Simulate) -> None:
    app = simulate("jellyfin")
    key = finish_wizard(app)
    assert app.get("/Auth/Keys").status == 401
    app.stop()
    again = simulate("jellyfin", root=app.root)
    assert again.get(f"/Auth/Keys?ApiKey={key}").status == 200
    assert again.get("/Auth/Keys", headers={"X-Emby-Token": key}).status == 200
    gone = again.ask("DELETE", f"/Auth/Keys/{key}", headers=token(key))
    assert gone.status == 204
    assert again.get("/Auth/Keys", headers=token(key)).status == 401


def test_jellyfin_libraries(simulate: Simulate) -> None:
    app = simulate("jellyfin")
    app.headers = token(finish_wizard(app))
    folders = "/Library/VirtualFolders"
    ask = f"{folders}?name=Films&collectionType=movies&paths=/data/films"
    missing = app.post(ask)
    assert (missing.status, missing.text) == (400, "Error processing request.")
    app.folder("/data/films")
    app.folder("/data/usb, two")
    assert app.post(ask).status == 204
    assert app.post(ask).status == 204
    names = [each["Name"] for each in app.get(folders).json()]
    assert names == ["Films", "Films2"]
    body = {"Name": "Films", "PathInfo": {"Path": "/data/usb, two"}}
    for _ in range(2):
        assert app.post(f"{folders}/Paths", body).status == 204
    films = app.get(folders).json()[0]
    # Adding is not idempotent.
    assert films["Locations"].count("/data/usb, two") == 2
    assert films["CollectionType"] == "movies"
    assert app.post(f"{folders}/Paths", body | {"Name": "No"}).status == 404
    nowhere = {"Name": "Films", "Path": "/nowhere"}
    assert app.post(f"{folders}/Paths", nowhere).status == 404
    where = f"{folders}/Paths?name=Films&path=/data/films"
    assert app.ask("DELETE", where).status == 204
    locations = app.get(folders).json()[0]["Locations"]
    assert "/data/films" not in locations


def test_jellyfin_scan_and_user_data(simulate: Simulate) -> None:
    app = simulate("jellyfin")
    app.headers = token(finish_wizard(app))
    app.folder("/data/films/A (2020) [tmdbid-12]")
    film = app.path("/data/films/A (2020) [tmdbid-12]/A.mkv")
    film.touch()
    app.post("/Library/VirtualFolders?name=F&paths=/data/films")

    def items() -> Any:
        return app.get("/Items?recursive=true").json()["Items"]

    app.post("/Library/Refresh")
    (item,) = eventually(items)
    assert item["ProviderIds"] == {"Tmdb": "12"}
    user = app.get("/Users").json()[0]["Id"]
    where = f"/UserPlayedItems/{item['Id']}?userId={user}"
    assert app.post(where).json()["Played"] is True
    assert app.post(f"/UserPlayedItems/{item['Id']}").status == 404
    data = app.get(f"/UserItems/{item['Id']}/UserData?userId={user}").json()
    assert data["PlayCount"] == 1
    film.unlink()
    app.post("/Library/Refresh")
    assert eventually(lambda: items() == [])


def test_jellyfin_answers_while_it_starts(simulate: Simulate) -> None:
    app = simulate("jellyfin", SIMULATOR_FAULTS='{"start_delay_s": 1.5}')
    health = app.get("/health")
    assert (health.status, health.text) == (200, "Degraded")
    info = app.get("/System/Info/Public").json()
    assert info["startupWizardCompleted"] is False
    busy = app.get("/Users")
    assert (busy.status, busy.headers["retry-after"]) == (503, "005")
    assert eventually(lambda: app.get("/health").text == "Healthy")


def seerr_key(app: Simulator) -> dict[str, str]:
    import json

    file = app.path("/app/config/settings.json")
    return {"X-API-Key": json.loads(file.read_text())["main"]["apiKey"]}


def test_seerr_bootstrap(simulate: Simulate, servarr: Simulate) -> None:
    jellyfin, app = simulate("jellyfin"), simulate("seerr")
    jellyfin.headers = token(finish_wizard(jellyfin))
    jellyfin.folder("/data/films")
    jellyfin.post(
        "/Library/VirtualFolders?name=F&collectionType=movies&paths=/data/films"
    )
    key = seerr_key(app)
    text = "You do not have permission to access this endpoint"
    refused = app.get("/api/v1/settings/main", headers=key)
    assert refused.status == 403
    assert refused.json() == {"status": 403, "error": text}
    login = "/api/v1/auth/jellyfin"
    body = {"username": "admin", "password": "secret"}
    first = app.post(login, body)
    assert (first.status, first.json()["message"]) == (
        500,
        "No hostname provided.",
    )
    place = {"hostname": "127.0.0.1", "port": jellyfin.port}
    made = app.post(login, body | place)
    assert (made.status, made.json()["id"]) == (200, 1)
    second = app.post(login, body | place)
    text = "Jellyfin hostname already configured"
    assert (second.status, second.json()["message"]) == (500, text)
    assert app.post(login, body).status == 200
    app.headers = key
    assert app.get("/api/v1/settings/main", headers={}).status == 200
    libraries = "/api/v1/settings/jellyfin/library"
    (library,) = app.get(f"{libraries}?sync=true").json()
    on = app.get(f"{libraries}?enable={library['id']}").json()
    assert on[0]["enabled"] is True
    assert app.get(libraries).json()[0]["enabled"] is False
    radarr = servarr("radarr")
    server = {"hostname": "127.0.0.1", "port": radarr.port, "apiKey": KEY}
    tested = app.post("/api/v1/settings/radarr/test", server).json()
    assert [each["name"] for each in tested["profiles"]] == ["Any", "HD-1080p"]
    wrong = app.post("/api/v1/settings/radarr/test", server | {"apiKey": "x"})
    text = "Failed to connect to Radarr"
    assert (wrong.status, wrong.json()["message"]) == (500, text)
    added = app.post("/api/v1/settings/radarr", server | {"odd": 1})
    assert (added.status, added.json()) == (201, server | {"odd": 1, "id": 0})
    done = app.post("/api/v1/settings/initialize").json()
    assert done == {"initialized": True}
    app.stop()
    again = simulate("seerr", root=app.root)
    again.headers = key
    assert again.get("/api/v1/settings/radarr").json()[0]["id"] == 0
    new = again.post("/api/v1/settings/main/regenerate").json()["apiKey"]
    assert again.get("/api/v1/settings/main").status == 403
    assert seerr_key(again) == {"X-API-Key": new}


def test_bazarr(simulate: Simulate, servarr: Simulate) -> None:
    app, sonarr = simulate("bazarr"), servarr("sonarr")
    assert app.get("/api/badges").status == 401
    text = app.path("/config/config/config.yaml").read_text()
    key = text.split("apikey: ")[1].splitlines()[0].strip('"')
    assert len(key) == 32
    app.headers = {"X-API-KEY": key}
    assert app.get("/api/badges").json()["sonarr_signalr"] == ""
    wrong = app.post(
        "/api/system/settings", form={"settings-sonarr-port": "many"}
    )
    assert wrong.status == 406
    form = {
        "settings-general-use_sonarr": "true",
        "settings-sonarr-ip": "127.0.0.1",
        "settings-sonarr-port": str(sonarr.port),
        "settings-sonarr-apikey": KEY,
    }
    assert app.post("/api/system/settings", form=form).status == 204
    assert app.get("/api/badges").json()["sonarr_signalr"] == "LIVE"
    status = app.get("/api/system/status").json()["data"]
    assert status["sonarr_version"].startswith("4.")
    app.stop()
    again = simulate("bazarr", root=app.root)
    settings = again.get(f"/api/system/settings?apikey={key}").json()
    assert settings["sonarr"]["apikey"] == KEY
    assert settings["sonarr"]["port"] == sonarr.port


def test_bazarr_mends_wrong_types(simulate: Simulate) -> None:
    first = simulate("bazarr")
    first.stop()
    file = first.path("/config/config/config.yaml")
    file.write_text(file.read_text().replace("port: 8989", "port: many"))
    simulate("bazarr", root=first.root)
    assert "port: 8989" in file.read_text()


def test_mylar_always_answers_200(simulate: Simulate) -> None:
    first = simulate("mylar3")
    found = first.get(f"/api?cmd=getVersion&apikey={KEY}")
    assert (found.status, found.json()) == (
        200,
        {
            "success": False,
            "error": {"code": 460, "message": "API not enabled"},
        },
    )
    first.stop()
    file = first.path("/config/mylar/config.ini")
    text = file.read_text().replace("api_enabled = False", "api_enabled = True")
    file.write_text(text.replace("api_key = None", f"api_key = {KEY}"))
    app = simulate("mylar3", root=first.root)
    wrong = app.get("/api?cmd=getVersion&apikey=x").json()
    assert wrong["error"]["message"] == "Incorrect API key"
    good = app.get(f"/api?cmd=getVersion&apikey={KEY}").json()
    assert good["data"]["install_type"] == "docker"
    assert app.get(f"/api?cmd=getWanted&apikey={KEY}").json() == {"issues": []}


def test_audiobookshelf(simulate: Simulate) -> None:
    app = simulate("audiobookshelf")
    assert app.get("/status").json()["isInit"] is False
    root = {"newRoot": {"username": "root", "password": "secret"}}
    assert app.post("/init", root).status == 200
    assert app.post("/init", root).status == 500
    login = {"username": "root", "password": "wrong"}
    assert app.post("/login", login).status == 401
    user = app.post("/login", login | {"password": "secret"}).json()["user"]
    assert app.get("/api/libraries").status == 401
    app.headers = {"Authorization": f"Bearer {user['accessToken']}"}
    body = {"name": "usenet", "userId": user["id"], "isActive": True}
    made = app.post("/api/api-keys", body).json()["apiKey"]
    app.headers = {"Authorization": f"Bearer {made['apiKey']}"}
    library = {"name": "Books", "folders": [{"fullPath": "/data/boooks"}]}
    stored = app.post("/api/libraries", library).json()
    assert app.path("/data/boooks").is_dir()
    stats = app.get(f"/audiobookshelf/api/libraries/{stored['id']}/stats")
    assert stats.json()["totalItems"] == 0
    listed = app.get("/api/api-keys").json()["apiKeys"]
    assert "apiKey" not in listed[0]
    app.ask("DELETE", f"/api/api-keys/{made['id']}")
    assert app.get("/api/libraries").status == 401


def test_portainer_first_admin(simulate: Simulate) -> None:
    app = simulate("portainer")
    assert app.get("/api/users/admin/check").status == 404
    admin = {"Username": "admin", "Password": "short"}
    init = "/api/users/admin/init"
    assert app.post(init, admin).status == 400
    admin["Password"] = "long enough for it"
    assert app.post(init, admin).status == 200
    assert app.post(init, admin).status == 409
    assert app.get("/api/endpoints").status == 401
    jwt = app.post("/api/auth", admin).json()["jwt"]
    bearer = {"Authorization": f"Bearer {jwt}"}
    made = app.post(
        "/api/users/1/tokens", {"description": "usenet"}, headers=bearer
    ).json()
    key = {"X-API-KEY": made["rawAPIKey"]}
    app.stop()
    again = simulate("portainer", root=app.root)
    assert again.get("/api/endpoints", headers=key).json() == []
    archive = again.post("/api/backup", {"password": ""}, headers=key)
    assert archive.body[:2] == b"\x1f\x8b"


def test_portainer_is_too_late(simulate: Simulate) -> None:
    app = simulate("portainer", SIMULATOR_ADMIN_TIMEOUT_S="0")
    found = app.get("/api/system/status")
    assert found.status == 303
    assert found.headers["redirect-reason"] == "AdminInitTimeout"
    assert app.get("/api/status").status == 200


def test_portainer_takes_the_password_from_a_file(simulate: Simulate) -> None:
    first = simulate("portainer")
    first.stop()
    first.path("/data/password").write_text("long enough for it\n")
    arguments = ("--admin-password-file", "/data/password")
    app = simulate("portainer", root=first.root, arguments=arguments)
    admin = {"Username": "admin", "Password": "long enough for it"}
    assert app.post("/api/auth", admin).status == 200


def test_portainer_locks_its_database(simulate: Simulate) -> None:
    import fcntl

    import pytest

    app = simulate("portainer")
    with app.path("/data/portainer.db").open() as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        app.stop()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_tdarr_keys_and_figures(simulate: Simulate) -> None:
    key = "tapi_0123456789"
    app = simulate("tdarr", auth="true", seededApiKey=key)
    body = {
        "data": {
            "collection": "StatisticsJSONDB",
            "mode": "getById",
            "docID": "statistics",
        }
    }
    assert app.post("/api/v2/cruddb", body).status == 401
    found = app.post("/api/v2/cruddb", body, headers={"x-api-key": key})
    assert found.json()["table1Count"] == 0
    opened = simulate("tdarr")
    assert opened.post("/api/v2/cruddb", body).status == 200
    nodes = opened.get("/api/v2/get-nodes").json()
    assert nodes["sandbox"]["nodeName"] == "MyInternalNode"


def test_generic_service(simulate: Simulate) -> None:
    app = simulate("uptime-kuma")
    for path in ("/", "/health", "/healthz", "/api/deep/health"):
        assert app.get(path).status == 200


def test_netdata_keeps_its_identity(simulate: Simulate) -> None:
    first = simulate("netdata")
    identity = first.get("/api/v1/info").json()["uid"]
    first.stop()
    again = simulate("netdata", root=first.root)
    assert again.get("/api/v1/info").json()["uid"] == identity
    begun = again.get("/api/v1/data").json()["data"][0][0]
    assert abs(begun - time.time()) < 60
