"""Keys, status and queue of real transmission-daemon and real SABnzbd."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from transmission_rpc import Client
from transmission_rpc.error import TransmissionAuthError

from cli_process import Cli, Ran
from e2e.sandbox_stack import ALL, identities, take_down
from images.build import services_d
from usenet_stack.apps.registry import open_app
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import read_env

REAL = ("sabnzbd", "transmission")


class Deployed(NamedTuple):
    cli: Cli
    host: str
    folder: Path

    def __call__(self, *words: str) -> Ran:
        return self.cli(f"--stack={self.folder}", *words)

    @property
    def stack(self) -> Stack:
        return load_stack(self.folder)

    def key(self, service: str) -> str:
        name = self.stack.catalog[service].key.secret
        return read_env(self.folder)[name].reveal()

    def row(self, service: str, *words: str) -> dict[str, object]:
        ran = self(*words, "--format=json")
        assert ran.rc == 0, ran
        (rows,) = [v for v in ran.json["data"].values() if is_rows(v)]
        return next(
            row
            for row in rows
            if service in (row.get("name"), row.get("service"))
        )

    def login(self, password: str) -> Client:
        stack = self.stack
        address = stack.address(stack.catalog["transmission"], 9091)
        assert address is not None
        host, port = address
        return Client(host=host, port=port, username="admin", password=password)


def is_rows(value: object) -> bool:
    named = ("name", "service")
    return isinstance(value, list) and any(
        "port" in row or "masked" in row
        for row in value
        if any(name in row for name in named)
    )


def free_ports() -> str:
    """Return lines for [ports]: other tests may hold the usual ones."""
    lines, catalog = [], load_catalog()
    with ExitStack() as held:
        for name in REAL:
            numbers = {}
            for port in catalog[name].ports:
                probe = held.enter_context(socket.socket())
                probe.bind(("127.0.0.1", 0))
                numbers[port.name] = probe.getsockname()[1]
            pairs = ", ".join(f"{k} = {v}" for k, v in numbers.items())
            lines.append(f"{name} = {{ {pairs} }}\n")
    return "".join(lines)


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    docker_host: str,
    real_images: dict[str, str],
) -> Iterator[Deployed]:
    home = tmp_path_factory.mktemp("real")
    folder = home / f"keys-{home.name}"
    (folder / "services.d").mkdir(parents=True)
    off = [name for name in ALL if name not in REAL]
    folder.joinpath("stack.toml").write_text(
        f'[stack]\nname = "{folder.name}"\n'
        f"[services]\ndisable = {json.dumps(off)}\n[ports]\n{free_ports()}"
    )
    for name in REAL:
        file, text = services_d(name, real_images[name])
        (folder / "services.d" / file).write_text(text)
    deployed = Deployed(
        Cli(home, {"DOCKER_HOST": docker_host}), docker_host, folder
    )
    try:
        ran = deployed("deploy", "--yes", "--format=json")
        assert ran.rc == 0, ran
        yield deployed
    finally:
        take_down(docker_host, load_stack(folder).project, folder)


def test_keys_are_read_and_accepted(stack: Deployed) -> None:
    for name in REAL:
        row = stack.row(name, "keys", "list")
        assert (row["accepted"], row["agrees"]) == ("accepted", True), row


def test_figures_come_from_the_daemons_themselves(stack: Deployed) -> None:
    found = {}
    for name in REAL:
        service = stack.stack.catalog[name]
        app = open_app(stack.stack, service, read_env(stack.folder), 10)
        assert app is not None
        with app:
            found[name] = app.figures()
            assert app.version()[0].isdigit()
    assert found["sabnzbd"]["queue"] == 0
    assert found["sabnzbd"]["down_bytes_s"] == 0
    assert found["sabnzbd"]["status"] in ("idle", "paused")
    assert found["transmission"]["torrents"] == 0
    assert found["transmission"]["up_bytes_s"] == 0


def test_they_are_listed_with_status_and_figures(stack: Deployed) -> None:
    for name, figure in (("sabnzbd", "queue"), ("transmission", "torrents")):
        row = stack.row(name, "services", "list", "--fresh")
        assert (row["state"], row["api"]) == ("ready", "ok"), row
        figures = row["figures"]
        assert isinstance(figures, dict) and figures[figure] == 0


def test_sabnzbd_takes_a_new_key_while_it_runs(stack: Deployed) -> None:
    old = stack.key("sabnzbd")
    before = identities(stack.host, stack.stack.project)
    ran = stack("keys", "rotate", "sabnzbd", "--yes")
    assert ran.rc == 0, ran
    new = stack.key("sabnzbd")
    assert new != old and new not in ran.stdout + ran.stderr
    # Neither restarted nor made anew: downloads go on.
    assert identities(stack.host, stack.stack.project) == before
    text = (stack.folder / "config/sabnzbd/sabnzbd.ini").read_text()
    assert f"api_key = {new}\n" in text and old not in text
    row = stack.row("sabnzbd", "keys", "list")
    assert (row["accepted"], row["agrees"]) == ("accepted", True)


def test_transmission_takes_a_new_password(stack: Deployed) -> None:
    old = stack.key("transmission")
    ran = stack("keys", "rotate", "transmission", "--yes")
    assert ran.rc == 0, ran
    new = stack.key("transmission")
    assert new != old
    assert stack.login(new).get_session().download_dir == (
        "/data/downloads/torrents/complete"
    )
    with pytest.raises(TransmissionAuthError):
        stack.login(old)


def test_the_new_keys_survive_a_restart(stack: Deployed) -> None:
    assert stack("services", "restart", "--all").rc == 0
    for name in REAL:
        row = stack.row(name, "keys", "list")
        assert (row["accepted"], row["agrees"]) == ("accepted", True), row
    again = stack("deploy", "--yes", "--format=json")
    assert again.json["data"]["changed"] == 0
