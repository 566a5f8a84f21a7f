"""`usenet deploy --sandbox`: the whole stack on a real Docker Engine."""

import http.client
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cli_process import Cli, Ran
from e2e.sandbox_stack import (
    ALL,
    containers,
    identities,
    is_mounted,
    small_stack,
    take_down,
)
from images.build import docker
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.secrets import read_env

WELL = {"ready", "timer"}


class Deployed(NamedTuple):
    cli: Cli
    host: str
    folder: Path
    ran: Ran

    @property
    def project(self) -> str:
        return load_stack(self.folder).project


@pytest.fixture(scope="module")
def deployed(
    tmp_path_factory: pytest.TempPathFactory, docker_host: str
) -> Iterator[Deployed]:
    """Deploy all 19 services once, as the README says."""
    home = tmp_path_factory.mktemp("home")
    cli = Cli(home, {"DOCKER_HOST": docker_host})
    folder = home / ".local/share/usenet/stacks/sandbox"
    ran = cli("deploy", "--sandbox", "--yes", "--format", "json")
    yield Deployed(cli, docker_host, folder, ran)
    if (folder / "stack.toml").exists():
        take_down(docker_host, load_stack(folder).project, folder)


def rows(ran: Ran) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in ran.json["data"]["services"]}


def test_all_nineteen_are_well(deployed: Deployed) -> None:
    assert deployed.ran.rc == 0, deployed.ran
    assert set(rows(deployed.ran)) == set(ALL)
    assert len(ALL) == 19
    assert {row["state"] for row in rows(deployed.ran).values()} <= WELL
    assert rows(deployed.ran)["recyclarr"]["state"] == "timer"


def test_every_service_is_marked_as_simulated(deployed: Deployed) -> None:
    listed = deployed.cli("services", "list", "--format", "json")
    assert listed.rc == 0
    assert all(row["simulated"] for row in rows(listed).values())
    assert "simulated" in deployed.cli("services", "list").stdout
    labels = containers(deployed.host, deployed.project)
    assert all(
        c["Config"]["Labels"]["usenet.simulated"] == "true"
        for c in labels.values()
    )


def test_a_second_deploy_changes_nothing(deployed: Deployed) -> None:
    before = identities(deployed.host, deployed.project)
    again = deployed.cli("deploy", "--sandbox", "--yes", "--format", "json")
    assert again.rc == 0, again
    assert again.json["data"]["changed"] == 0
    assert identities(deployed.host, deployed.project) == before


def test_compose_itself_finds_nothing_to_change(deployed: Deployed) -> None:
    before = identities(deployed.host, deployed.project)
    environ = {
        name: value
        for name, value in deployed.cli.environment().items()
        if not name.startswith("COMPOSE")
    }
    subprocess.run(
        ["docker-compose", "up", "-d"],
        cwd=deployed.folder,
        env=environ,
        check=True,
        capture_output=True,
    )
    assert identities(deployed.host, deployed.project) == before


def test_ports_are_open_on_loopback_alone(deployed: Deployed) -> None:
    bound = {
        binding["HostIp"]
        for c in containers(deployed.host, deployed.project).values()
        for bindings in c["HostConfig"]["PortBindings"].values()
        for binding in bindings
    }
    assert bound == {"127.0.0.1"}


def ask(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_generated_keys_open_the_applications(deployed: Deployed) -> None:
    secrets = read_env(deployed.folder)
    listed = rows(deployed.ran)
    sonarr = listed["sonarr"]["port"]
    key = secrets["SONARR_API_KEY"].reveal()
    assert ask(sonarr, "/api/v3/system/status")[0] == 401
    status, body = ask(sonarr, "/api/v3/system/status", **{"X-Api-Key": key})
    assert (status, json.loads(body)["appName"]) == (200, "Sonarr")
    sab = listed["sabnzbd"]["port"]
    key = secrets["SABNZBD_API_KEY"].reveal()
    assert ask(sab, "/api?mode=queue&apikey=wrong")[0] == 403
    status, body = ask(sab, f"/api?mode=queue&output=json&apikey={key}")
    assert (status, "queue" in json.loads(body)) == (200, True)


def test_downloads_and_media_take_hard_links(deployed: Deployed) -> None:
    container = containers(deployed.host, deployed.project)["sonarr"]["Id"]
    script = (
        "import os; open('/data/downloads/a', 'w').close(); "
        "os.link('/data/downloads/a', '/data/media/tv/a'); "
        "print(os.stat('/data/media/tv/a').st_nlink); "
        "os.unlink('/data/media/tv/a'); os.unlink('/data/downloads/a')"
    )
    told = docker(deployed.host, "exec", container, "python3", "-c", script)
    assert told.strip() == "2"


def test_applications_write_as_the_user(deployed: Deployed) -> None:
    database = deployed.folder / "config/sonarr/sonarr.db"
    settings = load_stack(deployed.folder).settings.stack
    assert database.stat().st_uid == settings.puid
    assert settings.puid != 0


def test_secrets_are_private_and_stand_nowhere_else(
    deployed: Deployed,
) -> None:
    folder = deployed.folder
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    said = [
        deployed.cli(*words, "--format", form, "-v")
        for form in ("text", "json")
        for words in (
            ("services", "list"),
            ("config", "show"),
            ("journal", "list"),
            ("validate",),
            ("deploy", "--sandbox", "--dry-run"),
            ("deploy", "--sandbox", "--yes"),
            ("services", "logs", "sonarr"),
            ("services", "lst"),
        )
    ]
    texts = [ran.stdout + ran.stderr for ran in [*said, deployed.ran]]
    private = folder / ".usenet"
    texts += [
        path.read_text(errors="replace")
        for path in [*private.rglob("*"), folder / "compose.yaml"]
        if path.is_file()
    ]
    texts += [
        json.dumps([c["Config"]["Labels"], c["Args"], c["Path"], c["Name"]])
        for c in containers(deployed.host, deployed.project).values()
    ]
    texts += [json.dumps(docker(deployed.host, "ps", "-a", "--no-trunc"))]
    values = [value.reveal() for value in read_env(folder).values()]
    assert len(values) >= 15
    assert [v[:4] for v in values for text in texts if v in text] == []
    # The scan itself works: it finds a value where one is meant to be.
    assert any(v in (folder / ".env").read_text() for v in values)


def test_no_command_needs_much_memory(deployed: Deployed) -> None:
    for words in (
        ["deploy", "--sandbox", "--yes"],
        ["services", "list"],
        ["validate"],
        ["config", "show"],
        ["storage", "list"],
    ):
        process = deployed.cli.start(*words)
        process.communicate()
        own = _peak_of(deployed.cli, words)
        assert own < 60 * 1024, (words, own)


def _peak_of(cli: Cli, words: list[str]) -> int:
    """Return the peak resident memory of one command in KiB."""
    script = (
        "import os, resource, subprocess, sys; "
        "pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, "
        "file_actions=[(os.POSIX_SPAWN_OPEN, 1, '/dev/null', os.O_WRONLY, 0)"
        "]); _, status, used = os.wait4(pid, 0); "
        "sys.stderr.write(str(used.ru_maxrss))"
    )
    from cli_process import COMMAND

    done = subprocess.run(
        [COMMAND[0], "-c", script, *COMMAND, *words, "--quiet"],
        env=cli.environment(),
        cwd=cli.home,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(re.findall(r"\d+", done.stderr)[-1])


def test_the_old_spelling_of_the_list_works(deployed: Deployed) -> None:
    old = deployed.cli("status", "--format", "json")
    assert old.rc == 0
    assert set(rows(old)) == set(ALL)
    assert "usenet services list" in old.stderr


def test_only_one_group_is_listed(deployed: Deployed) -> None:
    some = deployed.cli(
        "services", "list", "--group", "download", "--format", "json"
    )
    assert sorted(rows(some)) == ["sabnzbd", "transmission"]


def test_a_dry_run_touches_nothing(usenet: Cli, docker_host: str) -> None:
    environ = {"DOCKER_HOST": docker_host}
    ran = usenet(
        "deploy", "--sandbox", "--dry-run", "--format", "json", env=environ
    )
    assert ran.rc == 0, ran
    assert len(ran.json["data"]["plan"]) > 8
    cache = usenet.home / ".cache"
    left = [
        path
        for path in usenet.home.rglob("*")
        if path.is_file() and not path.is_relative_to(cache)
    ]
    assert left == []


def test_a_failing_service_does_not_stop_the_others(
    usenet: Cli, docker_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "failing"
    services = ("sonarr", "radarr", "sabnzbd")
    with small_stack(usenet, docker_host, folder, services):
        (folder / "services.d").mkdir()
        (folder / "services.d/sonarr.toml").write_text(
            "[environment]\nSIMULATOR_FAULTS = '{\"status\": 500}'\n"
            "[health]\nlimit_seconds = 2\n"
        )
        ran = usenet(
            *("deploy", "--sandbox", "--stack", folder, "--yes"),
            *("--format", "json"),
            env={"DOCKER_HOST": docker_host},
        )
        assert ran.rc == 3, ran
        states = {name: row["state"] for name, row in rows(ran).items()}
        assert states["radarr"] == states["sabnzbd"] == "ready"
        assert states["sonarr"] not in WELL
        (error,) = ran.json["errors"]
        assert "sonarr" in error["message"]
        assert error["hint"].startswith("usenet services logs sonarr")
        assert error["details"]


def test_a_key_that_was_deleted_is_made_anew(
    usenet: Cli, docker_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "keyless"
    with small_stack(usenet, docker_host, folder, ("sonarr",)):
        words = ("deploy", "--stack", folder, "--yes", "--format", "json")
        assert usenet(*words).rc == 0
        lines = (folder / ".env").read_text().splitlines(keepends=True)
        left = [line for line in lines if "SONARR_API_KEY" not in line]
        assert len(left) < len(lines)
        (folder / ".env").write_text("".join(left))
        ran = usenet(*words)
        listed = usenet("services", "list", *words[1:3], "--format", "json")
    assert ran.rc == 0, ran
    assert read_env(folder)["SONARR_API_KEY"]
    assert rows(listed)["sonarr"]["api"] == "ok"


def test_a_change_that_compose_refuses_is_told(
    usenet: Cli, docker_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "refused"
    services = ("yacreader", "netdata")
    with small_stack(usenet, docker_host, folder, services) as project:
        words = ("deploy", "--stack", folder, "--yes", "--format", "json")
        assert usenet(*words).rc == 0
        before = identities(docker_host, project)["yacreader"]
        # A container in the network of another one has no name of its own.
        folder.joinpath("compose.override.yaml").write_text(
            "services:\n  yacreader:\n    network_mode: service:netdata\n"
            "    networks: !reset null\n    ports: !reset []\n"
        )
        ran = usenet(*words)
        assert identities(docker_host, project)["yacreader"] == before
    assert ran.rc == 3, ran
    assert [e["code"] for e in ran.json["errors"]] == ["deploy.not-changed"]
    assert "hostname" in ran.json["errors"][0]["why"]


def test_settings_override_and_removal(
    usenet: Cli, docker_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "changing"
    environ = {"DOCKER_HOST": docker_host}
    deploy = ("deploy", "--stack", folder, "--yes", "--format", "json")
    with small_stack(
        usenet, docker_host, folder, ("sonarr", "sabnzbd")
    ) as project:
        assert usenet(*deploy, env=environ).rc == 0
        first = identities(docker_host, project)
        override = folder / "compose.override.yaml"
        text = 'services:\n  sonarr:\n    labels:\n      mine: "yes"\n'
        override.write_text(text)
        assert usenet(*deploy, env=environ).rc == 0
        second = identities(docker_host, project)
        assert second["sabnzbd"] == first["sabnzbd"]
        assert second["sonarr"] != first["sonarr"]
        labels = containers(docker_host, project)["sonarr"]["Config"]["Labels"]
        assert labels["mine"] == "yes"
        assert override.read_text() == text

        off = usenet(
            *("config", "set", "services.disable"),
            ",".join(sorted({*ALL} - {"sabnzbd"})),
            *("--stack", folder),
        )
        assert off.rc == 0, off
        # Compose refuses labels for a service that is not there.
        ran = usenet(*deploy, env=environ)
        assert ran.rc == 3, ran
        assert [e["code"] for e in ran.json["errors"]] == ["deploy.not-changed"]
        override.unlink()
        assert usenet(*deploy, env=environ).rc == 0
        assert sorted(containers(docker_host, project)) == ["sabnzbd"]
        assert (folder / "config/sonarr/sonarr.db").exists()

        assert is_mounted(folder / "data")
        destroy = ("destroy", "--stack", folder, "--yes", "--format", "json")
        assert usenet(*destroy, env=environ).rc == 0
        assert containers(docker_host, project) == {}
        assert (folder / "config/sabnzbd/sabnzbd.ini").exists()
        assert not is_mounted(folder / "data")
        assert usenet(*destroy, "--volumes", env=environ).rc == 0
        assert not (folder / "config").exists()
        assert (folder / "data/media/tv").is_dir()


def test_ctrl_c_leaves_what_the_next_run_continues(
    usenet: Cli, docker_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "interrupted"
    environ = {"DOCKER_HOST": docker_host}
    with small_stack(usenet, docker_host, folder, ("sonarr", "jellyfin")):
        (folder / "services.d").mkdir()
        (folder / "services.d/sonarr.toml").write_text(
            "[environment]\nSIMULATOR_FAULTS = '{\"start_delay_s\": 5}'\n"
        )
        words = ("deploy", "--stack", folder, "--yes", "--format", "json", "-v")
        process = usenet.start(*words, env=environ)
        assert process.stderr is not None
        for line in process.stderr:
            if "start sonarr" in line:
                break
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
        assert process.returncode == 130, stdout
        ran = usenet(*words, env=environ)
        assert ran.rc == 0, ran
        assert {row["state"] for row in rows(ran).values()} == {"ready"}
        journals = usenet(
            "journal", "list", "--stack", folder, "--format", "json"
        ).json["data"]["journals"]
        assert [row["outcome"] for row in journals][-2:] == [
            "superseded",
            "committed",
        ]


def test_two_deploys_at_once(
    usenet: Cli, docker_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "twice"
    environ = {"DOCKER_HOST": docker_host}
    words = ("deploy", "--stack", folder, "--yes", "--format", "json", "-v")
    with small_stack(usenet, docker_host, folder, ("sonarr",)):
        first = usenet.start(*words, env=environ)
        assert first.stderr is not None
        first.stderr.readline()  # it has the lock now
        second = usenet(*words, env=environ)
        first.communicate(timeout=120)
        assert first.returncode == 0
        assert second.rc == 11, second
        assert second.json["errors"][0]["code"] == "lock.held"


def test_a_sandbox_moves_away_from_taken_ports(
    usenet: Cli, docker_host: str, tmp_path: Path
) -> None:
    import socket

    folder = tmp_path / "moved"
    environ = {"DOCKER_HOST": docker_host}
    with socket.socket() as holder:
        # Whatever else runs here: 8787 is taken, by us if by nobody else.
        try:
            holder.bind(("127.0.0.1", 8787))
            holder.listen()
        except OSError:
            pass
        with small_stack(usenet, docker_host, folder, ("readarr",)):
            ran = usenet(
                *("deploy", "--stack", folder, "--yes", "--format", "json"),
                env=environ,
            )
            assert ran.rc == 0, ran
            port = rows(ran)["readarr"]["port"]
            assert port != 8787
            assert ask(port, "/ping")[0] == 200


def test_a_secret_that_only_the_user_has_is_asked_for(
    usenet: Cli, docker_host: str, tmp_path: Path
) -> None:
    folder = tmp_path / "wanting"
    environ = {"DOCKER_HOST": docker_host}
    words = ("deploy", "--stack", folder, "--yes", "--format", "json")
    with small_stack(usenet, docker_host, folder, ("sonarr",)) as project:
        (folder / "services.d").mkdir()
        (folder / "services.d/sonarr.toml").write_text(
            "secrets = [\n"
            '  { name = "SONARR_API_KEY", kind = "hex32" },\n'
            '  { name = "SONARR_LICENCE", kind = "given" },\n'
            "]\n"
            '[environment]\nLICENCE = "${SONARR_LICENCE}"\n'
        )
        ran = usenet(*words, env=environ)
        assert ran.rc == 1, ran
        (error,) = ran.json["errors"]
        assert error["code"] == "secret.wanting"
        assert "SONARR_LICENCE" in error["hint"]
        assert containers(docker_host, project) == {}
        (folder / ".env").write_text("SONARR_LICENCE=mine\n")
        assert usenet(*words, env=environ).rc == 0
        env = containers(docker_host, project)["sonarr"]["Config"]["Env"]
        assert "LICENCE=mine" in env
        assert (folder / ".env").stat().st_mode & 0o777 == 0o600
