"""`usenet deploy` without --sandbox: real daemons, from our catalogue."""

import http.client
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from transmission_rpc import Client

from cli_process import Cli
from e2e.sandbox_stack import ALL, identities, take_down
from images.build import services_d
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.secrets import read_env

REAL = ("netdata", "sabnzbd", "samba", "transmission")


def write_real_stack(
    folder: Path, tags: dict[str, str], free_port: Callable[[], int]
) -> None:
    (folder / "services.d").mkdir(parents=True)
    off = [name for name in ALL if name not in REAL]
    catalog = load_catalog()
    ports = ""
    for name in REAL:
        numbers = {port.name: free_port() for port in catalog[name].ports}
        pairs = ", ".join(f"{key} = {port}" for key, port in numbers.items())
        ports += f"{name} = {{ {pairs} }}\n"
    (folder / "stack.toml").write_text(
        f'[stack]\nname = "{folder.name}"\n'
        f"[services]\ndisable = {json.dumps(off)}\n"
        f"[ports]\n{ports}"
    )
    for name in REAL:
        file, text = services_d(name, tags[name])
        (folder / "services.d" / file).write_text(text)


@pytest.mark.timeout(600)
def test_real_daemons_run_from_the_catalogue(
    usenet: Cli,
    docker_host: str,
    real_images: dict[str, str],
    free_port: Callable[[], int],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "real-stack"
    environ = {"DOCKER_HOST": docker_host}
    write_real_stack(folder, real_images, free_port)
    stack = load_stack(folder)
    words = ("deploy", "--stack", folder, "--yes", "--format", "json")
    try:
        ran = usenet(*words, env=environ)
        assert ran.rc == 0, ran.json["errors"]
        rows = {row["name"]: row for row in ran.json["data"]["services"]}
        assert {name: row["state"] for name, row in rows.items()} == (
            dict.fromkeys(REAL, "ready")
        )
        assert not any(row["simulated"] for row in rows.values())
        before = identities(docker_host, stack.project)
        again = usenet(*words, env=environ)
        assert (again.rc, again.json["data"]["changed"]) == (0, 0), again
        assert identities(docker_host, stack.project) == before

        secrets = read_env(folder)
        client = Client(
            host="127.0.0.1",
            port=rows["transmission"]["port"],
            username=stack.catalog["transmission"].key.username,
            password=secrets["TRANSMISSION_PASSWORD"].reveal(),
        )
        assert client.get_session().download_dir == (
            "/data/downloads/torrents/complete"
        )
        key = secrets["SABNZBD_API_KEY"].reveal()
        queue = f"/api?mode=queue&output=json&apikey={key}"
        connection = http.client.HTTPConnection(
            "127.0.0.1", rows["sabnzbd"]["port"], timeout=20
        )
        connection.request("GET", queue)
        answer = connection.getresponse()
        assert answer.status == 200
        assert json.loads(answer.read())["queue"]["noofslots_total"] == 0
        connection.close()

        stopped = usenet(
            *("services", "restart", "transmission", "--stack", folder),
            env=environ,
        )
        assert stopped.rc == 0, stopped
        after = identities(docker_host, stack.project)
        assert after["sabnzbd"] == before["sabnzbd"]
        assert after["transmission"][0] == before["transmission"][0]
        assert after["transmission"][1] != before["transmission"][1]
    finally:
        take_down(docker_host, stack.project, folder)
