"""A restore: all of it or none of it, and everything runs afterwards."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cli_process import Cli
from e2e.linked_stack import linked_stack
from e2e.sandbox_stack import identities, small_stack
from e2e.test_backup_drill import unusable
from usenet_stack.keys import read_element

SERVICES = ("sonarr", "bazarr")
pytestmark = pytest.mark.timeout(600)


def states(cli: Cli, there: str) -> dict[str, str]:
    listed = cli(there, "services", "list", "--fresh", "--format=json")
    rows = listed.json["data"]["services"]
    return {row["name"]: row["state"] for row in rows}


def key_of(config: Path) -> str | None:
    return read_element(config.read_text(), "yaml", "auth.apikey")


def spares(folder: Path) -> list[str]:
    return [path.name for path in (folder / "config").glob(".restore-*")]


def test_restore_undo_and_redo(docker_host: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    folder = tmp_path / "restored"
    there = f"--stack={folder}"
    sonarr, bazarr = folder / "config/sonarr", folder / "config/bazarr"
    with small_stack(cli, docker_host, folder, SERVICES):
        assert cli(there, "deploy", "--yes").rc == 0
        assert cli(there, "backup", "create").rc == 0
        (sonarr / "since.txt").write_text("made since")
        (bazarr / "since.txt").write_text("made since")
        logs = sonarr / "logs"
        logs.mkdir(exist_ok=True)
        (logs / "kept.txt").write_text("no backup holds it")
        for name in SERVICES:
            words = ("backup", "restore", "latest", "--yes", "-s", name)
            ran = cli(there, *words)
            assert ran.rc == 0, ran
            assert name in ran.stdout and "was down for" in ran.stdout
        assert not (sonarr / "since.txt").exists()
        assert (logs / "kept.txt").read_text() == "no backup holds it"
        assert states(cli, there) == dict.fromkeys(SERVICES, "ready")
        # The one of bazarr was the last; each has its own way back.
        for option, left in (
            ((), [False, True]),
            ((), [True, True]),
            (("--redo",), [False, True]),
            (("--redo",), [False, False]),
        ):
            ran = cli(there, "backup", "undo", "--yes", *option)
            assert ran.rc == 0, ran
            found = [(p / "since.txt").exists() for p in (sonarr, bazarr)]
            assert found == left, option
            assert states(cli, there) == dict.fromkeys(SERVICES, "ready")
        assert cli(there, "backup", "undo", "--redo", "--yes").rc == 1
        # Only so many are kept.
        assert len(spares(folder)) == 2
        with (folder / "stack.toml").open("a") as file:
            file.write("[backup]\nkeep_restores = 1\n")
        assert cli(there, "backup", "restore", "latest", "--yes").rc == 0
        assert len(spares(folder)) == len(SERVICES)
        listed = cli(there, "backup", "list", "--format=json").json
        (kept,) = listed["data"]["restores"]
        assert kept["services"] == sorted(SERVICES) and not kept["undone"]


def test_keys_in_databases_are_those_of_today(
    docker_host: str, tmp_path: Path
) -> None:
    services = ("prowlarr", "sonarr", "bazarr", "recyclarr")
    application = ("prowlarr", "/api/v1/applications", "Sonarr")
    with linked_stack(tmp_path, docker_host, services) as stack:
        assert stack("backup", "create").rc == 0
        rotated = stack("keys", "rotate", "sonarr", "--yes")
        assert rotated.rc == 0, rotated
        assert stack.provider_passes(*application)
        ran = stack("backup", "restore", "latest", "--yes", "--format=json")
        assert ran.rc == 0, ran
        assert stack.sonarr_lets_in(stack.key("sonarr")) == 200
        assert stack.provider_passes(*application), "it holds the old key"
        mapped = ran.json["data"]["mapped"]
        assert any("prowlarr: application" in text for text in mapped), mapped
        text = (stack.folder / "config/recyclarr/recyclarr.yml").read_text()
        assert f"api_key: {stack.key('sonarr')}" in text
        # What was live has the keys of another time when it comes back.
        assert stack("keys", "rotate", "sonarr", "--yes").rc == 0
        undone = stack("backup", "undo", "--yes")
        assert undone.rc == 0, undone
        assert stack.sonarr_lets_in(stack.key("sonarr")) == 200
        assert stack.provider_passes(*application)


def test_one_service_and_the_keys_of_today(
    docker_host: str, tmp_path: Path
) -> None:
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    folder = tmp_path / "keyed"
    there = f"--stack={folder}"
    config = folder / "config/bazarr/config/config.yaml"
    with small_stack(cli, docker_host, folder, SERVICES) as project:
        assert cli(there, "deploy", "--yes").rc == 0
        assert cli(there, "backup", "create").rc == 0
        old = key_of(config)
        rotated = cli(there, "keys", "rotate", "bazarr", "--yes")
        assert rotated.rc == 0, rotated
        new = key_of(config)
        assert old != new
        before = identities(docker_host, project)
        ran = cli(
            *(there, "backup", "restore", "latest", "--yes"),
            *("--service", "bazarr", "--format=json"),
        )
        assert ran.rc == 0, ran
        assert key_of(config) == new
        assert any("bazarr" in text for text in ran.json["data"]["mapped"])
        assert list(ran.json["data"]["downtime"]) == ["bazarr"]
        after = identities(docker_host, project)
        assert after["sonarr"] == before["sonarr"], "it was not concerned"
        assert states(cli, there) == dict.fromkeys(SERVICES, "ready")


def test_an_application_that_is_older_than_its_data(
    docker_host: str, tmp_path: Path
) -> None:
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    folder = tmp_path / "older"
    there = f"--stack={folder}"

    def deploy(version: str) -> None:
        labels = f'{{build_version: "Linuxserver.io version:- {version}-ls9"}}'
        override = f"services: {{sonarr: {{labels: {labels}}}}}\n"
        (folder / "compose.override.yaml").write_text(override)
        assert cli(there, "deploy", "--yes").rc == 0

    with small_stack(cli, docker_host, folder, ("sonarr",)) as project:
        deploy("4.0.10")
        assert cli(there, "backup", "create").rc == 0
        deploy("4.0.9")
        before = identities(docker_host, project)
        ran = cli(there, "backup", "restore", "latest", "--yes")
        assert ran.rc == 1, ran
        assert "4.0.10" in ran.stderr and "4.0.9" in ran.stderr
        assert "usenet services update sonarr" in ran.stderr
        assert identities(docker_host, project) == before
        deploy("4.1.0")
        assert cli(there, "backup", "restore", "latest", "--yes").rc == 0


def test_a_new_machine(docker_host: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    folder, new = tmp_path / "lost", tmp_path / "found"
    there, here = f"--stack={folder}", f"--stack={new}"
    with small_stack(cli, docker_host, folder, SERVICES):
        assert cli(there, "deploy", "--yes").rc == 0
        (folder / "config/sonarr/asp").mkdir(exist_ok=True)
        (folder / "config/sonarr/asp/mine.xml").write_text("mine")
        key = key_of(folder / "config/bazarr/config/config.yaml")
        made = cli(there, "backup", "create", "--format=json")
        path = made.json["data"]["path"]
        assert cli(there, "destroy", "--volumes", "--yes").rc == 0
        ran = cli(here, "backup", "restore", path, "--yes")
        assert ran.rc == 0, ran
        assert f"usenet deploy --stack {new}" in ran.stdout
        try:
            assert cli(here, "deploy", "--yes").rc == 0
            assert states(cli, here) == dict.fromkeys(SERVICES, "ready")
            mine = new / "config/sonarr/asp/mine.xml"
            assert mine.read_text() == "mine"
            assert key_of(new / "config/bazarr/config/config.yaml") == key
        finally:
            assert cli(here, "destroy", "--volumes", "--yes").rc == 0


def test_what_does_not_get_well_is_put_back(
    docker_host: str, tmp_path: Path
) -> None:
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    folder = tmp_path / "unwell"
    there = f"--stack={folder}"
    database = folder / "config/sonarr/sonarr.db"
    with small_stack(cli, docker_host, folder, SERVICES):
        unusable(database)
        assert cli(there, "backup", "create", "-s", "sonarr").rc == 0
        database.unlink()
        assert cli(there, "deploy", "--yes").rc == 0
        with closing(sqlite3.connect(database)) as base:
            old = base.execute("SELECT name FROM sqlite_master").fetchall()
        ran = cli(there, "backup", "restore", "latest", "--yes")
        assert ran.rc == 13, ran
        with closing(sqlite3.connect(database)) as base:
            found = base.execute("SELECT name FROM sqlite_master").fetchall()
        assert found == old
        assert spares(folder) == []
        assert states(cli, there) == dict.fromkeys(SERVICES, "ready")
