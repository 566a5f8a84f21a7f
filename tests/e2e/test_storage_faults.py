"""Whatever fails while a drive joins, all is as it was before."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from docker_engine import until
from images.build import docker
from pool_stack import FAULTS, KEEPERS, Sandbox, deployed, free_ports, tree
from usenet_stack.apps.jellyfin import Jellyfin
from usenet_stack.apps.registry import open_app
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.storage import plan_add, plan_remove
from usenet_stack.transaction import (
    Context,
    Operation,
    Plan,
    Step,
    open_session,
)
from usenet_stack.transaction.journal import Journal, journals
from usenet_stack.transaction.operation import Before

pytestmark = pytest.mark.timeout(600)

# Where each application is asked to add a folder; Jellyfin and
# Audiobookshelf change a library that they have, or make one.
PATHS = {
    "sonarr": "/rootfolder",
    "radarr": "/rootfolder",
    "lidarr": "/rootfolder",
    "readarr": "/rootfolder",
    "jellyfin": "/Library/VirtualFolders",
    "audiobookshelf": "/api/libraries",
}
CHANGES = dict.fromkeys(KEEPERS, "POST") | {"audiobookshelf": "PATCH"}
DUPLICATE = (
    '[{"propertyName":"Path","errorMessage":"Path is already configured as a '
    'root folder","attemptedValue":"x","severity":"error"}]'
)
FAULT: dict[str, dict[str, Any]] = {
    "hangs up": {"reset": True},
    "times out": {"hang": True},
    "401": {"status": 401},
    "400 duplicate": {"status": 400, "body": DUPLICATE},
    "409": {"status": 409},
    "500": {"status": 500},
    "503": {"status": 503},
    "garbage": {"garbage": True},
    "reset after it was applied": {"reset": True, "after_apply": True},
    "500 after it was applied": {"status": 500, "after_apply": True},
    "silent after it was applied": {"hang": True, "after_apply": True},
    "garbage after it was applied": {"garbage": True, "after_apply": True},
    "half an answer": {"short_body": True},
    "applied late": {"latency_ms": 1400},
}


@pytest.fixture(scope="module")
def sandbox(
    docker_host: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """A stack whose applications have one drive already."""
    home = tmp_path_factory.mktemp("faults")
    with deployed(home, docker_host) as found:
        first = home / "first"
        first.mkdir()
        assert found.run("add", first).rc == 0
        yield found


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    options = "size=8m,uid=1000,gid=1000"
    command = ["mount", "-t", "tmpfs", "-o", options, "none", path]
    subprocess.run(command, check=True)
    (path / "film").write_text("x")
    yield path
    subprocess.run(["umount", path], check=True)


def last_journal(sandbox: Sandbox) -> Journal:
    return Journal.open(journals(sandbox.folder)[-1])


def faults(service: str, **fault: Any) -> dict[str, Any]:
    method = CHANGES[service]
    return {"path": PATHS[service], "method": method, **fault}


@pytest.mark.parametrize("name", FAULT)
@pytest.mark.parametrize("service", KEEPERS)
def test_a_change_that_fails_is_undone_everywhere(
    sandbox: Sandbox, disk: Path, service: str, name: str
) -> None:
    fault = FAULT[name]
    if name == "half an answer" and service == "jellyfin":
        # It answers 204 without a body: there is nothing to cut in half.
        fault = {**fault, "status": 200}
    before = sandbox.world(disk)
    sandbox.tell(service, FAULTS, faults(service, **fault))
    try:
        failed = sandbox.run("add", disk, "--timeout", "1")
    finally:
        sandbox.tell(service, FAULTS, None)
    assert failed.rc == 13, failed
    (error,) = failed.json["errors"]
    assert error["code"] == "transaction.rolled-back"
    assert service in str(error), error
    assert sandbox.world(disk) == before
    journal = last_journal(sandbox)
    assert journal.outcome == "rolled-back"
    (undoing,) = [r for r in journal.records if r["event"] == "undoing"]
    assert service in undoing["reason"]


@pytest.mark.parametrize("service", KEEPERS)
def test_a_refused_connection_is_undone_everywhere(
    sandbox: Sandbox, disk: Path, service: str
) -> None:
    """The checks find it well; when its turn comes its port is closed."""
    before = sandbox.world(disk)
    plan = plan_add(sandbox.stack, disk)
    settings = sandbox.folder / "stack.toml"
    text = settings.read_text()
    (closed,) = free_ports(1)
    port = sandbox.stack.address(sandbox.stack.resolve(service))
    assert port is not None
    settings.write_text(
        text.replace(f"{service} = {port[1]}\n", f"{service} = {closed}\n")
    )
    try:
        with (
            open_session(sandbox.folder, "test") as session,
            pytest.raises(UsenetError) as caught,
        ):
            session.run(plan)
    finally:
        settings.write_text(text)
    error = caught.value
    assert error.exit_code == 13, error
    assert service in str(error.as_dict())
    assert f"nothing listens on port {closed}" in str(error.as_dict())
    assert sandbox.world(disk) == before
    (undoing,) = [
        record
        for record in last_journal(sandbox).records
        if record["event"] == "undoing"
    ]
    assert service in undoing["reason"]


@pytest.mark.parametrize("service", KEEPERS)
def test_a_look_that_fails_is_undone_everywhere(
    sandbox: Sandbox, disk: Path, service: str
) -> None:
    """The check before the plan succeeds, the plan's own look fails once."""
    before = sandbox.world(disk)
    for status in (401, 500):
        sandbox.tell(
            service, FAULTS,
            [
                {"path": PATHS[service], "method": "GET", "count": count,
                 "latency_ms": 0, **fault}
                for count, fault in ((1, {}), (1, {"status": status}))
            ],
        )  # fmt: skip
        try:
            failed = sandbox.run("add", disk, "--timeout", "1")
        finally:
            sandbox.tell(service, FAULTS, None)
        assert failed.rc in (1, 12, 13), failed
        assert service in str(failed.json["errors"])
        assert sandbox.world(disk) == before


@pytest.mark.parametrize("service", KEEPERS)
def test_a_removal_that_fails_is_undone_everywhere(
    sandbox: Sandbox, disk: Path, service: str
) -> None:
    added = sandbox.run("add", disk)
    assert added.rc == 0, added
    before = sandbox.world(disk)
    method = "PATCH" if service == "audiobookshelf" else "DELETE"
    for fault in ({"status": 500}, {"reset": True, "after_apply": True}):
        spec = {"path": PATHS[service], "method": method, **fault}
        sandbox.tell(service, FAULTS, {**spec, "count": 3})
        try:
            failed = sandbox.run("remove", "disk", "--timeout", "2")
        finally:
            sandbox.tell(service, FAULTS, None)
        # A DELETE is repeated: what was applied is gone at the second try.
        assert failed.rc in (0, 13), failed
        if failed.rc == 0:
            assert sandbox.run("add", disk).rc == 0
        assert sandbox.world(disk) == before, fault
    assert sandbox.run("remove", "disk").rc == 0


class Scans(Operation, frozen=True):
    """A step that notes how Jellyfin scans, and fails."""

    kind: ClassVar[str] = "testing.scans"

    def describe(self) -> str:
        return "look how Jellyfin scans"

    def do(self, context: Context, before: Before) -> None:
        path = context.stack_folder / ".usenet/seen.json"
        path.write_text(json.dumps(scans(context.stack_folder)))
        raise UsenetError("app.unreachable", service="x", reason="a test")

    def undo(self, context: Context, before: Before) -> None:
        """Looking changed nothing."""


def scans(folder: Path) -> list[Any]:
    """Return the libraries that watch their folders, and the triggers."""
    stack = load_stack(folder)
    service = stack.resolve("jellyfin")
    app = open_app(stack, service, read_env(folder), 10)
    assert isinstance(app, Jellyfin)
    with app:
        return [app.realtime(), app.scan_triggers()]


def test_jellyfin_does_not_scan_while_a_drive_leaves(
    sandbox: Sandbox, disk: Path
) -> None:
    assert sandbox.run("add", disk).rc == 0
    before, world = scans(sandbox.folder), sandbox.world(disk)
    assert all(before)  # there is something to pause
    plan = plan_remove(sandbox.stack, "disk")
    told = [step.operation.describe() for step in plan.steps]
    paused = told.index("pause the scans of jellyfin while disk is away")
    assert all("take" not in each for each in told[:paused])
    assert told[-1].startswith("let jellyfin scan as before")
    steps = (*plan.steps[:-1], Step(Scans(), "a test"))
    with (
        open_session(sandbox.folder, "test") as session,
        pytest.raises(UsenetError) as caught,
    ):
        session.run(Plan(plan.command, steps))
    assert caught.value.exit_code == 13
    seen = sandbox.folder / ".usenet/seen.json"
    assert json.loads(seen.read_text()) == [[], []]
    assert (scans(sandbox.folder), sandbox.world(disk)) == (before, world)
    assert sandbox.run("remove", "disk").rc == 0
    assert scans(sandbox.folder)[1] == before[1]
    assert not (sandbox.folder / ".usenet/paused.json").exists()


class Fail(Operation, frozen=True):
    """A step that always fails."""

    kind: ClassVar[str] = "testing.fail"

    def describe(self) -> str:
        return "fail"

    def do(self, context: Context, before: Before) -> None:
        raise UsenetError("app.unreachable", service="x", reason="a test")

    def undo(self, context: Context, before: Before) -> None:
        """Nothing happened."""


def test_a_failure_after_any_step_puts_all_back(
    sandbox: Sandbox, disk: Path
) -> None:
    before = sandbox.world(disk)
    for made in (plan_add, plan_remove):
        if made is plan_remove:
            assert sandbox.run("add", disk).rc == 0
            before = sandbox.world(disk)
            plan = plan_remove(sandbox.stack, "disk")
        else:
            plan = plan_add(sandbox.stack, disk)
        for count in range(len(plan.steps) + 1):
            steps = (*plan.steps[:count], Step(Fail(), "a test"))
            cut = Plan(plan.command, steps)
            with (
                open_session(sandbox.folder, "test") as session,
                pytest.raises(UsenetError) as caught,
            ):
                session.run(cut)
            assert caught.value.exit_code == 13, (made, count)
            assert sandbox.world(disk) == before, (made, count)
    assert sandbox.run("remove", "disk").rc == 0


def has_begun(journal: Journal, service: str) -> bool:
    """Tell whether a plan's own step of a service has begun."""
    steps = journal.plan().steps
    return any(
        getattr(steps[record["step"]].operation, "service", "") == service
        for record in journal.records
        if record["event"] == "begin"
    )


@pytest.mark.parametrize(
    ("end", "begin"), [("pause", "unpause"), ("kill", "start")]
)
def test_an_application_that_dies_in_the_middle_leaves_exact_steps(
    sandbox: Sandbox, disk: Path, end: str, begin: str
) -> None:
    """It dies after it added the folder: nobody can take it away now.

    Paused it does not answer, killed its port refuses.
    """
    before = sandbox.world(disk)
    container = sandbox.identities()["sonarr"][0]
    known = len(journals(sandbox.folder))
    fault = {"path": PATHS["sonarr"], "method": "POST", "hang": True,
             "after_apply": True}  # fmt: skip
    sandbox.tell("sonarr", FAULTS, fault)

    def kill_when_asked() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            new = journals(sandbox.folder)[known:]
            if new and has_begun(Journal.open(new[0]), "sonarr"):
                break
            time.sleep(0.02)
        else:
            return
        docker(sandbox.host, end, container)

    killer = threading.Thread(target=kill_when_asked)
    killer.start()
    try:
        failed = sandbox.run("add", disk, "--timeout", "1")
    finally:
        killer.join()
        sandbox.tell("sonarr", FAULTS, None)
        docker(sandbox.host, begin, container)
    until(sandbox.folders, (UsenetError, OSError))
    assert failed.rc in (13, 14), failed
    if failed.rc == 14:
        (error,) = failed.json["errors"]
        assert "/data/media/disk/tv" in str(error["details"])
        assert last_journal(sandbox).outcome == "rollback-failed"
        recovered = sandbox.cli(
            "journal", "recover", "--stack", sandbox.folder, "--yes",
            env={"DOCKER_HOST": sandbox.host},
        )  # fmt: skip
        assert recovered.rc == 0, recovered
    assert sandbox.world(disk) == before


def test_a_drive_that_fills_up_in_the_middle(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """It has room for the check, and no inode for the folders."""
    path = tmp_path / "few"
    path.mkdir()
    options = "size=8m,nr_inodes=4,uid=1000,gid=1000"
    command = ["mount", "-t", "tmpfs", "-o", options, "none", path]
    subprocess.run(command, check=True)
    try:
        before = sandbox.world(path)
        failed = sandbox.run("add", path)
        assert failed.rc == 13, failed
        assert sandbox.world(path) == before
        assert tree(path) == []
    finally:
        subprocess.run(["umount", path], check=True)


def test_two_at_once_do_not_meet(sandbox: Sandbox, tmp_path: Path) -> None:
    names = ("left", "right")
    for name in names:
        (tmp_path / name).mkdir()
    before = sandbox.folders()
    processes = [
        sandbox.cli.start(
            "storage", "add", tmp_path / name, "--stack", sandbox.folder,
            "--format", "json", env={"DOCKER_HOST": sandbox.host},
        )
        for name in names
    ]  # fmt: skip
    codes = sorted(process.wait(60) for process in processes)
    for process in processes:
        process.communicate()
    assert codes in ([0, 11], [0, 0])
    for name in sandbox.run("status").json["data"]["drives"]:
        if name["name"] in names:
            assert sandbox.run("remove", name["name"]).rc == 0
    assert sandbox.folders() == before
