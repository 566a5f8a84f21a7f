"""The family: access, root folders, settings, commands."""

import os
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path
from typing import Any

import pytest
from simulator_process import Simulator, eventually

from conftest import KEY, Simulate

API = {"sonarr": "v3", "radarr": "v3", "lidarr": "v1", "readarr": "v1",
       "prowlarr": "v1"}  # fmt: skip


def key_in_file(app: Simulator) -> str | None:
    root = ElementTree.parse(app.path("/config/config.xml"))
    return root.findtext("ApiKey")


def finished(app: Simulator, number: int, api: str = "v3") -> Any:
    """The command with that id once it has ended."""

    def look() -> Any:
        found = app.get(f"/api/{api}/command/{number}").json()
        return found if "ended" in found else None

    return eventually(look)


@pytest.mark.parametrize("service", API)
def test_keyless_and_wrong_key_are_401_and_empty(
    service: str, servarr: Simulate
) -> None:
    app = servarr(service)
    path = f"/api/{API[service]}/system/status"
    for headers in ({"X-Api-Key": ""}, {"X-Api-Key": "wrong"}):
        found = app.get(path, headers=headers)
        assert (found.status, found.body) == (401, b"")
        assert "www-authenticate" not in found.headers
        assert "x-application-version" not in found.headers


@pytest.mark.parametrize("service", API)
def test_status_names_the_version_twice(
    service: str, servarr: Simulate
) -> None:
    app = servarr(service)
    found = app.get(f"/api/{API[service]}/system/status")
    assert found.json()["appName"].lower() == service
    assert found.headers["x-application-version"] == found.json()["version"]
    assert app.get("/api").json()["current"] == API[service]


def test_query_key_is_the_only_one_looked_at(servarr: Simulate) -> None:
    app = servarr("sonarr")
    path = "/api/v3/tag"
    bare = {"X-Api-Key": ""}
    assert app.get(f"{path}?apikey=wrong").status == 401
    assert app.get(f"{path}?apikey={KEY}", headers=bare).status == 200
    bearer = {**bare, "Authorization": f"Bearer {KEY}"}
    assert app.get(path, headers=bearer).status == 200


def test_key_from_outside_is_not_written(servarr: Simulate) -> None:
    app = servarr("sonarr")
    assert key_in_file(app) is None
    assert app.get("/api/v3/config/host").json()["apiKey"] == KEY


def test_generated_key_is_kept(simulate: Simulate) -> None:
    first = simulate("radarr")
    key = key_in_file(first) or ""
    assert len(key) == 32
    first.stop()
    again = simulate("radarr", root=first.root)
    assert key_in_file(again) == key
    headers = {"X-Api-Key": key}
    assert again.get("/api/v3/tag", headers=headers).status == 200


def test_seeded_file_is_filled_in(simulate: Simulate, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "config").mkdir(parents=True)
    file = root / "config/config.xml"
    file.write_text(f"<Config><ApiKey>{KEY}</ApiKey><Odd>1</Odd></Config>")
    app = simulate("sonarr", root=root)
    assert app.get("/api/v3/tag", headers={"X-Api-Key": KEY}).status == 200
    assert ElementTree.parse(file).findtext("Port") == "8989"
    assert ElementTree.parse(file).find("Odd") is None


def test_empty_config_file_stops_the_start(
    simulate: Simulate, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    (root / "config").mkdir(parents=True)
    (root / "config/config.xml").write_text("")
    with pytest.raises(AssertionError, match="corrupt or empty"):
        simulate("sonarr", root=root)


def test_reset_takes_effect_at_once(simulate: Simulate) -> None:
    app = simulate("sonarr")
    old = {"X-Api-Key": key_in_file(app) or ""}
    command = {"name": "ResetApiKey"}
    assert app.post("/api/v3/command", command, headers=old).status == 201
    assert app.get("/api/v3/tag", headers=old).status == 401
    new = {"X-Api-Key": key_in_file(app) or ""}
    assert app.get("/api/v3/tag", headers=new).status == 200


def test_reset_cannot_beat_the_environment(servarr: Simulate) -> None:
    app = servarr("sonarr")
    app.post("/api/v3/command", {"name": "ResetApiKey"})
    assert key_in_file(app) is not None
    assert app.get("/api/v3/tag").status == 200


def test_host_filter_stands_before_everything(servarr: Simulate) -> None:
    app = servarr("sonarr", SONARR__SERVER__ALLOWEDHOSTS="sonarr;*.lan")
    for host, status in (
        ("evil.example", 400),
        ("172.20.0.3:8989", 400),
        ("sonarr:8989", 200),
        ("tv.lan", 200),
        ("127.0.0.1", 200),
    ):
        assert app.get("/ping", headers={"Host": host}).status == status


def test_url_base_redirects_after_authentication(servarr: Simulate) -> None:
    app = servarr("sonarr", SONARR__SERVER__URLBASE="tv")
    found = app.get("/ping")
    assert (found.status, found.headers["location"]) == (307, "/tv/ping")
    assert app.get("/tv/api/v3/tag").status == 200
    assert app.get("/api/v3/tag", headers={"X-Api-Key": ""}).status == 401


def test_bootstrap_route_hands_out_the_key(servarr: Simulate) -> None:
    app = servarr("sonarr")
    bare = {"X-Api-Key": ""}
    found = app.get("/initialize.json", headers=bare).json()
    assert (found["apiKey"], found["apiRoot"]) == (KEY, "/api/v3")


def test_forms_login_closes_the_bootstrap_route(servarr: Simulate) -> None:
    app = servarr("sonarr")
    settings = app.get("/api/v3/config/host").json()
    settings |= {"authenticationMethod": "forms", "username": "me"}
    settings |= {"password": "secret", "passwordConfirmation": "other"}
    path = "/api/v3/config/host/1"
    wrong = app.ask("PUT", path, settings)
    names = [each["errorMessage"] for each in wrong.json()]
    assert (wrong.status, names) == (400, ["Must match Password"])
    settings["passwordConfirmation"] = "secret"
    stored = app.ask("PUT", path, settings)
    assert stored.status == 202
    assert stored.json()["password"] != "secret"
    bare = {"X-Api-Key": ""}
    closed = app.get("/initialize.json", headers=bare)
    assert closed.status == 302
    form = {"username": "me", "password": "secret"}
    login = app.post("/login", form=form, headers=bare)
    cookie = {**bare, "Cookie": login.headers["set-cookie"].split(";")[0]}
    assert app.get("/initialize.json", headers=cookie).status == 200
    assert app.get("/api/v3/tag", headers=cookie).status == 401


def test_strict_case_of_variables(servarr: Simulate) -> None:
    app = servarr("sonarr", SONARR__AUTH__METHOD="forms")
    found = app.get("/api/v3/config/host").json()
    assert found["authenticationMethod"] == "none"


def test_keys_in_files(simulate: Simulate, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "run").mkdir(parents=True)
    (root / "run/key").write_text(f"{KEY}\n")
    app = simulate("sonarr", root=root, FILE__SONARR__AUTH__APIKEY="/run/key")
    assert app.get("/api/v3/tag", headers={"X-Api-Key": KEY}).status == 200


# Root folders


def refusal(app: Simulator, path: object, api: str = "v3") -> Any:
    found = app.post(f"/api/{api}/rootfolder", {"path": path})
    assert found.status == 400
    return found.json()


def test_root_folder_is_created_and_deleted(servarr: Simulate) -> None:
    app = servarr("sonarr")
    app.folder("/data/media/tv/Some Show")
    made = app.post("/api/v3/rootfolder", {"path": "/data/media/tv/"})
    assert made.status == 201
    folder = made.json()
    assert folder["path"] == "/data/media/tv"
    assert folder["accessible"] is True
    assert "totalSpace" not in folder
    names = [each["name"] for each in folder["unmappedFolders"]]
    assert names == ["Some Show"]
    where = f"/api/v3/rootfolder/{folder['id']}"
    assert app.get(where).json()["path"] == "/data/media/tv"
    for _ in range(2):
        gone = app.ask("DELETE", where)
        assert (gone.status, gone.body) == (200, b"")
    assert app.get(where).status == 404
    assert app.ask("PUT", where, folder).status == 405


def test_validators_in_their_order(servarr: Simulate) -> None:
    app = servarr("sonarr")
    app.folder("/data/media/tv")
    app.folder("/proc/x")
    app.post("/api/v3/rootfolder", {"path": "/data/media/tv"})
    media = app.get("/api/v3/config/mediamanagement").json()
    media["recycleBin"] = "/data/bin"
    app.ask("PUT", "/api/v3/config/mediamanagement/1", media)
    for path, code, message in (
        ("tv", "PathValidator", "Invalid Path: 'tv'"),
        (None, "PathValidator", "Invalid Path: '{path}'"),
        ("/data/media/tv/", "RootFolderValidator",
         "Path '/data/media/tv/' is already configured as a root folder"),
        ("/app/sonarr/bin", "StartupFolderValidator",
         "Path '/app/sonarr/bin' cannot be set to the start up folder"),
        ("/data/bin/x", "RecycleBinValidator",
         "Path '/data/bin/x' is child of configured recycle bin folder"),
        ("/nope", "PathExistsValidator", "Path '/nope' does not exist"),
        ("/proc/x", "SystemFolderValidator",
         "Path '/proc/x' is child of system folder /proc"),
    ):  # fmt: skip
        (failure,) = refusal(app, path)
        assert (failure["errorCode"], failure["errorMessage"]) == (
            code,
            message,
        )
        assert failure["propertyName"] == "Path"
        assert failure["severity"] == "error"
    values = refusal(app, "/nope")[0]["formattedMessagePlaceholderValues"]
    assert values == {
        "path": "/nope",
        "propertyName": "Path",
        "propertyValue": "/nope",
    }


@pytest.mark.parametrize("service", ["sonarr", "lidarr"])
def test_unwritable_folder_as_the_apps_user(
    service: str, servarr: Simulate
) -> None:
    user = "911" if os.getuid() == 0 else str(os.getuid())
    app = servarr(service, PUID=user, PGID=user)
    app.folder("/data/locked")
    app.path("/data/locked").chmod(0o555)
    failure = refusal(app, "/data/locked", API[service])[0]
    assert failure["errorCode"] == "FolderWritableValidator"
    text = "Folder '/data/locked' is not writable by user"
    assert failure["errorMessage"].startswith(text)
    assert list(app.path("/data/locked").iterdir()) == []


def test_parent_of_a_root_folder_is_accepted(servarr: Simulate) -> None:
    app = servarr("radarr")
    app.folder("/data/media/movies")
    for path in ("/data/media/movies", "/data/media"):
        assert app.post("/api/v3/rootfolder", {"path": path}).status == 201


def test_folder_that_went_away(servarr: Simulate) -> None:
    app = servarr("sonarr")
    app.folder("/data/usb")
    app.post("/api/v3/rootfolder", {"path": "/data/usb"})
    app.path("/data/usb").rmdir()
    (folder,) = app.get("/api/v3/rootfolder").json()
    assert folder["accessible"] is False
    assert "freeSpace" not in folder
    assert "unmappedFolders" not in folder


@pytest.mark.parametrize("service", ["lidarr", "readarr"])
def test_music_and_books_want_profiles(service: str, servarr: Simulate) -> None:
    app = servarr(service)
    app.folder("/data/media/x")
    failures = refusal(app, "/data/media/x", "v1")
    assert [each["errorMessage"] for each in failures] == [
        "'Name' must not be empty.",
        "'Default Metadata Profile Id' must be greater than '0'.",
        "'Default Quality Profile Id' must be greater than '0'.",
    ]
    body = {
        "path": "/data/media/x",
        "name": "X",
        "defaultMetadataProfileId": 99,
        "defaultQualityProfileId": 99,
        "defaultTags": [],
    }
    unknown = app.post("/api/v1/rootfolder", body).json()
    assert [each["errorMessage"] for each in unknown] == [
        "Metadata profile does not exist",
        "Quality Profile does not exist",
    ]
    body["defaultMetadataProfileId"] = first_id(app, "metadataprofile")
    body["defaultQualityProfileId"] = first_id(app, "qualityprofile")
    made = app.post("/api/v1/rootfolder", body)
    assert made.status == 201
    assert made.json()["totalSpace"] >= made.json()["freeSpace"]
    codes = [each["errorCode"] for each in refusal(app, "/data/media/x", "v1")]
    assert codes[0] == "RootFolderValidator"
    where = f"/api/v1/rootfolder/{made.json()['id']}"
    changed = app.ask("PUT", where, {**made.json(), "name": "Y"})
    assert (changed.status, changed.json()["name"]) == (202, "Y")
    app.path("/data/media/x").rmdir()
    assert app.ask("PUT", where, made.json()).status == 400


def first_id(app: Simulator, kind: str) -> int:
    return int(app.get(f"/api/v1/{kind}").json()[0]["id"])


def test_browsing_as_the_app_sees_it(servarr: Simulate) -> None:
    app = servarr("sonarr")
    app.folder("/data/media/tv")
    app.path("/data/media/file.mkv").touch()
    ask = "/api/v3/filesystem?path=/data/media"
    found = app.get(f"{ask}/").json()
    assert [each["path"] for each in found["directories"]] == [
        "/data/media/tv/"
    ]
    assert found["files"] == []
    assert [e["name"] for e in app.get(ask).json()["directories"]] == ["media"]
    missing = app.get("/api/v3/filesystem?path=/nope/")
    assert (missing.status, missing.json()["directories"]) == (200, [])


# Wire format, settings, commands


def test_errors_have_three_shapes(servarr: Simulate) -> None:
    app = servarr("sonarr")
    empty = app.ask("POST", "/api/v3/tag")
    assert empty.json()["message"].startswith("BadRequest: ")
    broken = app.ask("POST", "/api/v3/tag", "text")
    assert isinstance(broken.json()["errors"], dict)
    listed = app.post("/api/v3/tag", {"label": ""})
    assert isinstance(listed.json(), list)
    unknown = app.post("/api/v3/command", {"name": "Dance"})
    assert unknown.status == 500
    text = "Sequence contains no matching element"
    assert unknown.json()["message"] == text
    assert app.get("/api/v3/nothing").status == 404


def test_paths_ignore_letter_case(servarr: Simulate) -> None:
    app = servarr("sonarr")
    assert app.get("/api/v3/qualityProfile").status == 200


def test_equal_commands_are_one(servarr: Simulate) -> None:
    app = servarr("sonarr", SIMULATOR_COMMAND_S="0.5")
    first = app.post("/api/v3/command", {"name": "RescanSeries", "seriesId": 1})
    same = app.post("/api/v3/command", {"name": "rescanseries", "seriesId": 1})
    other = app.post("/api/v3/command", {"name": "RescanSeries", "seriesId": 2})
    ids = [each.json()["id"] for each in (first, same, other)]
    assert ids[0] == ids[1] != ids[2]
    assert (first.status, same.status) == (201, 201)
    assert app.ask("DELETE", f"/api/v3/command/{ids[2]}").status == 200
    done = finished(app, ids[0])
    assert (done["status"], done["result"]) == ("completed", "successful")
    cancel = app.ask("DELETE", f"/api/v3/command/{ids[0]}")
    assert (cancel.status, cancel.json()["message"]) == (
        409,
        "Unable to cancel task",
    )


def test_started_command_is_orphaned_by_a_crash(servarr: Simulate) -> None:
    app = servarr("sonarr", SIMULATOR_COMMAND_S="60")
    number = app.post("/api/v3/command", {"name": "RssSync"}).json()["id"]
    path = f"/api/v3/command/{number}"
    assert eventually(lambda: app.get(path).json()["status"] == "started")
    app.kill()
    again = servarr("sonarr", root=app.root)
    assert again.get(path).json()["status"] == "orphaned"


def test_own_backup_and_restore(servarr: Simulate) -> None:
    app = servarr("sonarr")
    app.post("/api/v3/tag", {"label": "before"})
    number = app.post("/api/v3/command", {"name": "Backup"}).json()["id"]
    assert finished(app, number)["status"] == "completed"
    (backup,) = app.get("/api/v3/system/backup").json()
    file = app.path(f"/config/Backups/manual/{backup['name']}")
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
    assert names == {"sonarr.db", "config.xml", "INFO"}
    app.post("/api/v3/tag", {"label": "after"})
    where = f"/api/v3/system/backup/restore/{backup['id']}"
    assert app.post(where).json() == {"restartRequired": True}
    app.stop()
    again = servarr("sonarr", root=app.root)
    labels = [each["label"] for each in again.get("/api/v3/tag").json()]
    assert labels == ["before"]


def test_health_of_a_new_instance(servarr: Simulate) -> None:
    app = servarr("sonarr")
    found = app.get("/api/v3/health").json()
    assert [each["source"] for each in found] == [
        "DownloadClientCheck",
        "IndexerRssCheck",
        "IndexerSearchCheck",
    ]
    prowlarr = servarr("prowlarr")
    found = prowlarr.get("/api/v1/health").json()
    assert [each["source"] for each in found] == ["IndexerCheck"]


def test_remote_path_mapping_needs_a_local_folder(servarr: Simulate) -> None:
    app = servarr("sonarr")
    body = {"host": "sab", "remotePath": "/x", "localPath": "/data/x"}
    path = "/api/v3/remotepathmapping"
    (failure,) = app.post(path, body).json()
    assert failure["errorMessage"] == "Path '/data/x' does not exist"
    app.folder("/data/x")
    made = app.post(path, body).json()
    assert (made["remotePath"], made["localPath"]) == ("/x/", "/data/x/")
    assert app.post(path, {**body, "host": "SAB"}).status == 500
