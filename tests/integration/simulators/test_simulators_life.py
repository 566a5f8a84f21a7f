"""Every simulator: ports, health, files, databases, end."""

import json
import sqlite3
import time
from pathlib import Path

import pytest
from simulator_process import Simulator, eventually

from conftest import Simulate
from usenet_stack.sandbox.simulators.databases import consistent
from usenet_stack.sandbox.simulators.place import Place
from usenet_stack.sandbox.simulators.registry import SERVICES, create

# Container port, health path, status, body or a part of it.
HEALTH = {
    "jellyfin": (8096, "/health", 200, "Healthy"),
    "seerr": (5055, "/api/v1/settings/public", 200, '"initialized": false'),
    "tdarr": (8266, "/api/v2/status", 200, '"status": "good"'),
    "yacreader": (8080, "/v2/version", 200, "10.1.0"),
    "audiobookshelf": (80, "/healthcheck", 200, "OK"),
    "sonarr": (8989, "/ping", 200, '"status": "OK"'),
    "radarr": (7878, "/ping", 200, '"status": "OK"'),
    "lidarr": (8686, "/ping", 200, '"status": "OK"'),
    "readarr": (8787, "/ping", 200, '"status": "OK"'),
    "bazarr": (6767, "/api/system/ping", 200, '"status": "OK"'),
    "prowlarr": (9696, "/ping", 200, '"status": "OK"'),
    "mylar3": (8090, "/api?cmd=getVersion", 200, '"success": false'),
    "sabnzbd": (8080, "/api?mode=version&output=json", 200, '"version"'),
    "transmission": (9091, "/transmission/rpc", 409, "<h1>409: Conflict</h1>"),
    "netdata": (19999, "/api/v1/info", 200, '"version"'),
    "portainer": (9000, "/api/system/status", 200, '"InstanceID"'),
    "homepage": (80, "/api/healthcheck", 200, "up"),
}
PORTS = {name: entry[0] for name, entry in HEALTH.items()} | {
    "samba": 445,
    "nfs-server": 2049,
    "recyclarr": -1,
}
WAL = {
    "jellyfin": ["config/data/jellyfin.db"],
    "seerr": ["app/config/db/db.sqlite3"],
    "tdarr": ["app/server/Tdarr/DB2/SQL/database.db"],
    "sonarr": ["config/sonarr.db", "config/logs.db"],
    "radarr": ["config/radarr.db", "config/logs.db"],
    "lidarr": ["config/lidarr.db", "config/logs.db"],
    "readarr": ["config/readarr.db", "config/logs.db", "config/cache.db"],
    "prowlarr": ["config/prowlarr.db", "config/logs.db"],
}
ROLLBACK = {
    "audiobookshelf": ["config/absdatabase.sqlite"],
    "bazarr": ["config/db/bazarr.db"],
    "sabnzbd": ["config/admin/history1.db"],
    "mylar3": ["config/mylar/mylar.db"],
}
SECRET_FILES = {
    "sonarr": "config/config.xml",
    "sabnzbd": "config/sabnzbd.ini",
    "bazarr": "config/config/config.yaml",
    "seerr": "app/config/settings.json",
    "mylar3": "config/mylar/config.ini",
    "transmission": "config/settings.json",
    "portainer": "data/portainer.db",
}


def test_there_are_nineteen() -> None:
    assert len(SERVICES) == 19
    assert set(PORTS) - {"homepage"} == set(SERVICES)


@pytest.mark.parametrize("service", PORTS)
def test_container_port(service: str, tmp_path: Path) -> None:
    assert create(service, Place({}, tmp_path)).port == PORTS[service]


@pytest.mark.parametrize("service", HEALTH)
def test_health(service: str, simulate: Simulate) -> None:
    app = simulate(service)
    _, path, status, body = HEALTH[service]
    found = app.get(path)
    assert (found.status, body in found.text) == (status, True)
    assert found.headers["x-simulated"] == "usenet-sandbox"


@pytest.mark.parametrize("service", SERVICES)
def test_ends_with_0_within_a_second(service: str, simulate: Simulate) -> None:
    app = simulate(service)
    begun = time.monotonic()
    assert app.stop() == 0
    # The promise is one second; a loaded machine gets some more.
    assert time.monotonic() - begun < 3
    journals = [*app.root.rglob("*-wal"), *app.root.rglob("*-journal")]
    assert journals == []


@pytest.mark.parametrize("service", ["samba", "nfs-server"])
def test_shares_accept_connections(service: str, simulate: Simulate) -> None:
    import socket

    app = simulate(service)
    with socket.create_connection(("127.0.0.1", app.port), 5) as peer:
        peer.sendall(b"hello")


def journal_of(path: Path) -> str:
    """The journal mode that the file's header declares."""
    return "wal" if path.read_bytes()[18] == 2 else "delete"


def serial(path: Path) -> int:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = connection.execute("SELECT serial FROM ledger").fetchone()
        return int(rows[0])
    except sqlite3.OperationalError:
        return 0  # locked by the writer of a rollback journal
    finally:
        connection.close()


@pytest.mark.parametrize("service", [*WAL, *ROLLBACK])
def test_databases_are_written_all_the_time(
    service: str, simulate: Simulate
) -> None:
    app = simulate(service, SIMULATOR_WRITES_PER_S="50")
    for name in (WAL | ROLLBACK)[service]:
        path = app.root / name
        before = serial(path)
        assert eventually(lambda p=path, b=before: serial(p) > b + 1)
        expected = "wal" if service in WAL else "delete"
        assert journal_of(path) == expected


@pytest.mark.parametrize("service", SECRET_FILES)
def test_files_with_keys_are_private(service: str, simulate: Simulate) -> None:
    app = simulate(service)
    assert (app.root / SECRET_FILES[service]).stat().st_mode & 0o777 == 0o600


def test_comics_hold_their_own_database(simulate: Simulate) -> None:
    first = simulate("yacreader")
    assert first.get("/v2/libraries").json() == []
    first.stop()
    first.folder("/comics")
    app = simulate("yacreader", root=first.root)
    database = app.path("/comics/.yacreaderlibrary/library.ydb")
    assert journal_of(database) == "delete"
    assert app.get("/v2/libraries").json()[0]["name"] == "comics"


def test_live_copy_by_the_backup_api_is_never_torn(
    simulate: Simulate, tmp_path: Path
) -> None:
    app = simulate("sonarr", SIMULATOR_WRITES_PER_S="500")
    source = sqlite3.connect(app.path("/config/sonarr.db"))
    before = serial(app.path("/config/sonarr.db"))
    for number in range(30):
        target = sqlite3.connect(tmp_path / f"{number}.db")
        source.backup(target, pages=-1)
        assert target.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert consistent(target)
        target.close()
    source.close()
    assert serial(app.path("/config/sonarr.db")) > before


def test_the_ledger_shows_a_torn_copy(
    simulate: Simulate, tmp_path: Path
) -> None:
    app = simulate("bazarr")
    app.stop()
    copy = sqlite3.connect(app.path("/config/db/bazarr.db"))
    assert consistent(copy)
    copy.execute("UPDATE ledger SET serial = serial - 1 WHERE account='left'")
    assert not consistent(copy)
    copy.close()


def test_killed_and_started_again(servarr: Simulate) -> None:
    app = servarr("radarr", SIMULATOR_WRITES_PER_S="200")
    app.post("/api/v3/tag", {"label": "kept"})
    app.kill()
    again = servarr("radarr", root=app.root)
    assert [each["label"] for each in again.get("/api/v3/tag").json()] == [
        "kept"
    ]
    connection = sqlite3.connect(again.path("/config/radarr.db"))
    assert consistent(connection)
    connection.close()


def test_corrupt_main_database_ends_the_process(simulate: Simulate) -> None:
    app = simulate("lidarr")
    app.stop()
    app.path("/config/lidarr.db").write_bytes(b"no database at all" * 300)
    with pytest.raises(AssertionError, match=r"\[Fatal\] lidarr: .*database"):
        simulate("lidarr", root=app.root)


def test_corrupt_log_database_is_made_anew(simulate: Simulate) -> None:
    app = simulate("lidarr")
    app.stop()
    app.path("/config/logs.db").write_bytes(b"no database at all" * 300)
    again = simulate("lidarr", root=app.root)
    assert journal_of(again.path("/config/logs.db")) == "wal"


def test_seed_replaces_documents(servarr: Simulate) -> None:
    app = servarr("sonarr")
    rows = [{"title": "a", "seriesId": 1}, {"title": "b"}]
    seed = app.path("/config/.simulator-seed.json")
    seed.write_text(json.dumps({"queue": rows}))
    found = app.get("/api/v3/queue/status").json()
    counts = (found["totalCount"], found["count"], found["unknownCount"])
    assert counts == (2, 1, 1)
    assert found["errors"] is False


def test_recyclarr_asks_what_it_is_configured_for(
    servarr: Simulate, simulate: Simulate
) -> None:
    sonarr = servarr("sonarr")
    first = simulate("recyclarr")
    assert first.address == "none:0"
    first.stop()
    key = sonarr.headers["X-Api-Key"]
    first.path("/config/recyclarr.yml").write_text(
        f"sonarr:\n  tv:\n    base_url: {sonarr.url}\n"
        "    api_key: !secret sonarr_key\n"
    )
    first.path("/config/secrets.yml").write_text(f"sonarr_key: {key}\n")
    app = simulate("recyclarr", root=first.root, SIMULATOR_INTERVAL_S="0.2")
    assert eventually(lambda: _synced(app) >= 2)
    assert not any(key in line for line in app.log)


def _synced(app: Simulator) -> int:
    return sum("synced, HTTP 200" in line for line in app.log)
