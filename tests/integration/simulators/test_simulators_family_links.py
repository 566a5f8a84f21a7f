"""The family's links: download clients, indexers, applications, libraries."""

import os
from pathlib import Path
from typing import Any

import pytest
from simulator_process import Simulator, eventually
from test_simulators_servarr import finished

from conftest import KEY, Simulate


def sab_key(sab: Simulator) -> str:
    for line in sab.path("/config/sabnzbd.ini").read_text().splitlines():
        if line.startswith("api_key"):
            return line.partition("=")[2].strip()
    raise AssertionError("no key in sabnzbd.ini")


def sab_client(sab: Simulator, **fields: Any) -> dict[str, Any]:
    values = {
        "host": "127.0.0.1",
        "port": sab.port,
        "apiKey": sab_key(sab),
        "tvCategory": "tv",
        **fields,
    }
    return {
        "name": "SABnzbd",
        "enable": True,
        "protocol": "usenet",
        "implementation": "Sabnzbd",
        "configContract": "SabnzbdSettings",
        "fields": [{"name": n, "value": v} for n, v in values.items()],
    }


def field(resource: Any, name: str) -> Any:
    values = [e.get("value") for e in resource["fields"] if e["name"] == name]
    return values[0]


CLIENTS = "/api/v3/downloadclient"


def test_download_client_is_tested_for_real(
    servarr: Simulate, simulate: Simulate
) -> None:
    sonarr, sab = servarr("sonarr"), simulate("sabnzbd")
    for fields, name, message in (
        ({"port": 1}, "Host", "Unable to connect to SABnzbd"),
        ({"apiKey": "wrong"}, "APIKey", "API Key Incorrect"),
        ({"apiKey": ""}, "APIKey", "API Key Required"),
        ({"tvCategory": "music"}, "TvCategory", "Category does not exist"),
    ):
        body = sab_client(sab, **fields)
        for path in (CLIENTS, f"{CLIENTS}/test"):
            found = sonarr.post(f"{path}?forceSave=true", body)
            assert found.status == 400
            (failure,) = found.json()
            assert (failure["propertyName"], failure["errorMessage"]) == (
                name,
                message,
            )
            assert failure["isWarning"] is False
            assert "errorCode" not in failure
    good = sonarr.post(f"{CLIENTS}/test", sab_client(sab))
    assert (good.status, good.text) == (200, "{}")
    assert sonarr.get(CLIENTS).json() == []


def test_secrets_are_masked_and_kept(
    servarr: Simulate, simulate: Simulate
) -> None:
    sonarr, sab = servarr("sonarr"), simulate("sabnzbd")
    made = sonarr.post(CLIENTS, sab_client(sab))
    assert made.status == 201
    resource = made.json()
    assert field(resource, "apiKey") == "********"
    resource["name"] = "Renamed"
    resource["ours"] = {"kept": True}
    where = f"{CLIENTS}/{resource['id']}"
    changed = sonarr.ask("PUT", where, resource)
    assert (changed.status, changed.json()["name"]) == (202, "Renamed")
    assert changed.json()["ours"] == {"kept": True}
    assert sonarr.post(f"{CLIENTS}/testall").json()[0]["isValid"] is True
    double = sonarr.post(CLIENTS, sab_client(sab) | {"name": "renamed"})
    assert double.json()[0]["errorMessage"] == "Should be unique"
    assert (
        sonarr.ask("PUT", f"{CLIENTS}/99", resource | {"id": 99}).status == 404
    )


def test_readarr_shows_secrets(servarr: Simulate, simulate: Simulate) -> None:
    readarr, sab = servarr("readarr"), simulate("sabnzbd")
    body = sab_client(sab) | {"enable": False}
    made = readarr.post("/api/v1/downloadclient", body).json()
    assert field(made, "apiKey") == sab_key(sab)
    assert field(made, "musicCategory") == "Readarr"


def test_a_client_that_is_away_is_stored_in_two_steps(
    servarr: Simulate, simulate: Simulate
) -> None:
    sonarr, sab = servarr("sonarr"), simulate("sabnzbd")
    body = sab_client(sab)
    sab.stop()
    assert sonarr.post(f"{CLIENTS}?forceSave=true", body).status == 400
    made = sonarr.post(CLIENTS, body | {"enable": False})
    assert made.status == 201
    enabled = made.json() | {"enable": True}
    where = f"{CLIENTS}/{made.json()['id']}"
    assert sonarr.ask("PUT", where, enabled).status == 400
    forced = sonarr.ask("PUT", f"{where}?forceSave=true", enabled)
    assert forced.status == 202
    # Unchanged content is neither tested nor written.
    assert sonarr.ask("PUT", where, enabled).status == 202


@pytest.mark.parametrize(
    ("password", "status"), [("right", 200), ("wrong", 400)]
)
def test_transmission_as_client(
    servarr: Simulate, simulate: Simulate, password: str, status: int
) -> None:
    radarr = servarr("radarr")
    transmission = simulate("transmission", USER="me", PASS="right")
    values = {
        "host": "127.0.0.1",
        "port": transmission.port,
        "username": "me",
        "password": password,
        "movieCategory": "radarr",
    }
    body = {
        "name": "T",
        "implementation": "Transmission",
        "configContract": "TransmissionSettings",
        "fields": [{"name": n, "value": v} for n, v in values.items()],
    }
    found = radarr.post(f"{CLIENTS}/test", body)
    assert found.status == status
    if status == 400:
        assert found.json()[0]["errorMessage"] == "Authentication failure"


def application(
    prowlarr: Simulator, app: Simulator, **fields: Any
) -> dict[str, Any]:
    values = {
        "prowlarrUrl": prowlarr.url,
        "baseUrl": app.url,
        "apiKey": KEY,
        **fields,
    }
    return {
        "name": app.service,
        "implementation": app.service.title(),
        "configContract": f"{app.service.title()}Settings",
        "syncLevel": "fullSync",
        "fields": [{"name": n, "value": v} for n, v in values.items()],
    }


@pytest.mark.parametrize("service", ["sonarr", "radarr", "lidarr", "readarr"])
def test_application_test_goes_both_ways(
    service: str, servarr: Simulate
) -> None:
    prowlarr, app = servarr("prowlarr"), servarr(service)
    path = "/api/v1/applications"
    for fields, name in (
        ({"apiKey": "wrong"}, "ApiKey"),
        ({"baseUrl": "http://127.0.0.1:1"}, "BaseUrl"),
        ({"baseUrl": f"{app.url}/base"}, "BaseUrl"),
        ({"prowlarrUrl": "http://127.0.0.1:1"}, "ProwlarrUrl"),
    ):
        found = prowlarr.post(path, application(prowlarr, app, **fields))
        assert found.status == 400
        assert found.json()[0]["propertyName"] == name
    assert prowlarr.post(path, application(prowlarr, app)).status == 201


def test_indexers_are_synced(servarr: Simulate) -> None:
    prowlarr, sonarr = servarr("prowlarr"), servarr("sonarr")
    path = "/api/v1/applications"
    assert prowlarr.post(path, application(prowlarr, sonarr)).status == 201
    profile = prowlarr.get("/api/v1/appprofile").json()[0]
    assert profile["name"] == "Standard"
    values = {"baseUrl": f"{prowlarr.url}/0", "apiKey": KEY}
    indexer = {
        "name": "Somewhere",
        "enable": True,
        "appProfileId": 0,
        "implementation": "Newznab",
        "configContract": "NewznabSettings",
        "fields": [{"name": n, "value": v} for n, v in values.items()],
    }
    refused = prowlarr.post("/api/v1/indexer", indexer).json()
    assert refused[0]["propertyName"] == "AppProfileId"
    indexer["appProfileId"] = profile["id"]
    direct = prowlarr.post("/api/v1/indexer", indexer | {"redirect": False})
    text = "Redirect must be enabled for Usenet indexers"
    assert direct.json()[0]["errorMessage"] == text
    assert prowlarr.post("/api/v1/indexer", indexer).status == 201

    def synced() -> Any:
        return sonarr.get("/api/v3/indexer").json()

    (found,) = eventually(synced)
    assert found["name"] == "Somewhere (Prowlarr)"
    assert field(found, "baseUrl") == f"{prowlarr.url}/1/"
    sources = [e["source"] for e in sonarr.get("/api/v3/health").json()]
    assert sources == ["DownloadClientCheck"]
    assert prowlarr.get("/api/v1/health").json() == []
    figures = prowlarr.get("/api/v1/indexerstats").json()["indexers"]
    assert figures[0]["numberOfQueries"] >= 2


def test_newznab_endpoint(servarr: Simulate) -> None:
    prowlarr = servarr("prowlarr")
    bare = {"X-Api-Key": ""}
    assert prowlarr.get("/0/api?t=caps", headers=bare).status == 401
    found = prowlarr.get(f"/0/api?t=caps&apikey={KEY}", headers=bare)
    assert (found.status, "<caps>" in found.text) == (200, True)


# Libraries


def series(app: Simulator, title: str = "Show", number: int = 1) -> Any:
    found = app.post(
        "/api/v3/series",
        {
            "title": title,
            "tvdbId": number,
            "qualityProfileId": 1,
            "rootFolderPath": "/data/tv",
        },
    )
    assert found.status == 201, found.text
    return found.json()


def with_root(app: Simulator, *roots: str) -> Simulator:
    for root in roots:
        app.folder(root)
        made = app.post("/api/v3/rootfolder", {"path": root})
        assert made.status == 201
    return app


def rescan(app: Simulator, number: int) -> list[Any]:
    body = {"name": "RescanSeries", "seriesId": number}
    finished(app, app.post("/api/v3/command", body).json()["id"])
    path = f"/api/v3/episodefile?seriesId={number}"
    return list(app.get(path).json())


def test_series_rules(servarr: Simulate) -> None:
    app = with_root(servarr("sonarr"), "/data/tv")
    made = series(app)
    assert made["path"] == "/data/tv/Show"
    again = app.post("/api/v3/series", made)
    messages = [each["errorMessage"] for each in again.json()]
    assert "This series has already been added" in messages
    bad = app.post(
        "/api/v3/series",
        {"title": "X", "tvdbId": 9, "rootFolderPath": "/nope"},
    ).json()
    assert [each["errorMessage"] for each in bad] == [
        "Root folder '/nope' does not exist",
        "'Quality Profile Id' must be greater than '0'.",
    ]
    made["ours"] = "kept"
    put = app.ask("PUT", f"/api/v3/series/{made['id']}", made)
    assert (put.status, put.json()["ours"]) == (202, "kept")
    zero = app.get("/api/v3/series/0")
    assert zero.json()["message"] == "BadRequest: 0 is not a valid ID"


def test_a_drive_that_is_away_keeps_its_rows(servarr: Simulate) -> None:
    app = with_root(servarr("sonarr"), "/data/tv")
    number = series(app)["id"]
    folder, root = app.path("/data/tv/Show"), app.path("/data/tv")
    folder.mkdir(parents=True)
    (folder / "S01E01.mkv").write_bytes(b"x" * 7)
    (found,) = rescan(app, number)
    assert (found["path"], found["size"]) == ("/data/tv/Show/S01E01.mkv", 7)
    away = app.path("/data/away")
    root.rename(away)
    assert len(rescan(app, number)) == 1
    health = app.get("/api/v3/health").json()
    app.post("/api/v3/command", {"name": "CheckHealth"})
    missing = "Missing root folder: /data/tv"
    assert eventually(lambda: missing in app.get("/api/v3/health").text), health
    root.mkdir()
    assert len(rescan(app, number)) == 1
    (root / "stray").touch()
    assert rescan(app, number) == []


def test_moving_to_another_root(servarr: Simulate) -> None:
    app = with_root(servarr("sonarr"), "/data/tv", "/data/usb")
    number = series(app)["id"]
    source = app.path("/data/tv/Show")
    source.mkdir()
    (source / "a.mkv").touch()
    body = {"seriesIds": [number], "rootFolderPath": "/nope"}
    wrong = app.ask("PUT", "/api/v3/series/editor", body)
    text = "Root folder '/nope' does not exist"
    assert (wrong.status, wrong.json()[0]["errorMessage"]) == (400, text)
    body |= {"rootFolderPath": "/data/usb", "moveFiles": True}
    moved = app.ask("PUT", "/api/v3/series/editor", body)
    assert (moved.status, moved.json()[0]["path"]) == (202, "/data/usb/Show")
    target = app.path("/data/usb/Show/a.mkv")
    assert eventually(target.exists)
    assert not source.exists()


def test_move_that_fails_puts_the_path_back(servarr: Simulate) -> None:
    app = with_root(servarr("sonarr"), "/data/tv", "/data/usb")
    made = series(app)
    app.folder("/data/tv/Show")
    app.path("/data/usb/Blocked").write_text("a file, no folder")
    made["path"] = "/data/usb/Blocked/Show"
    where = f"/api/v3/series/{made['id']}"
    assert app.ask("PUT", f"{where}?moveFiles=true", made).status == 202
    assert eventually(lambda: app.get(where).json()["path"] == "/data/tv/Show")


@pytest.mark.parametrize(
    ("service", "items", "key", "title"),
    [
        ("radarr", "movie", "tmdbId", "title"),
        ("lidarr", "artist", "foreignArtistId", "artistName"),
        ("readarr", "author", "foreignAuthorId", "authorName"),
    ],
)
def test_other_libraries(
    service: str, items: str, key: str, title: str, servarr: Simulate
) -> None:
    app = servarr(service)
    api = "v3" if service == "radarr" else "v1"
    root = app.folder(f"/data/{items}")
    body: dict[str, Any] = {"path": root}
    if api == "v1":
        body |= {"name": "X", "defaultTags": [], "defaultQualityProfileId": 1}
        body["defaultMetadataProfileId"] = 1
    assert app.post(f"/api/{api}/rootfolder", body).status == 201
    (result,) = app.get(f"/api/{api}/{items}/lookup?term=something").json()
    result |= {"rootFolderPath": root, "qualityProfileId": 1, title: "It"}
    made = app.post(f"/api/{api}/{items}", result)
    assert made.status == 201
    found = app.get(f"/api/{api}/{items}?{key}={result[key]}").json()
    assert [each[title] for each in found] == ["It"]
    assert app.get(f"/api/{api}/diskspace").json()[0]["totalSpace"] > 0


def test_the_process_is_not_root_any_more(servarr: Simulate) -> None:
    user = 911 if os.getuid() == 0 else os.getuid()
    app = servarr("sonarr", PUID=str(user), PGID=str(user), UMASK="027")
    owner = app.path("/config/sonarr.db").stat()
    assert (owner.st_uid, owner.st_mode & 0o777) == (user, 0o640)
    status = Path(f"/proc/{app.process.pid}/status").read_text()
    uids = [line for line in status.splitlines() if line.startswith("Uid:")]
    assert uids[0].split()[1:] == [str(user)] * 4
