"""`usenet services` on a real stack with a handful of services."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pexpect
import pytest

from cli_process import COMMAND, Cli, Ran
from e2e.sandbox_stack import small_stack
from images.build import docker
from usenet_stack.docker.engine import Engine
from usenet_stack.stack.model import load_stack

# One or more of each tier, one by the clock, one without HTTP.
SERVICES = ("transmission", "sonarr", "recyclarr", "jellyfin", "samba")


class Deployed(NamedTuple):
    cli: Cli
    host: str
    folder: Path
    project: str

    def __call__(self, *words: str, **options: Any) -> Ran:
        stack = f"--stack={self.folder}"
        return self.cli(stack, "services", *words, **options)

    def states(self, *words: str) -> dict[str, str]:
        """Return what `services list` tells."""
        ran = self("list", "--format=json", *words)
        assert ran.rc == 0, ran
        found = ran.json["data"]["services"]
        return {row["name"]: row["state"] for row in found}

    @property
    def engine(self) -> Engine:
        return Engine(Path(self.host.removeprefix("unix://")))

    def container(self, service: str) -> str:
        label = f"com.docker.compose.service={service}"
        found = self.engine.containers(self.project, filters={"label": [label]})
        return str(found[0]["Id"])


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, docker_host: str
) -> Iterator[Deployed]:
    home = tmp_path_factory.mktemp("services")
    cli = Cli(home, {"DOCKER_HOST": docker_host})
    folder = home / "room"
    with small_stack(cli, docker_host, folder, SERVICES) as project:
        ran = cli(f"--stack={folder}", "deploy", "--yes")
        assert ran.rc == 0, ran
        yield Deployed(cli, docker_host, folder, project)


@pytest.fixture(autouse=True)
def all_run(stack: Deployed) -> Iterator[None]:
    yield
    ran = stack("start", "--all")
    assert ran.rc == 0, ran


def test_list_tells_all_that_it_knows(stack: Deployed) -> None:
    ran = stack("list", "--format=json")
    rows = {row["name"]: row for row in ran.json["data"]["services"]}
    assert set(rows) == set(SERVICES)
    assert rows["recyclarr"]["state"] == "timer"
    others = {rows[name]["state"] for name in SERVICES if name != "recyclarr"}
    assert others == {"ready"}
    for row in rows.values():
        assert row["simulated"] is True
        assert 1_000_000 < row["memory_bytes"] < 200_000_000
        assert row["image"].startswith("usenet-sandbox:")
    totals = ran.json["data"]["totals"]
    assert (totals["services"], totals["healthy"]) == (5, 5)


def test_list_of_a_group(stack: Deployed) -> None:
    assert set(stack.states("--group=automation")) == {"sonarr", "recyclarr"}


def test_stop_and_start(stack: Deployed) -> None:
    ran = stack("stop", "sonarr", "samba", "--format=json")
    assert ran.rc == 0, ran
    assert ran.json["data"]["services"] == [
        {"name": "sonarr", "state": "stopped", "reason": ""},
        {"name": "samba", "state": "stopped", "reason": ""},
    ]
    states = stack.states()
    assert states["sonarr"] == states["samba"] == "stopped"
    assert states["jellyfin"] == "ready"
    ran = stack("start", "sonarr", "samba", "--format=json")
    assert ran.rc == 0, ran
    assert set(stack.states().values()) == {"ready", "timer"}


def test_start_of_what_runs_changes_nothing(stack: Deployed) -> None:
    before = stack.engine.inspect(stack.container("sonarr"))["State"]
    ran = stack("start", "sonarr", "--format=json")
    after = stack.engine.inspect(stack.container("sonarr"))["State"]
    assert ran.rc == 0 and before == after
    assert ran.json["data"]["journal"] == ""


def test_restart_keeps_the_order_of_the_tiers(stack: Deployed) -> None:
    began = time.time()
    ran = stack("restart", "--all")
    assert ran.rc == 0, ran
    label = f"com.docker.compose.project={stack.project}"
    filters = {"label": [label], "event": ["die", "start"]}
    events = [
        (
            event["Action"],
            event["Actor"]["Attributes"]["com.docker.compose.service"],
        )
        for event in stack.engine.events(
            filters, since=began, until=time.time() + 1
        )
    ]
    place = {event: index for index, event in enumerate(events)}
    assert len(place) == len(events) == 10
    assert place["die", "jellyfin"] < place["die", "sonarr"]
    assert place["die", "sonarr"] < place["die", "transmission"]
    assert place["die", "transmission"] < place["start", "transmission"]
    assert place["start", "transmission"] < place["start", "sonarr"]
    assert place["start", "sonarr"] < place["start", "jellyfin"]


def test_container_that_died_is_down_and_its_log_is_there(
    stack: Deployed,
) -> None:
    # A kill by hand counts as a wish to Docker: it does not restart it.
    docker(stack.host, "kill", "--signal=KILL", stack.container("sonarr"))
    assert stack.states()["sonarr"] == "stopped"
    ran = stack("logs", "sonarr")
    assert ran.rc == 0 and "listening 0.0.0.0:8989" in ran.stdout


def test_one_that_cannot_start_does_not_keep_the_others(
    stack: Deployed,
) -> None:
    stack("stop", "--all")
    container = stack.container("samba")
    docker(stack.host, "rename", container, "usenet-test-renamed")
    try:
        docker(stack.host, "rm", "--force", container)
        ran = stack("start", "--all", "--format=json")
        states = stack.states()
        assert ran.rc == 3, ran
        (error,) = ran.json["errors"]
        assert error["code"] == "service.unwell"
        assert error["details"] == ["samba: has no container yet"]
        assert states.pop("samba") == "stopped"
        assert set(states.values()) == {"ready", "timer"}
    finally:
        ran = stack.cli(f"--stack={stack.folder}", "deploy", "--yes")
    assert ran.rc == 0, ran


@pytest.mark.parametrize(
    ("words", "rc", "part"),
    [
        (("stop", "sonar"), 2, "sonarr"),
        (("start", "plex"), 1, "plex is not switched on"),
        (("logs", "plex"), 1, "plex is not switched on"),
        (("exec", "plex", "ls"), 1, "plex is not switched on"),
        (("logs", "sonarr", "--since=later"), 2, "--since later"),
    ],
)
def test_errors_name_the_mend(
    stack: Deployed, words: tuple[str, ...], rc: int, part: str
) -> None:
    ran = stack(*words)
    assert (ran.rc, ran.stdout) == (rc, "")
    assert part in ran.stderr and "fix:" in ran.stderr


def test_exec_in_a_stopped_service_names_the_mend(stack: Deployed) -> None:
    stack("stop", "sonarr")
    ran = stack("exec", "sonarr", "ls")
    assert ran.rc == 1 and "usenet services start sonarr" in ran.stderr


def test_exec_passes_code_input_and_streams(stack: Deployed) -> None:
    script = "read line; echo got $line; echo bad >&2; exit 7"
    ran = stack("exec", "sonarr", "--", "sh", "-c", script, stdin="word\n")
    assert (ran.rc, ran.stdout, ran.stderr) == (7, "got word\n", "bad\n")


def test_exec_without_dockers_own_command_line(stack: Deployed) -> None:
    script = "read line; echo got $line; echo bad >&2; exit 9"
    ran = stack(
        *("exec", "sonarr", "--", "sh", "-c", script),
        env={"PATH": "/nowhere"},
        stdin="word\n",
    )
    assert (ran.rc, ran.stdout, ran.stderr) == (9, "got word\n", "bad\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_exec_passes_signals_on(
    stack: Deployed, number: signal.Signals
) -> None:
    script = (
        "trap 'echo caught; exit 6' TERM INT; echo ready;"
        " while :; do sleep 0.05; done"
    )
    words = ["services", "exec", "sonarr", "--", "sh", "-c", script]
    running = stack.cli.start(f"--stack={stack.folder}", *words)
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    running.send_signal(number)
    output, errors = running.communicate(timeout=20)
    assert (running.returncode, output, errors) == (6, "caught\n", "")


def test_exec_ends_when_nobody_reads(stack: Deployed) -> None:
    endless = "while :; do echo line; done"
    words = ["services", "exec", "sonarr", "--", "sh", "-c", endless]
    running = stack.cli.start(f"--stack={stack.folder}", *words)
    assert running.stdout is not None
    assert running.stdout.readline() == "line\n"
    running.stdout.close()
    assert running.wait(20) == 141
    assert running.stderr is not None
    assert running.stderr.read() == ""


def test_exec_gives_a_real_terminal(stack: Deployed) -> None:
    # Ctrl-C is for the program inside: we live on and pass its end on.
    script = (
        "trap 'echo caught; exit 5' INT; tty; sleep 0.5; stty size;"
        " echo ready;"
        " while :; do sleep 0.05; done"
    )
    program, *words = [*COMMAND, f"--stack={stack.folder}", "services"]
    child = pexpect.spawn(
        program,
        [*words, "exec", "sonarr", "sh", "-c", script],
        env=stack.cli.environment(),
        timeout=20,
        encoding="utf-8",
        dimensions=(33, 101),
    )
    child.expect("/dev/pts/0")
    child.expect("33 101")
    child.expect("ready")
    child.sendcontrol("c")
    child.expect("caught")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 5


def test_logs_of_several_in_the_order_of_time(stack: Deployed) -> None:
    ran = stack("logs", "sonarr", "transmission", "--format=json")
    lines = ran.json["data"]["lines"]
    assert {line["service"] for line in lines} == {"sonarr", "transmission"}
    assert lines == sorted(lines, key=lambda line: str(line["time"]))


def test_logs_are_cut_and_searched(stack: Deployed) -> None:
    ran = stack("logs", "sonarr", "--tail=1", "--format=json")
    assert len(ran.json["data"]["lines"]) == 1
    ran = stack("logs", "sonarr", "--grep=^listen.*89$", "--format=json")
    lines = ran.json["data"]["lines"]
    assert lines and all("listening" in line["text"] for line in lines)
    ran = stack("logs", "sonarr", "--grep=LISTENING", "--format=json")
    assert ran.json["data"]["lines"] == []
    ran = stack("logs", "sonarr", "--level=error", "--format=json")
    assert ran.json["data"]["lines"] == []
    ran = stack("logs", "sonarr", "--since=0s", "--format=json")
    assert ran.json["data"]["lines"] == []


def test_following_ends_with_ctrl_c(stack: Deployed) -> None:
    words = ["services", "logs", "sonarr", "samba", "--follow", "--tail=1"]
    running = stack.cli.start(f"--stack={stack.folder}", *words)
    assert running.stdout is not None
    first = running.stdout.readline()
    running.send_signal(signal.SIGINT)
    try:
        _, errors = running.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        running.kill()
        raise
    assert first.split()[0] in ("sonarr", "samba")
    assert running.returncode == 130 and "Traceback" not in errors


def write_to_log(stack: Deployed, service: str, *lines: str) -> None:
    script = 'for line; do echo "$line"; done > /proc/1/fd/1'
    words = ["sh", "-c", script, "sh", *lines]
    docker(stack.host, "exec", stack.container(service), *words)


def test_following_at_a_level_goes_on_where_the_past_ends(
    stack: Deployed,
) -> None:
    write_to_log(stack, "sonarr", "[Error] one", "[Info] two")
    words = ["--follow", "--level=error", "--tail=1"]
    running = stack.cli.start(
        f"--stack={stack.folder}", "services", "logs", "sonarr", *words
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "[Error] one\n"
    write_to_log(stack, "sonarr", "[Info] x", "[Fatal] y", "  at z", "[Info]")
    shown = [running.stdout.readline() for _ in range(2)]
    running.send_signal(signal.SIGINT)
    output, errors = running.communicate(timeout=10)
    assert shown == ["[Fatal] y\n", "  at z\n"]
    assert (running.returncode, output, errors) == (130, "", "")


def test_logs_of_all_that_have_a_container(stack: Deployed) -> None:
    ran = stack("logs", "--all", "--grep=^listening", "--format=json")
    lines = ran.json["data"]["lines"]
    assert {line["service"] for line in lines} == set(SERVICES)
    ran = stack("logs", "--group=media", "--tail=1", "--format=json")
    assert {x["service"] for x in ran.json["data"]["lines"]} == {"jellyfin"}


def test_a_reader_that_leaves_ends_the_logs(stack: Deployed) -> None:
    lines = [f"{number} of many that fill a pipe" for number in range(4000)]
    write_to_log(stack, "samba", *lines)
    words = ["services", "logs", "samba", "--tail=4000"]
    running = stack.cli.start(f"--stack={stack.folder}", *words)
    assert running.stdout is not None and running.stderr is not None
    assert running.stdout.readline()
    running.stdout.close()
    assert running.wait(10) == 141
    assert running.stderr.read() == ""


def test_a_wrong_expression_is_told_with_its_place(stack: Deployed) -> None:
    ran = stack("logs", "sonarr", "--grep=a(b")
    assert ran.rc == 2 and ran.stdout == ""
    assert "    a(b\n     ^\n" in ran.stderr


def test_what_is_done_is_journalled(stack: Deployed) -> None:
    stack("stop", "samba")
    folder = load_stack(stack.folder).state_path / "journal"
    last = sorted(folder.glob("*.jsonl"))[-1].read_text().splitlines()
    records = [json.loads(line.partition(" ")[2]) for line in last]
    assert records[0]["command"] == "services stop"
    assert [r["event"] for r in records[-2:]] == ["done", "end"]
    assert records[1]["before"] == {"running": ["samba"]}
