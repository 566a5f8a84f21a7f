"""A backup of a stack that runs: whole, and nobody notices."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from cli_process import Cli
from e2e.held_database import hold, impatient
from e2e.sandbox_stack import containers, identities, small_stack

# Each kind of database, and those that deploy gives files beforehand.
SERVICES = ("sonarr", "bazarr", "sabnzbd", "mylar3", "portainer", "seerr")
SQLITE = {
    "sonarr": "sonarr.db",
    "bazarr": "db/bazarr.db",
    "sabnzbd": "admin/history1.db",
    "mylar3": "mylar/mylar.db",
    "seerr": "db/db.sqlite3",
}


def unpacked(archive: str, target: Path) -> Path:
    target.mkdir()
    subprocess.run(["tar", "xf", archive, "-C", target], check=True)
    return target


def test_backup_of_a_running_stack(docker_host: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    folder = tmp_path / "backed"
    there = f"--stack={folder}"
    with small_stack(cli, docker_host, folder, SERVICES) as project:
        ran = cli(there, "deploy", "--yes")
        assert ran.rc == 0, ran
        before = identities(docker_host, project)
        made = cli(there, "backup", "create", "--format=json")
        assert made.rc == 0, made
        assert made.json["data"]["stopped"] == []
        assert cli(there, "backup", "verify", "latest").rc == 0
        assert identities(docker_host, project) == before
        states = cli(there, "services", "list", "--format=json").json["data"]
        assert {row["state"] for row in states["services"]} == {"ready"}
        shown = cli(there, "backup", "show", "latest", "--format=json").json
        digests = {
            row["name"]: row.get("digest") for row in shown["data"]["services"]
        }
        assert set(digests) == set(SERVICES)
        assert all(digests.values())
    out = unpacked(made.json["data"]["path"], tmp_path / "out")
    for service, name in SQLITE.items():
        found = out / "config" / service / name
        with closing(sqlite3.connect(found)) as database:
            check = database.execute("PRAGMA integrity_check").fetchone()
        assert check == ("ok",), service
        assert not list(found.parent.glob(f"{found.name}-*"))
    assert (out / "config/portainer/data/portainer.db").is_file()


def test_a_service_that_never_lets_go_is_stopped_for_the_copy(
    docker_host: str, tmp_path: Path
) -> None:
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    folder = tmp_path / "held"
    there = f"--stack={folder}"
    services = ("bazarr", "sonarr")
    with small_stack(cli, docker_host, folder, services) as project:
        impatient(folder)
        ran = cli(there, "deploy", "--yes")
        assert ran.rc == 0, ran
        before = identities(docker_host, project)
        database = folder / "config/bazarr/db/bazarr.db"
        hold(docker_host, before["bazarr"][0], database)
        made = cli(there, "backup", "create", "--format=json")
        assert made.rc == 0, made
        assert made.json["data"]["stopped"] == ["bazarr"]
        after = identities(docker_host, project)
        assert after["sonarr"] == before["sonarr"]
        assert after["bazarr"][0] == before["bazarr"][0]
        assert after["bazarr"][1] > before["bazarr"][1]
        assert containers(docker_host, project)["bazarr"]["State"]["Running"]
        assert cli(there, "backup", "verify", "latest").rc == 0
        backups = folder / "backups"
        assert len(list(backups.iterdir())) == 2
        out = unpacked(made.json["data"]["path"], tmp_path / "out")
        assert (out / "config/bazarr/db/bazarr.db").is_file()
