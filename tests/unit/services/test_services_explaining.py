"""Why a service is as it is: all that is known, and what to try next."""

import json
from pathlib import Path
from typing import Any

import pytest
from services_world import World

from engine_server import answer
from spoken import speaking
from usenet_stack.docker.engine import Engine
from usenet_stack.docker.streams import LogLine
from usenet_stack.errors import UsenetError
from usenet_stack.services.explaining import explain_services
from usenet_stack.services.page import page_of
from usenet_stack.services.troubles import speaks_of_trouble, troubles_in

OK = answer('{"status":"OK"}')
KEY = "0123456789abcdef0123456789abcdef"
INSPECTED: dict[str, Any] = {
    "Id": "sonarr",
    "Name": "/usenet-sonarr-1",
    "Created": "2026-01-02T03:04:05.123456789Z",
    "Image": "sha256:1234",
    "RestartCount": 2,
    "State": {
        "Status": "running",
        "Running": True,
        "StartedAt": "2026-01-02T03:04:06.5Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
        "ExitCode": 0,
        "OOMKilled": False,
        "Error": "",
        "Health": {
            "Status": "unhealthy",
            "FailingStreak": 4,
            "Log": [
                {
                    "Start": "2026-01-02T03:05:06Z",
                    "ExitCode": 1,
                    "Output": f"no answer with {KEY}\n",
                }
            ]
            * 7,
        },
    },
    "Config": {
        "Image": "example/sonarr:4",
        "Tty": True,
        "Env": [f"SONARR__AUTH__APIKEY={KEY}", "TZ=Etc/UTC"],
    },
    "HostConfig": {
        "NetworkMode": "usenet_default",
        "Memory": 2**30,
        "NanoCpus": 500_000_000,
        "PidsLimit": None,
        "RestartPolicy": {"Name": "unless-stopped"},
    },
    "NetworkSettings": {
        "Ports": {
            "8989/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8989"}],
            "9898/tcp": None,
        },
        "Networks": {
            "usenet_default": {"IPAddress": "198.18.0.3", "Aliases": ["sonarr"]}
        },
    },
    "Mounts": [
        {
            "Type": "bind",
            "Source": "/srv/config",
            "Destination": "/config",
            "RW": True,
            "Propagation": "rprivate",
        }
    ],
}
IMAGE = {
    "Created": "2026-01-01T00:00:00Z",
    "RepoDigests": ["example/sonarr@sha256:beef"],
}
LOG = (
    b"2026-01-02T03:04:05.1Z all is well, 0 errors\n"
    b"2026-01-02T03:04:06.1Z [Error] the key is " + KEY.encode() + b"\n"
    b"2026-01-02T03:04:07.1Z bye\n"
)


def known(world: World, **state: Any) -> None:
    """Let the Engine tell all of sonarr."""
    entry = INSPECTED | {"State": INSPECTED["State"] | state}
    answers = world.server.answers
    answers["/v1.41/containers/sonarr/json"] = answer(json.dumps(entry))
    answers["/v1.41/images/sha256:1234/json"] = answer(json.dumps(IMAGE))
    answers["/v1.41/containers/sonarr/logs"] = answer(LOG)


def explained(world: World, *names: str) -> dict[str, dict[str, Any]]:
    result = explain_services(
        world.stack, names, engine=world.engine, deadline_s=1
    )
    assert result.ok
    return {row["name"]: row for row in result.data["services"]}


def test_all_that_is_known_of_one(world: World) -> None:
    with speaking(OK) as app:
        world.put("sonarr", port=app.port, status="Up 2 hours (unhealthy)")
        known(world)
        (row,) = explained(world, "sonarr").values()
    assert row["state"] == "degraded"
    assert row["container"] == {
        "id": "sonarr",
        "name": "usenet-sonarr-1",
        "state": "running",
        "since": "2026-01-02T03:04:06.5Z",
        "seconds": row["container"]["seconds"],
        "exit_code": None,
        "out_of_memory": False,
        "error": "",
        "restarts": 2,
        "restart_policy": "unless-stopped",
    }
    assert row["container"]["seconds"] > 0
    assert row["check"]["status"] == "unhealthy"
    assert row["check"]["failing"] == 4 and len(row["check"]["log"]) == 5
    assert row["http"]["status"] == 200 and row["http"]["method"] == "GET"
    assert row["http"]["url"] == f"http://127.0.0.1:{app.port}/ping"
    assert row["image"] == "example/sonarr:4"
    assert row["image_digest"] == "sha256:beef"
    assert row["image_age_seconds"] > 0
    assert row["mounts"][0]["target"] == "/config"
    assert row["networks"][0]["aliases"] == ["sonarr"]
    assert row["ports"] == [
        {"container": "8989/tcp", "address": "127.0.0.1", "port": 8989}
    ]
    assert row["limits"]["memory_bytes"] == 2**30
    assert row["limits"]["cpus"] == 0.5
    assert row["config"] == str(world.folder / "config/sonarr")
    assert {n["name"] for n in row["needs"]} == {
        "prowlarr",
        "sabnzbd",
        "transmission",
    }
    assert {"name": "seerr", "container": "absent"} in row["needed_by"]
    assert row["next"] == "usenet services logs sonarr"


def test_no_secret_is_told_and_of_the_environment_names_only(
    world: World,
) -> None:
    world.key("sonarr", KEY)
    with speaking(OK) as app:
        world.put("sonarr", port=app.port)
        known(world)
        (row,) = explained(world, "sonarr").values()
    assert KEY not in json.dumps(row)
    assert row["environment"] == ["SONARR__AUTH__APIKEY", "TZ"]
    assert row["errors"] == [
        {
            "time": "2026-01-02T03:04:06.1Z",
            "text": "[Error] the key is ********",
        }
    ]
    assert len(row["log"]) == 3
    assert row["check"]["log"][0]["output"] == "no answer with ********"


def test_without_names_it_is_the_whole_stack(world: World) -> None:
    found = explained(world)
    assert len(found) == 19
    assert found["sonarr"]["container"] is None
    assert found["sonarr"]["next"].endswith("--services sonarr")
    assert all(row["next"] for row in found.values())


NEXT: list[tuple[str, dict[str, Any], str]] = [
    ("exited", {"ExitCode": 0}, "usenet services start sonarr"),
    ("exited", {"ExitCode": 3}, "usenet services logs sonarr"),
    (
        "exited",
        {"ExitCode": 137, "OOMKilled": True},
        "usenet config set stack.profile dedicated",
    ),
    ("paused", {"Running": True}, "docker unpause usenet-sonarr-1"),
    ("created", {"Error": "port is taken"}, "--services sonarr"),
    ("restarting", {"ExitCode": 1}, "usenet services logs sonarr"),
]


@pytest.mark.parametrize(("state", "more", "command"), NEXT)
def test_there_is_always_a_command_to_try(
    world: World, state: str, more: dict[str, Any], command: str
) -> None:
    world.put("sonarr", state)
    known(world, **({"Status": state, "Running": False} | more))
    (row,) = explained(world, "sonarr").values()
    assert command in row["next"]


def test_one_that_is_well_is_opened(world: World) -> None:
    with speaking(OK) as app:
        world.put("sonarr", port=app.port)
        known(world)
        (row,) = explained(world, "sonarr").values()
    assert row["next"] == "usenet services open sonarr"


def test_without_an_engine_the_mend_is_the_engines(
    world: World, tmp_path: Path
) -> None:
    result = explain_services(
        world.stack, ["recyclarr"], engine=Engine(tmp_path / "none.sock")
    )
    (row,) = result.data["services"]
    assert row["state"] == "unknown" and "validate --fix" in row["next"]
    assert result.ok and len(result.messages) == 1


@pytest.mark.parametrize(
    ("name", "code"),
    [("plex", "service.off"), ("sonar", "service.unknown")],
)
def test_names_that_are_wrong(world: World, name: str, code: str) -> None:
    with pytest.raises(UsenetError) as caught:
        explain_services(world.stack, [name], engine=world.engine)
    assert caught.value.code == code


def test_pages(world: World) -> None:
    found = page_of(world.stack, "sonarr")
    assert found == {"name": "sonarr", "url": "http://127.0.0.1:8989"}
    for name, code in (
        ("samba", "service.no-page"),
        ("plex", "service.off"),
        ("sonar", "service.unknown"),
    ):
        with pytest.raises(UsenetError) as caught:
            page_of(world.stack, name)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[Error] DownloadService: cannot reach", True),
        ("2026 ERR! something", True),
        ("Traceback (most recent call last):", True),
        ("System.NullReferenceException: x", True),
        ("sqlite3.OperationalError: database is locked", True),
        ("panic: oh", True),
        ("[Info] 0 errors, no exceptions", False),
        ("mirror of the terror", False),
        ("all is well", False),
    ],
)
def test_lines_that_speak_of_trouble(text: str, found: bool) -> None:
    assert speaks_of_trouble(text) is found


def test_the_last_troubles_are_kept_in_order() -> None:
    lines = [LogLine(f"{n}", "stdout", f"error {n}" * 100) for n in range(9)]
    found = troubles_in(lines, 3)
    assert [line["time"] for line in found] == ["6", "7", "8"]
    assert all(len(line["text"]) == 400 for line in found)
