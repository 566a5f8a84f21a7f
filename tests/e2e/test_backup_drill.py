"""A drill: what a backup holds is started, proved and gone again."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from cli_process import Cli
from e2e.sandbox_stack import identities, small_stack
from images.build import docker
from usenet_stack.storage import read_mounts

SERVICES = ("sonarr", "bazarr", "seerr")


def left(host: str, folder: Path) -> list[str]:
    """Return what a drill left on the machine."""
    found = docker(host, "ps", "-a", "--format", "{{.Names}}").split()
    found += docker(host, "network", "ls", "--format", "{{.Name}}").split()
    own = [path.name for path in (folder / ".usenet").glob("drill-*")]
    mounts = [
        m.target for m in read_mounts() if f"{folder}/.usenet" in m.target
    ]
    return [name for name in found if "drill-" in name] + own + mounts


def test_a_drill_starts_all_and_leaves_nothing(
    docker_host: str, tmp_path: Path
) -> None:
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    folder = tmp_path / "drilled"
    there = f"--stack={folder}"
    with small_stack(cli, docker_host, folder, SERVICES) as project:
        assert cli(there, "deploy", "--yes").rc == 0
        assert cli(there, "backup", "create").rc == 0
        before = identities(docker_host, project)
        ran = cli(there, "backup", "drill", "--format=json")
        assert ran.rc == 0, ran
        data = ran.json["data"]
        assert {row["name"] for row in data["services"]} == set(SERVICES)
        assert all(row["ok"] for row in data["services"])
        assert len(data["databases"]) == 3
        assert data["rows"] > 0
        assert left(docker_host, folder) == []
        assert identities(docker_host, project) == before
        known = cli("services", "list")
        assert "drill-" not in known.stdout + known.stderr


def test_a_service_that_cannot_use_its_data_fails_the_drill(
    docker_host: str, tmp_path: Path
) -> None:
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    folder = tmp_path / "unusable"
    there = f"--stack={folder}"
    with small_stack(cli, docker_host, folder, SERVICES):
        unusable(folder / "config/sonarr/sonarr.db")
        assert cli(there, "backup", "create", "-s", "sonarr").rc == 0
        verified = cli(there, "backup", "verify", "latest")
        assert verified.rc == 0, "as a file it is whole"
        ran = cli(there, "backup", "drill", "--format=json")
        assert ran.rc == 1, ran
        (error,) = ran.json["errors"]
        assert error["code"] == "backup.drill"
        assert "sonarr" in error["message"]
        assert left(docker_host, folder) == []


def unusable(path: Path) -> None:
    """Write a database that SQLite likes and its service does not."""
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE ledger (other TEXT)")
        database.execute("INSERT INTO ledger VALUES ('row')")
        database.commit()
    os.chown(path.parent, 1000, 1000)
    os.chown(path, 1000, 1000)


def test_a_drill_that_is_killed_is_removed_by_the_next_command(
    docker_host: str, tmp_path: Path
) -> None:
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    folder = tmp_path / "killed"
    there = f"--stack={folder}"
    with small_stack(cli, docker_host, folder, SERVICES):
        assert cli(there, "deploy", "--yes").rc == 0
        assert cli(there, "backup", "create").rc == 0
        process = cli.start(there, "backup", "drill")
        # Until its containers are there: the worst moment.
        while not any("drill-" in name for name in running(docker_host)):
            assert process.poll() is None, "it ended before it was killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert left(docker_host, folder)
        ran = cli(there, "backup", "create")
        assert ran.rc == 0, ran
        assert left(docker_host, folder) == []


def running(host: str) -> list[str]:
    return docker(host, "ps", "--format", "{{.Names}}").split()
