"""A drill of a real stack: its own images, on a network that leads nowhere."""

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cli_process import Cli, Ran
from docker_engine import until
from e2e.sandbox_stack import ALL, LABEL, containers, identities, take_down
from e2e.test_backup_drill import left
from images.build import docker, services_d
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.model import load_stack

REAL = ("sabnzbd", "transmission")
VERSION = "org.opencontainers.image.version"
# Holds the Docker socket, as Portainer does.
WATCHER = """\
title = "Watcher"
group = "extra"
default = true
image = "{image}"
entrypoint = ["sleep", "infinity"]
volumes = [
  {{ kind = "config", target = "/config" }},
  {{ kind = "host", source = "{socket}", target = "{socket}" }},
]
[health]
kind = "container"
[backup]
databases = [{{ path = "watcher.db" }}]
"""
VOLUME = """\
services:
  sabnzbd:
    volumes: ["big:/big"]
volumes:
  big: {}
"""
SERVER = """\
title = "PostgreSQL"
group = "extra"
tier = "download"
default = true
image = "{image}"
user = "fixed"
uid = {uid}
volumes = [
  {{ kind = "config", target = "/var/lib/postgresql/data", source = "data" }},
  {{ kind = "config", target = "{scripts}", source = "dump" }},
]
[environment]
POSTGRES_USER = "postgres"
[health]
kind = "container"
[backup.postgres]
"""

pytestmark = pytest.mark.timeout(600)


class Real(NamedTuple):
    """A deployed stack of real daemons."""

    cli: Cli
    host: str
    folder: Path

    def __call__(self, *words: str) -> Ran:
        return self.cli(f"--stack={self.folder}", *words)

    @property
    def project(self) -> str:
        return load_stack(self.folder).project

    def good(self, *words: str) -> Any:
        ran = self(*words, "--format=json")
        assert ran.rc == 0, ran
        return ran.json["data"]

    def identities(self) -> dict[str, tuple[str, str]]:
        return identities(self.host, self.project)

    def destroyed(self) -> None:
        take_down(self.host, self.project, self.folder)
        own = f"label={LABEL}={self.project}"
        volumes = docker(self.host, "volume", "ls", "-qf", own).split()
        if volumes:
            docker(self.host, "volume", "rm", *volumes)


def rows(data: Any) -> dict[str, Any]:
    return {row["name"]: row for row in data["services"]}


def write_stack(
    folder: Path, images: dict[str, str], free_port: Callable[[], int]
) -> None:
    (folder / "services.d").mkdir(parents=True)
    off = [name for name in ALL if name not in REAL]
    catalog, ports = load_catalog(), ""
    for name in REAL:
        pairs = ", ".join(
            f"{port.name} = {free_port()}" for port in catalog[name].ports
        )
        ports += f"{name} = {{ {pairs} }}\n"
    (folder / "stack.toml").write_text(
        f'[stack]\nname = "t{os.getpid()}-{folder.name}"\n'
        f"[services]\ndisable = {json.dumps(off)}\n[ports]\n{ports}"
    )
    for name in REAL:
        file, text = services_d(name, images[name])
        (folder / "services.d" / file).write_text(text)


@pytest.fixture
def real(
    docker_host: str,
    real_images: dict[str, str],
    free_port: Callable[[], int],
    tmp_path: Path,
) -> Iterator[Real]:
    folder = tmp_path / "stack"
    write_stack(folder, real_images, free_port)
    made = Real(
        Cli(tmp_path, {"DOCKER_HOST": docker_host}), docker_host, folder
    )
    try:
        yield made
    finally:
        made("journal", "recover")
        made.destroyed()


def name_of(event: dict[str, Any]) -> str:
    return str(event["Actor"]["Attributes"].get("name", ""))


@contextmanager
def events(host: str, *kinds: str) -> Iterator[Iterator[dict[str, Any]]]:
    """Hand out what happens to containers and networks of drills."""
    command = ["docker", "--host", host, "events", "--format", "{{json .}}"]
    command += [f"--filter=event={kind}" for kind in kinds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as told:
        assert told.stdout is not None
        found = map(json.loads, told.stdout)
        try:
            yield (
                e for e in found if "drill-" in e["Actor"]["Attributes"]["name"]
            )
        finally:
            told.terminate()


def test_real_applications_start_and_nothing_is_left(real: Real) -> None:
    real.good("deploy", "--yes")
    real.good("backup", "create")
    before = real.identities()
    data = real.good("backup", "drill")
    assert {
        name: (row["ok"], row["how"], row["why"])
        for name, row in rows(data).items()
    } == dict.fromkeys(REAL, (True, "real", ""))
    (database,) = data["databases"]
    assert database["ok"] and database["name"].endswith("history1.db")
    assert left(real.host, real.folder) == []
    assert real.identities() == before


def test_what_runs_is_the_same_and_reaches_nobody(real: Real) -> None:
    (real.folder / "compose.override.yaml").write_text(VOLUME)
    real.good("deploy", "--yes")
    real.good("backup", "create")
    own = containers(real.host, real.project)["sabnzbd"]
    file = real.folder / "services.d/sabnzbd.toml"
    # So that there is time to look at it: it is never ready.
    file.write_text(
        file.read_text() + "[health]\nstatus = [299]\nlimit_seconds = 25\n"
    )
    there = f"--stack={real.folder}"
    with (
        events(real.host, "start") as starts,
        real.cli.start(there, "backup", "drill", "--format=json") as drill,
    ):
        name = next(name for name in map(name_of, starts) if "sab" in name)
        (found,) = json.loads(docker(real.host, "inspect", name))
        volume = check_copy(real, own, found)
        (network,) = found["NetworkSettings"]["Networks"]
        (known,) = json.loads(docker(real.host, "network", "inspect", network))
        assert known["Internal"] is True
        # Another of our containers, this machine, and anywhere.
        for address in (address_of(own), machine(real.host), "198.18.255.1"):
            assert "no route" in reached(real, name, address)
        assert "refused" in reached(real, name, address_of(found), 9)
        assert "resolution" in reached(real, name, "example.org")
        told = json.loads(drill.communicate(timeout=120)[0])
    assert drill.returncode == 1
    row = rows(told["data"])["sabnzbd"]
    assert (row["ok"], row["how"]) == (False, "real")
    assert "answers 200" in row["why"]
    assert [error["code"] for error in told["errors"]] == ["backup.drill"]
    assert left(real.host, real.folder) == []
    assert volume not in docker(real.host, "volume", "ls", "-q")


def volume_of(container: Any) -> str:
    (name,) = [m["Name"] for m in container["Mounts"] if m["Type"] == "volume"]
    return str(name)


def check_copy(real: Real, own: Any, found: Any) -> str:
    """Compare the container of a drill with the stack's.

    Returns: the name of its volume.
    """
    assert found["Image"] == own["Image"]
    for key in ("Env", "Cmd", "Entrypoint", "User"):
        assert found["Config"][key] == own["Config"][key]
    for key in ("Memory", "NanoCpus", "CpuShares"):
        assert found["HostConfig"][key] == own["HostConfig"][key]
    assert not found["HostConfig"]["PortBindings"]
    assert found["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")
    binds = {
        mount["Destination"]: Path(mount["Source"])
        for mount in found["Mounts"]
        if mount["Type"] == "bind"
    }
    assert binds.keys() == {"/config", "/data"}
    for source in binds.values():
        assert source.is_relative_to(real.folder / ".usenet")
    assert volume_of(found) != volume_of(own)
    return volume_of(found)


def address_of(container: Any) -> str:
    (network,) = container["NetworkSettings"]["Networks"].values()
    return str(network["IPAddress"])


def machine(host: str) -> str:
    """Return an address of this machine."""
    (bridge,) = json.loads(docker(host, "network", "inspect", "bridge"))
    return str(bridge["IPAM"]["Config"][0]["Gateway"])


def reached(real: Real, name: str, address: str, port: int = 8080) -> str:
    """Return what a container is told that connects to an address."""
    program = (
        "import socket\n"
        f"try: socket.create_connection(({address!r}, {port}), 9)\n"
        "except OSError as problem: print(problem)"
    )
    command = ("exec", name, "/usr/bin/python3", "-c", program)
    return docker(real.host, *command).lower()


def test_settings_that_it_cannot_read_fail_the_drill(real: Real) -> None:
    real.good("deploy", "--yes")
    real.good("services", "stop", "sabnzbd")
    config = real.folder / "config/sabnzbd"
    (config / "sabnzbd.ini.bak").unlink(missing_ok=True)
    (config / "sabnzbd.ini").write_text("[misc\nport = [[8080\n")
    real.good("backup", "create", "-s", "sabnzbd")
    ran = real("backup", "drill", "--format=json")
    assert ran.rc == 1, ran
    (error,) = ran.json["errors"]
    assert (error["code"], "sabnzbd" in error["message"]) == (
        "backup.drill",
        True,
    )
    assert "exit code" in error["why"]
    assert left(real.host, real.folder) == []


def test_what_needs_the_docker_socket_is_skipped(
    real: Real, real_images: dict[str, str]
) -> None:
    text = WATCHER.format(
        image=real_images["transmission"], socket="/var/run/docker.sock"
    )
    (real.folder / "services.d/watcher.toml").write_text(text)
    real.good("deploy", "--yes")
    with closing(
        sqlite3.connect(real.folder / "config/watcher/watcher.db")
    ) as database:
        database.execute("CREATE TABLE seen (name TEXT)")
        database.execute("INSERT INTO seen VALUES ('it')")
        database.commit()
    real.good("backup", "create", "-s", "watcher,transmission")
    data = real.good("backup", "drill")
    watcher, other = (rows(data)[n] for n in ("watcher", "transmission"))
    assert (watcher["ok"], watcher["how"]) == (None, "skipped")
    assert watcher["why"] == "needs the Docker socket"
    assert (other["ok"], other["how"]) == (True, "real")
    (database,) = data["databases"]
    assert (database["name"], database["ok"], data["rows"]) == (
        "config/watcher/watcher.db",
        True,
        1,
    )
    shown = real("backup", "drill")
    assert "watcher was not started: needs the Docker socket." in shown.stdout
    assert "1 of 1 service started" in shown.stdout


@pytest.fixture
def versions(
    docker_host: str, real_images: dict[str, str]
) -> Iterator[Callable[[str], str]]:
    """Return a function that makes transmission's image of a version."""
    made = []

    def make(version: str) -> str:
        tag = f"usenet-drilled-{os.getpid()}:{version}"
        container = docker(docker_host, "create", real_images["transmission"])
        label = f"LABEL {VERSION}={version}"
        docker(docker_host, "commit", "--change", label, container, tag)
        docker(docker_host, "rm", container)
        made.append(tag)
        return tag

    yield make
    docker(docker_host, "rmi", "-f", *made)


def test_an_application_older_than_its_data_fails(
    real: Real, versions: Callable[[str], str]
) -> None:
    def run(version: str) -> None:
        file, text = services_d("transmission", versions(version))
        (real.folder / "services.d" / file).write_text(text)
        real.good("deploy", "--yes")

    run("4.0.1")
    real.good("backup", "create", "-s", "transmission")
    run("4.1.0")
    shown = real("backup", "drill")
    assert shown.rc == 0, shown
    told = "transmission: 4.1.0 started on data of 4.0.1."
    assert told in shown.stdout
    run("4.0.0")
    ran = real("backup", "drill", "--format=json")
    assert ran.rc == 1, ran
    (error,) = ran.json["errors"]
    assert error["code"] == "backup.older-app"
    assert error["hint"] == "usenet services update transmission"
    real.destroyed()  # before its images go


def test_a_stack_without_containers_is_told(real: Real) -> None:
    real.good("deploy", "--yes")
    real.good("backup", "create")
    real.destroyed()
    ran = real("backup", "drill", "--format=json")
    assert ran.rc == 13, ran
    (error,) = ran.json["errors"]
    assert "has a container here" in json.dumps(error)
    assert left(real.host, real.folder) == []
    data = real.good("backup", "drill", "--simulated")
    assert {row["how"] for row in data["services"]} == {"simulated"}
    assert left(real.host, real.folder) == []


@pytest.fixture
def server(
    docker_host: str, real_images: dict[str, str], tmp_path: Path
) -> Iterator[Real]:
    """Return a stack of nothing but a PostgreSQL server."""
    folder = tmp_path / "server"
    (folder / "services.d").mkdir(parents=True)
    (folder / "stack.toml").write_text(
        f'[stack]\nname = "t{os.getpid()}-pg"\n'
        f"[services]\ndisable = {json.dumps(ALL)}\n"
    )
    image = real_images["postgres"]
    asked = ("--rm", "--entrypoint", "id", image, "-u", "postgres")
    uid = docker(docker_host, "run", *asked)
    text = SERVER.format(
        image=image, uid=uid, scripts="/docker-entrypoint-initdb.d"
    )
    (folder / "services.d/postgres.toml").write_text(text)
    made = Real(
        Cli(tmp_path, {"DOCKER_HOST": docker_host}), docker_host, folder
    )
    try:
        yield made
    finally:
        made("journal", "recover")
        made.destroyed()


def test_a_postgres_server_makes_itself_anew_or_fails(server: Real) -> None:
    server.good("deploy", "--yes")
    name = containers(server.host, server.project)["postgres"]["Id"]

    def sql(text: str) -> None:
        flags = ("-U", "postgres", "-h", "127.0.0.1", "-c", text)
        until(
            lambda: docker(server.host, "exec", name, "psql", *flags),
            RuntimeError,
        )

    sql("CREATE TABLE series AS SELECT * FROM generate_series(1, 1000)")
    server.good("backup", "create")
    (row,) = server.good("backup", "drill")["services"]
    assert (row["ok"], row["how"], row["why"]) == (True, "real", "")
    # What a dump of a database does not bring along.
    place = "/var/lib/postgresql/else"
    command = ("exec", "-u", "postgres", name, "mkdir", place)
    docker(server.host, *command)
    sql(f"CREATE TABLESPACE els LOCATION '{place}'")
    sql("ALTER TABLE series SET TABLESPACE els")
    server.good("backup", "create")
    ran = server("backup", "drill", "--format=json")
    assert ran.rc == 1, ran
    (row,) = ran.json["data"]["services"]
    assert (row["ok"], "exit code" in row["why"]) == (False, True)
    assert left(server.host, server.folder) == []


def test_an_interrupted_drill_ends_soon_and_leaves_nothing(
    real: Real,
) -> None:
    real.good("deploy", "--yes")
    real.good("backup", "create")
    file = real.folder / "services.d/sabnzbd.toml"
    file.write_text(f"{file.read_text()}[health]\nstatus = [299]\n")
    with (
        events(real.host, "start") as starts,
        real.cli.start(f"--stack={real.folder}", "backup", "drill") as drill,
    ):
        next(name for name in map(name_of, starts) if "sab" in name)
        drill.send_signal(signal.SIGINT)
        # It would wait for two minutes.
        assert drill.wait(60) == 130
    assert left(real.host, real.folder) == []


def test_a_kill_leaves_nothing_behind(real: Real) -> None:
    real.good("deploy", "--yes")
    real.good("backup", "create")
    before = real.identities()
    for kind, what in (
        ("create", "network"),
        ("create", "container"),
        ("start", "container"),
    ):
        with events(real.host, kind) as told:
            drill = real.cli.start(f"--stack={real.folder}", "backup", "drill")
            next(event for event in told if event["Type"] == what)
            drill.send_signal(signal.SIGKILL)
            drill.wait()
        assert len(left(real.host, real.folder)) > 1
        real.good("journal", "recover")
        assert left(real.host, real.folder) == []
    assert real.identities() == before
