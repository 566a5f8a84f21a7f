"""Backups by the clock: units, cron, a run and its notice, the own clock."""

import json
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from cli_process import Cli
from usenet_stack.backup import (
    RunRequest,
    ScheduleRequest,
    all_backups,
    cron_line,
    last_run,
    list_backups,
    run_backups,
)
from usenet_stack.backup.clock import clock_runs, read_schedule, schedule_path
from usenet_stack.backup.drill_report import Report, Started
from usenet_stack.backup.drilling import drill_is_due, report_path
from usenet_stack.backup.note import read_note
from usenet_stack.backup.schedule import units
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.transaction.lock import stack_lock

DAY = 24 * 3600


@pytest.fixture
def used(bare: Stack) -> Stack:
    folder = bare.config_root / "sonarr"
    folder.mkdir(parents=True)
    (folder / "config.xml").write_text("<Config/>")
    database(folder / "sonarr.db")
    return bare


def database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE series (title)")


def broken(stack: Stack) -> None:
    (stack.config_root / "sonarr/sonarr.db").unlink()


def with_settings(stack: Stack, text: str) -> Stack:
    with (stack.folder / "stack.toml").open("a") as file:
        file.write(f"\n[backup]\n{text}\n")
    return load_stack(stack.folder)


@pytest.fixture
def odd(bare: Stack, tmp_path: Path) -> Stack:
    """A stack in a folder whose name every quoting gets wrong."""
    folder = tmp_path / "a b%n $HOME \"q\" 'q' \\"
    bare.folder.rename(folder)
    return load_stack(folder)


def test_systemd_accepts_the_units(odd: Stack, tmp_path: Path) -> None:
    run = RunRequest("full", "/mnt/usb", True)
    request = ScheduleRequest("Mon 04:00", run)
    place = tmp_path / "units"
    place.mkdir()
    for name, text in units(odd, request).items():
        (place / name).write_text(text)
    paths = sorted(place.iterdir())
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths],
        capture_output=True,
        text=True,
    )
    named = [line for line in checked.stderr.splitlines() if "backup" in line]
    assert (checked.returncode, named) == (0, []), checked
    assert " backup run --type full --copy-to " in paths[0].read_text()
    assert "Persistent=true" in paths[1].read_text()


def test_the_line_for_cron_runs(used: Stack, tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    run = RunRequest(copy_to=str(tmp_path / "usb"))
    line = cron_line(used, ScheduleRequest(run=run))
    when, command = line.split(" ", 5)[:5], line.split(" ", 5)[5]
    assert when == ["17", "4", "*", "*", "*"]
    shell = command.replace("\\%", "%")
    ran = subprocess.run(
        ["/bin/sh", "-c", shell],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert ran.returncode == 0, ran
    (path,) = all_backups(used)
    assert (tmp_path / "usb" / path.name).exists()
    assert read_note(path).verified


def test_a_time_that_cron_does_not_have(used: Stack) -> None:
    with pytest.raises(UsenetError) as caught:
        cron_line(used, ScheduleRequest("Mon 04:00"))
    assert caught.value.code == "backup.when"


# -- a run ---------------------------------------------------------------


def test_a_run_creates_verifies_copies_and_cleans(
    used: Stack, tmp_path: Path
) -> None:
    stack = with_settings(used, "keep = { last = 1, daily = 0 }")
    (tmp_path / "usb").mkdir()
    request = RunRequest(copy_to=str(tmp_path / "usb"))
    first = run_backups(stack, request)
    second = run_backups(stack, request)
    assert first.ok and second.ok
    (path,) = all_backups(stack)
    assert str(path) == second.data["path"]
    assert read_note(path).verified
    assert [row["name"] for row in second.data["removed"]] == [
        Path(first.data["path"]).name
    ]
    assert len(list((tmp_path / "usb").glob("*.zst"))) == 2
    assert list_backups(stack).messages == []


def test_a_run_that_fails_removes_nothing_and_is_told_later(
    used: Stack,
) -> None:
    stack = with_settings(used, "keep = { last = 1, daily = 0 }")
    kept = [run_backups(stack, RunRequest()).data["path"] for _ in range(1)]
    broken(stack)
    failed = run_backups(stack, RunRequest())
    assert failed.exit_code == 1
    assert failed.data["path"] == ""
    assert [str(path) for path in all_backups(stack)] == kept
    (message,) = list_backups(stack).messages
    assert "sonarr.db" in message.text and "has failed" in message.text
    database(stack.config_root / "sonarr/sonarr.db")
    assert run_backups(stack, RunRequest()).ok
    assert list_backups(stack).messages == []


def test_an_absent_disk_gets_no_folder_in_its_place(
    used: Stack, tmp_path: Path
) -> None:
    absent = tmp_path / "usb"
    result = run_backups(used, RunRequest(copy_to=str(absent)))
    assert [error.code for error in result.errors] == ["backup.target"]
    assert "mounted" in result.errors[0].why
    assert result.exit_code == 3
    assert result.data["path"]
    assert not absent.exists()
    run = last_run(used)
    assert run is not None and run.path and "mounted" in run.why


def test_a_run_waits_for_another_command(used: Stack) -> None:
    with stack_lock(used.folder, "deploy"):
        held = run_backups(used, RunRequest(wait_s=0.2))
    assert [error.code for error in held.errors] == ["lock.held"]
    lock = stack_lock(used.folder, "deploy")
    lock.__enter__()
    threading.Timer(0.5, lock.__exit__, (None, None, None)).start()
    assert run_backups(used, RunRequest(wait_s=20)).ok


# -- the notice ----------------------------------------------------------


class Heard(HTTPServer):
    """Keeps what is posted to it; answers `status`."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Listener)
        self.heard: list[tuple[str, str]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/secret-topic"


class Listener(BaseHTTPRequestHandler):
    server: Heard

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        text = self.rfile.read(length).decode()
        self.server.heard.append((self.headers["Title"], text))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def ntfy() -> Iterator[Heard]:
    with Heard() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_failure_is_posted_and_a_success_is_not(
    used: Stack, ntfy: Heard
) -> None:
    stack = with_settings(used, f'notice = "{ntfy.address}"')
    assert run_backups(stack, RunRequest()).data["noticed"] is False
    assert ntfy.heard == []
    broken(stack)
    assert run_backups(stack, RunRequest()).data["noticed"] is True
    ((title, text),) = ntfy.heard
    assert "no new backup" in title
    assert "sonarr.db" in text and "fix: " in text


def test_always_means_always(used: Stack, ntfy: Heard) -> None:
    words = f'notice = "{ntfy.address}"\nnotice_when = "always"'
    result = run_backups(with_settings(used, words), RunRequest())
    ((title, text),) = ntfy.heard
    assert "is whole" in title and result.data["path"] in text


def test_a_notice_that_does_not_arrive_is_an_error_without_the_secret(
    used: Stack, ntfy: Heard
) -> None:
    ntfy.status = 500
    words = f'notice = "{ntfy.address}"\nnotice_when = "always"'
    result = run_backups(with_settings(used, words), RunRequest())
    (error,) = result.errors
    assert (error.code, result.exit_code) == ("backup.notice", 3)
    assert "500" in error.why
    assert "secret-topic" not in json.dumps(result.as_envelope())


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("no-such-program-here", "No such file"),
        ("sh -c 'echo late >&2; exit 4'", "4. late"),
        ("'", "quotation"),
        ("http://127.0.0.1:1/x", "refused"),
        ("http://[/x", ""),
    ],
)
def test_a_notice_that_cannot_be_sent(
    used: Stack, command: str, why: str
) -> None:
    words = f'notice = """{command}"""\nnotice_when = "always"'
    result = run_backups(with_settings(used, words), RunRequest())
    (error,) = result.errors
    assert error.code == "backup.notice"
    assert why in error.why


def test_a_program_reads_the_notice(used: Stack, tmp_path: Path) -> None:
    told = tmp_path / "told"
    line = f"sh -c 'echo $USENET_NOTICE_TITLE > {told}; cat >> {told}'"
    stack = with_settings(used, f'notice = """{line}"""')
    broken(stack)
    run_backups(stack, RunRequest())
    assert told.read_text().splitlines()[0].startswith("bare has no new")
    assert "sonarr.db" in told.read_text()


# -- the stack's own clock -----------------------------------------------


@pytest.fixture
def sandbox(used: Stack, usenet: Cli) -> Iterator[Stack]:
    text = (used.folder / "stack.toml").read_text()
    (used.folder / "stack.toml").write_text(
        text.replace("[stack]\n", "[stack]\nsandbox = true\n", 1)
    )
    stack = load_stack(used.folder)
    assert stack.sandbox
    yield stack
    usenet("backup", "schedule", "--remove", "-y", "--stack", used.folder)


def missed(stack: Stack) -> None:
    """Make as if the clock had not run for two days."""
    found = json.loads(schedule_path(stack.folder).read_text())
    found["since"] = time.time() - 2 * DAY
    schedule_path(stack.folder).write_text(json.dumps(found))


def test_a_sandbox_keeps_its_own_time(usenet: Cli, sandbox: Stack) -> None:
    there = ("--stack", str(sandbox.folder))
    made = usenet("backup", "schedule", "--when", "daily", "-y", *there)
    assert made.rc == 0, made
    assert "own" not in made.stderr or "systemd" not in made.stdout
    assert clock_runs(sandbox.folder)
    again = usenet("backup", "clock", *there)
    assert "keeps the schedule" in again.stderr, again
    assert all_backups(sandbox) == []
    missed(sandbox)
    deadline = time.monotonic() + 60
    while last_run(sandbox) is None and time.monotonic() < deadline:
        time.sleep(0.2)
    (path,) = all_backups(sandbox)
    assert read_note(path).verified
    ended = usenet("backup", "schedule", "--remove", "-y", *there)
    assert ended.rc == 0, ended
    assert not clock_runs(sandbox.folder)
    assert read_schedule(sandbox.folder) is None
    assert usenet("backup", "clock", *there).rc == 1


def test_a_clock_that_was_killed_is_told_and_started_again(
    usenet: Cli, sandbox: Stack
) -> None:
    there = ("--stack", str(sandbox.folder))
    assert usenet("backup", "schedule", "-y", *there).rc == 0
    lock = sandbox.folder / ".usenet/clock.lock"
    os.kill(int(lock.read_text()), 9)
    deadline = time.monotonic() + 10
    while clock_runs(sandbox.folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    listed = usenet("backup", "list", *there)
    assert "clock for backups has ended" in listed.stderr, listed
    assert usenet("backup", "schedule", "-y", *there).rc == 0
    assert clock_runs(sandbox.folder)
    assert "has ended" not in usenet("backup", "list", *there).stderr


def test_the_clock_ends_with_its_schedule(usenet: Cli, sandbox: Stack) -> None:
    there = ("--stack", str(sandbox.folder))
    assert usenet("backup", "schedule", "-y", *there).rc == 0
    schedule_path(sandbox.folder).unlink()
    deadline = time.monotonic() + 20
    while clock_runs(sandbox.folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not clock_runs(sandbox.folder)


def test_times_that_the_own_clock_does_not_have(
    usenet: Cli, sandbox: Stack
) -> None:
    there = ("--stack", str(sandbox.folder))
    ran = usenet("backup", "schedule", "--when", "Mon 04:00", "-y", *there)
    assert ran.rc == 2, ran
    assert "hourly" in ran.stderr
    ran = usenet("backup", "schedule", "--copy-to=/none/here", "-y", *there)
    assert ran.rc == 1, ran
    assert not clock_runs(sandbox.folder)
    assert read_schedule(sandbox.folder) is None


def test_a_drill_is_due_every_week_and_after_a_failure(
    sandbox: Stack,
) -> None:
    now = time.time()
    report = report_path(sandbox)
    report.parent.mkdir(exist_ok=True)
    assert drill_is_due(sandbox, now)
    for began, ok, due in (
        (now - 6 * 86400, True, False),
        (now - 7 * 86400, True, True),
        (now - 60, False, True),
    ):
        tried = (Started("sonarr", ok),)
        report.write_bytes(msgspec.json.encode(Report("b", began, tried)))
        assert drill_is_due(sandbox, now) is due
    report.write_text("{")
    assert drill_is_due(sandbox, now)


def test_a_schedule_passes_the_drill_on(usenet: Cli, sandbox: Stack) -> None:
    there = ("--stack", str(sandbox.folder))
    ran = usenet("backup", "schedule", "--cron", "--drill", *there)
    assert "backup run --drill" in ran.stdout, ran
