"""Services in the network of a VPN: they follow it wherever it goes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli_process import Cli, Ran
from e2e.sandbox_stack import containers, small_stack
from images.build import docker

SERVICES = ("transmission", "sonarr", "recyclarr")
SETTINGS = """
[services.network]
transmission = "gluetun"
"""
# What a user writes who attaches another one by hand.
OVERRIDE = """\
services:
  recyclarr:
    network_mode: service:gluetun
    hostname: !reset null
"""
CONNECT = "import socket; socket.create_connection(('{}', {}), 5)"

Wire = Callable[..., None]


class Deployed:
    """A deployed stack whose transmission goes through gluetun."""

    def __init__(self, cli: Cli, host: str, folder: Path, project: str) -> None:
        self.cli = cli
        self.host = host
        self.folder = folder
        self.project = project

    def __call__(self, *words: str) -> Ran:
        ran = self.cli(f"--stack={self.folder}", *words)
        assert ran.rc == 0, ran
        return ran

    def deploy(self) -> Ran:
        return self("deploy", "--yes")

    def seen(self) -> dict[str, dict[str, Any]]:
        return containers(self.host, self.project)

    def states(self) -> dict[str, str]:
        ran = self("services", "list", "--fresh", "--format=json")
        rows = ran.json["data"]["services"]
        return {row["name"]: row["state"] for row in rows}

    def check(self, *guests: str) -> None:
        """Check that guests live in the network of the present gluetun."""
        seen = self.seen()
        host = seen["gluetun"]
        for guest in guests:
            mode = seen[guest]["HostConfig"]["NetworkMode"]
            assert mode == f"container:{host['Id']}"
            started = seen[guest]["State"]["StartedAt"]
            assert started > host["State"]["StartedAt"]
        assert self.states() == {
            "gluetun": "ready",
            "transmission": "ready",
            "sonarr": "ready",
            "recyclarr": "timer",
        }


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, docker_host: str
) -> Iterator[Deployed]:
    home = tmp_path_factory.mktemp("vpn")
    cli = Cli(home, {"DOCKER_HOST": docker_host})
    folder = home / "vpn"
    with small_stack(cli, docker_host, folder, SERVICES) as project:
        path = folder / "stack.toml"
        text = path.read_text() + 'enable = ["gluetun"]\n' + SETTINGS
        path.write_text(text)
        env = folder / ".env"
        env.touch(0o600)
        env.write_text("WIREGUARD_PRIVATE_KEY=no-such-key\n")
        deployed = Deployed(cli, docker_host, folder, project)
        deployed.deploy()
        yield deployed


def test_a_guest_is_reached_where_it_always_was(stack: Deployed) -> None:
    stack.check("transmission")
    sonarr = stack.seen()["sonarr"]["Id"]
    for name in ("transmission", "gluetun"):
        script = CONNECT.format(name, 9091)
        docker(stack.host, "exec", sonarr, "python3", "-c", script)
    ports = stack.seen()["gluetun"]["HostConfig"]["PortBindings"]
    assert "9091/tcp" in ports and "8888/tcp" in ports


def test_a_second_deploy_finds_nothing_to_do(stack: Deployed) -> None:
    ran = stack("deploy", "--dry-run", "--format=json")
    assert ran.json["data"]["plan"] == []


def test_a_new_vpn_container_takes_its_guests_along(stack: Deployed) -> None:
    before = stack.seen()
    own = stack.folder / "services.d" / "gluetun.toml"
    own.parent.mkdir(exist_ok=True)
    own.write_text('[environment]\nSERVER_COUNTRIES = "Iceland"\n')
    stack.deploy()
    after = stack.seen()
    assert after["gluetun"]["Id"] != before["gluetun"]["Id"]
    assert after["transmission"]["Id"] != before["transmission"]["Id"]
    assert after["sonarr"]["Id"] == before["sonarr"]["Id"]
    stack.check("transmission")


def test_a_restart_makes_the_guests_anew(stack: Deployed) -> None:
    before = stack.seen()
    ran = stack("services", "restart", "gluetun", "--format=json")
    names = [row["name"] for row in ran.json["data"]["services"]]
    assert names == ["transmission", "gluetun"]
    after = stack.seen()
    assert after["gluetun"]["Id"] == before["gluetun"]["Id"]
    assert after["transmission"]["Id"] != before["transmission"]["Id"]
    stack.check("transmission")


def test_a_restart_behind_our_back_is_mended_by_deploy(
    stack: Deployed,
) -> None:
    docker(stack.host, "restart", "-t", "1", stack.seen()["gluetun"]["Id"])
    assert stack.states()["transmission"] != "ready"
    stack.deploy()
    stack.check("transmission")


def test_a_vpn_made_anew_behind_our_back_is_mended_by_start(
    stack: Deployed,
) -> None:
    # What `docker compose up --force-recreate` of somebody else does.
    stack("services", "stop", "transmission")
    docker(stack.host, "rm", "-f", stack.seen()["gluetun"]["Id"])
    stack("deploy", "--yes", "--services=gluetun")
    stack("services", "start", "transmission")
    stack.check("transmission")


def test_stop_and_start_tell_of_the_guests(stack: Deployed) -> None:
    ran = stack("services", "stop", "gluetun", "--format=json")
    (message,) = ran.json["messages"]
    assert message["text"].startswith("transmission has no network until")
    ran = stack("services", "start", "transmission", "--format=json")
    names = {row["name"]: row["state"] for row in ran.json["data"]["services"]}
    assert names == {"transmission": "ready", "gluetun": "ready"}
    stack.check("transmission")


def test_one_that_was_attached_by_hand_follows_as_well(
    stack: Deployed,
) -> None:
    override = stack.folder / "compose.override.yaml"
    override.write_text(OVERRIDE)
    try:
        stack.deploy()
        stack.check("transmission", "recyclarr")
        ran = stack("deploy", "--dry-run", "--format=json")
        assert ran.json["data"]["plan"] == []
        stack("services", "restart", "gluetun")
        stack.check("transmission", "recyclarr")
    finally:
        override.unlink()
    stack.deploy()
    mode = stack.seen()["recyclarr"]["HostConfig"]["NetworkMode"]
    assert not mode.startswith("container:")
    stack.check("transmission")


def test_a_guest_that_goes_takes_its_ports_along(stack: Deployed) -> None:
    stack("services", "disable", "transmission")
    seen = stack.seen()
    assert "transmission" not in seen
    assert "9091/tcp" not in seen["gluetun"]["HostConfig"]["PortBindings"]
    ran = stack.cli(
        f"--stack={stack.folder}", "services", "enable", "sab", "--dry-run"
    )
    assert ran.rc == 0 and "gluetun" not in ran.stdout
    stack("services", "enable", "transmission")
    stack.check("transmission")


def test_a_vpn_with_guests_cannot_go_alone(stack: Deployed) -> None:
    words = ("services", "disable", "gluetun", "--format=json")
    ran = stack.cli(f"--stack={stack.folder}", *words)
    assert ran.rc == 1
    (error,) = ran.json["errors"]
    assert error["code"] == "network.in-use"
    assert "usenet services disable gluetun transmission" in error["hint"]
    assert json.loads(ran.stdout)["ok"] is False
    stack.check("transmission")
