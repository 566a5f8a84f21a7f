"""kill -9 of `storage remove --move-to` after each record of its move.

The next run completes the move: each file is whole in one place, and there
the applications look for it.
"""

import os
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from killing import run_killed

from docker_engine import engine_socket
from pool_stack import Sandbox, deployed, loop_device
from usenet_stack.apps.registry import open_app
from usenet_stack.apps.servarr import Servarr
from usenet_stack.stack.secrets import read_env
from usenet_stack.storage.registry import read_registry
from usenet_stack.transaction.journal import Journal, journals

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]
NAMES = ("one", "two")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    host = f"unix://{engine_socket()}"
    with deployed(tmp_path / "killed", host, ("sonarr",)) as found:
        yield found


@pytest.fixture
def drives(sandbox: Sandbox, tmp_path: Path) -> Iterator[dict[str, Path]]:
    with (
        loop_device(tmp_path / "one.img", "ext4") as one,
        loop_device(tmp_path / "two.img", "ext4") as two,
    ):
        places = {}
        for name, device in zip(NAMES, (one, two), strict=True):
            places[name] = tmp_path / name
            places[name].mkdir()
            subprocess.run(["mount", device, places[name]], check=True)
            os.chown(places[name], 1000, 1000)
            assert sandbox.run("add", places[name], "--name", name).rc == 0
        yield places
        for name in read_registry(sandbox.folder):
            sandbox.run("remove", name, "--force")


def sonarr(sandbox: Sandbox) -> Servarr:
    stack = sandbox.stack
    service = stack.resolve("sonarr")
    app = open_app(stack, service, read_env(stack.folder), 10)
    assert isinstance(app, Servarr)
    return app


def content(drive: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(drive)): path.read_bytes()
        for path in drive.glob("tv/*/*")
    }


def last(sandbox: Sandbox) -> dict[str, Any]:
    return Journal.open(journals(sandbox.folder)[-1]).records[0]


def test_killed_after_every_record_of_a_move(
    sandbox: Sandbox, drives: dict[str, Path]
) -> None:
    app = sonarr(sandbox)
    show = drives["one"] / "tv/Show"
    show.mkdir()
    for number in range(3):
        (show / f"{number}.mkv").write_bytes(os.urandom(50_000))
    app.create(
        "series",
        {
            "title": "Show",
            "tvdbId": 1,
            "qualityProfileId": app.list("qualityprofile")[0]["id"],
            "rootFolderPath": "/data/media/one/tv",
        },
    )
    files = content(drives["one"])
    here, there = NAMES
    env = sandbox.cli.environment({"DOCKER_HOST": sandbox.host})
    for number in count(1):
        found = run_killed(
            ["storage", "remove", here, "--move-to", there, "--yes",
             "--stack", str(sandbox.folder)],
            after_record=number,
            env=env,
        )  # fmt: skip
        assert found.killed, found
        for name, whole in files.items():
            sides = [content(drives[side]).get(name) for side in NAMES]
            assert whole in sides
            assert set(sides) <= {whole, None}
        if last(sandbox)["command"] != "storage move":
            break
        done = sandbox.cli(
            "journal", "recover", "--stack", sandbox.folder, "--yes",
            env={"DOCKER_HOST": sandbox.host},
        )  # fmt: skip
        assert done.rc == 0, done
        (series,) = sonarr(sandbox).list("series")
        assert series["path"] == f"/data/media/{there}/tv/Show", number
        assert content(drives[there]) == files
        assert content(drives[here]) == {}
        assert not list(drives[there].rglob("*.usenet-part"))
        here, there = there, here
    assert number > 6
