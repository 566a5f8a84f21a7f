"""`usenet services list`, `status`, `top`, `open` on a real Engine."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pexpect
import pytest

from cli_process import COMMAND, Cli, Ran
from e2e.sandbox_stack import containers, take_down, write_stack
from images.build import docker
from usenet_stack.stack.model import load_stack

SERVICES = (
    "sabnzbd",
    "transmission",
    "sonarr",
    "radarr",
    "recyclarr",
    "jellyfin",
    "samba",
)
PUBLISHING = tuple(name for name in SERVICES if name != "recyclarr")
FAULTS = ".simulator-faults.json"
KEYS = {
    "name",
    "title",
    "group",
    "state",
    "reason",
    "port",
    "url",
    "memory_bytes",
    "cpu_percent",
    "api",
    "figures",
    "drives",
    "restarts",
    "mend",
    "http",
    "simulated",
    "image",
    "deprecated",
    "replacement",
}


class Deployed(NamedTuple):
    cli: Cli
    host: str
    folder: Path
    project: str

    def __call__(self, *words: str, **options: Any) -> Ran:
        stack = f"--stack={self.folder}"
        return self.cli(stack, "services", *words, **options)

    def listed(self, *words: str, **options: Any) -> dict[str, Any]:
        ran = self("list", "--format=json", *words, **options)
        assert ran.rc == 0, ran
        found: dict[str, Any] = ran.json["data"]
        return found

    def rows(self, *words: str, **options: Any) -> dict[str, dict[str, Any]]:
        found = self.listed(*words, **options)["services"]
        return {row["name"]: row for row in found}

    def fault(self, service: str, fault: dict[str, Any]) -> None:
        path = self.folder / "config" / service / FAULTS
        path.write_text(json.dumps(fault))


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    docker_host: str,
) -> Iterator[Deployed]:
    home = tmp_path_factory.mktemp("look")
    cli = Cli(home, {"DOCKER_HOST": docker_host})
    folder = home / "list"
    write_stack(folder, f"t{os.getpid()}-look", SERVICES)
    with (folder / "stack.toml").open("a") as file:
        file.write(f"[ports]\n{free_ports()}")
    project = load_stack(folder).project
    try:
        ran = cli(f"--stack={folder}", "deploy", "--yes")
        assert ran.rc == 0, ran
        yield Deployed(cli, docker_host, folder, project)
    finally:
        take_down(docker_host, project, folder)


def free_ports() -> str:
    """Return lines of [ports], so that other stacks may run beside."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(7)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    found = dict(zip(PUBLISHING, map(str, ports), strict=False))
    peer = f"peer = {ports[6]}, peer-udp = {ports[6]}"
    found["transmission"] = f"{{ web = {found['transmission']}, {peer} }}"
    lines = [f"{name} = {port}" for name, port in found.items()]
    return "\n".join(lines) + "\n"


@pytest.fixture(autouse=True)
def mended(stack: Deployed) -> Iterator[None]:
    """Leave every service well and nothing remembered."""
    yield
    for path in stack.folder.glob(f"config/*/{FAULTS}"):
        path.unlink()
    stack.folder.joinpath(".usenet/health.json").unlink(missing_ok=True)


def test_every_row_tells_all_of_its_schema(stack: Deployed) -> None:
    found = stack.listed("--fresh")
    assert set(found) == {
        "services",
        "groups",
        "totals",
        "checked_at",
        "age_seconds",
    }
    rows = {row["name"]: row for row in found["services"]}
    assert set(rows) == set(SERVICES)
    assert all(set(row) == KEYS for row in rows.values())
    for row in rows.values():
        assert row["state"] in ("ready", "timer"), row
        assert 1_000_000 < row["memory_bytes"] < 200_000_000
        assert 0 <= row["cpu_percent"] < 400
    assert rows["sonarr"]["api"] == rows["sabnzbd"]["api"] == "ok"
    assert rows["sonarr"]["figures"]["queue"] == 0
    assert rows["transmission"]["figures"]["active"] == 0
    assert rows["jellyfin"]["api"] == "setup"
    assert rows["samba"]["figures"] == {"clients": 0}
    assert time.time() - rows["recyclarr"]["figures"]["last_run"] < 600
    assert found["groups"][0] == {"name": "media", "services": 1, "healthy": 1}
    assert found["totals"]["healthy"] == len(SERVICES)
    assert found["totals"]["cpu_percent"] >= 0


def test_the_second_look_is_the_first_until_something_changes(
    stack: Deployed,
) -> None:
    first = stack.listed("--fresh")
    again = stack.listed()
    assert again["checked_at"] == first["checked_at"]
    assert again["age_seconds"] > 0
    part = stack.listed("--group=automation")
    assert part["checked_at"] == first["checked_at"]
    assert {row["group"] for row in part["services"]} == {"automation"}
    assert part["totals"]["services"] == 3
    assert stack.listed("--fresh")["age_seconds"] == 0
    # What we do ourselves shows at once.
    ran = stack("stop", "samba")
    assert ran.rc == 0, ran
    assert stack.rows()["samba"]["state"] == "stopped"
    ran = stack("start", "samba")
    assert ran.rc == 0, ran
    assert stack.rows()["samba"]["state"] == "ready"


def test_edits_of_the_stack_ask_anew(stack: Deployed) -> None:
    stack.listed("--fresh")
    with (stack.folder / "stack.toml").open("a") as file:
        file.write("# a remark\n")
    assert stack.listed()["age_seconds"] == 0
    assert stack.listed()["age_seconds"] > 0


def test_a_file_of_a_stranger_is_asked_anew_and_replaced(
    stack: Deployed,
) -> None:
    stack.listed("--fresh")
    path = stack.folder / ".usenet/health.json"
    os.chown(path, 4711, 4711)
    assert stack.listed()["age_seconds"] == 0
    assert path.stat().st_uid == os.geteuid()
    assert path.stat().st_mode & 0o777 == 0o600


def test_one_hangs_one_babbles_and_the_other_rows_are_right(
    stack: Deployed,
) -> None:
    stack.fault("jellyfin", {"hang": True})
    stack.fault("radarr", {"garbage": True})
    began = time.monotonic()
    rows = stack.rows("--fresh", "--timeout=1.5")
    spent = time.monotonic() - began
    assert spent < 3, spent
    assert rows["jellyfin"]["state"] == "degraded"
    assert rows["jellyfin"]["reason"] == "gave no answer within 1.5 s"
    assert rows["radarr"]["state"] == "degraded"
    others = {rows[n]["state"] for n in rows if n not in ("jellyfin", "radarr")}
    assert others == {"ready", "timer"}
    assert rows["sonarr"]["api"] == "ok"
    # A look that was in a hurry does not stand for one with more time.
    assert stack.listed("--timeout=1")["age_seconds"] > 0


def test_a_key_that_is_refused_degrades(stack: Deployed) -> None:
    stack.fault("sonarr", {"path": "^/api/", "status": 401})
    rows = stack.rows("--fresh")
    assert rows["sonarr"]["state"] == "degraded"
    assert rows["sonarr"]["reason"] == "refuses the key in .env"
    assert rows["sonarr"]["api"] == "refused"
    assert "usenet keys list" in rows["sonarr"]["mend"]
    ran = stack("list")
    assert "    refuses the key in .env\n" in ran.stdout
    ran = stack("status", "sonarr")
    assert ran.rc == 0 and "Next       usenet keys list" in ran.stdout


def test_an_api_that_hangs_keeps_to_the_deadline(stack: Deployed) -> None:
    stack.fault("radarr", {"path": "^/api/", "hang": True})
    began = time.monotonic()
    rows = stack.rows("--fresh", "--timeout=1.5")
    assert time.monotonic() - began < 3
    assert rows["radarr"]["api"] == "failing"
    assert rows["radarr"]["state"] in ("degraded", "starting")
    assert rows["sonarr"]["state"] == "ready"


def test_without_an_engine_http_and_apis_still_answer(
    stack: Deployed,
) -> None:
    gone = {"DOCKER_HOST": f"unix://{stack.folder}/none.sock"}
    ran = stack("list", "--format=json", env=gone)
    assert ran.rc == 0, ran
    rows = {row["name"]: row for row in ran.json["data"]["services"]}
    assert rows["sonarr"]["state"] == "ready"
    assert rows["sonarr"]["api"] == "ok"
    assert rows["recyclarr"]["state"] == "unknown"
    (message,) = ran.json["messages"]
    assert "Docker" in message["text"] and "usenet" in message["text"]
    # It is not what the next command should believe.
    assert stack.listed()["age_seconds"] == 0


def test_clients_of_samba_are_counted(stack: Deployed) -> None:
    port = stack.rows()["samba"]["port"]
    with socket.create_connection(("127.0.0.1", port)):
        assert stack.rows("--fresh")["samba"]["figures"] == {"clients": 1}


def test_text_is_plain_in_a_pipe_and_fits(stack: Deployed) -> None:
    for width in (80, 120):
        ran = stack("list", env={"COLUMNS": str(width)})
        lines = ran.stdout.splitlines()
        assert ran.rc == 0 and "\033" not in ran.stdout
        assert "Automation (3/3 healthy)" in lines
        assert max(map(len, lines)) <= width
    assert stack("list", env={"LC_ALL": "C"}).stdout.isascii()


def test_watch_needs_a_terminal(stack: Deployed) -> None:
    ran = stack("list", "--watch")
    assert ran.rc == 2 and "terminal" in ran.stderr
    ran = stack("list", "--timeout=soon")
    assert ran.rc == 2 and "--timeout" in ran.stderr


def seen(stack: Deployed, *words: str) -> pexpect.spawn:
    program, *line = COMMAND
    return pexpect.spawn(
        program,
        [*line, f"--stack={stack.folder}", "services", *words],
        env=stack.cli.environment({"TERM": "xterm"}),  # type: ignore[arg-type]
        cwd=str(stack.cli.home),
        dimensions=(40, 80),
        encoding="utf-8",
        timeout=20,
    )


@pytest.mark.parametrize(
    "words",
    [("list", "--watch", "--interval=0.2"), ("top", "--interval=0.2")],
    ids=["list", "top"],
)
@pytest.mark.parametrize("leave", ["key", "interrupt", "terminate"])
def test_live_pages_go_on_and_are_left_cleanly(
    stack: Deployed, words: tuple[str, ...], leave: str
) -> None:
    page = seen(stack, *words)
    actions: dict[str, Callable[[], object]] = {
        "key": lambda: page.send("q"),
        "interrupt": page.sendintr,
        "terminate": lambda: page.kill(signal.SIGTERM),
    }
    try:
        page.expect_exact("\033[?1049h")
        for _ in range(3):
            page.expect("sonarr")
        actions[leave]()
        page.expect_exact("\033[?25h\033[?1049l")
        page.expect(pexpect.EOF)
        page.wait()
    finally:
        page.close(force=True)
    assert page.exitstatus == 0
    assert "Traceback" not in str(page.before)


def test_top_without_a_terminal_is_one_table(stack: Deployed) -> None:
    ran = stack("top", "--sort=name")
    names = [line.split()[1] for line in ran.stdout.splitlines()[1:-1]]
    assert ran.rc == 0 and names == sorted(SERVICES)
    rows = stack("top", "--format=json").json["data"]["services"]
    assert {row["name"] for row in rows} == set(SERVICES)
    assert all(row["cpu_percent"] is not None for row in rows)
    assert all(row["down_bytes_s"] is not None for row in rows)


def test_status_tells_all_of_one_and_no_secret(stack: Deployed) -> None:
    ran = stack("status", "sonarr", "--format=json")
    (row,) = ran.json["data"]["services"]
    assert row["container"]["state"] == "running"
    assert row["http"]["status"] == 200 and row["http"]["milliseconds"] > 0
    assert row["version"] and row["image"].startswith("usenet-sandbox:")
    assert "SONARR__AUTH__APIKEY" in row["environment"]
    assert {"/config", "/data"} <= {m["target"] for m in row["mounts"]}
    assert {n["name"] for n in row["needs"]} == {"sabnzbd", "transmission"}
    secrets = [
        line.partition("=")[2]
        for line in (stack.folder / ".env").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    ]
    page = stack("status", "sonarr", "--detailed").stdout
    for secret in secrets:
        assert secret not in ran.stdout and secret not in page


def test_status_explains_the_dead(stack: Deployed) -> None:
    container = containers(stack.host, stack.project)["samba"]["Id"]
    docker(stack.host, "stop", "--time=1", container)
    try:
        ran = stack("status")
        assert ran.rc == 0 and "1 stopped: samba" in ran.stdout
        ran = stack("status", "samba")
        assert "usenet services start samba" in ran.stdout
    finally:
        docker(stack.host, "start", container)


def test_open_prints_the_page(stack: Deployed) -> None:
    url = stack.rows()["sonarr"]["url"]
    assert stack("open", "sonarr").stdout == f"{url}\n"
    ran = stack("open", "samba")
    assert ran.rc == 1 and "usenet services status samba" in ran.stderr
