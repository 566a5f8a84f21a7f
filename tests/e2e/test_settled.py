"""The fast way of a deploy is taken only when nothing at all changed."""

import fcntl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_process import Cli
from e2e.sandbox_stack import containers, small_stack
from images.build import docker
from usenet_stack.deploy.request import DeployRequest
from usenet_stack.deploy.settled import note_path, settled
from usenet_stack.deploy.summary import KNOWN
from usenet_stack.result import Result

SERVICES = ("sonarr", "samba", "recyclarr")


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, docker_host: str
) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    cli = Cli(home, {"DOCKER_HOST": docker_host})
    folder = home / "settled"
    with (
        small_stack(cli, docker_host, folder, SERVICES),
        pytest.MonkeyPatch.context() as environ,
    ):
        environ.setenv("DOCKER_HOST", docker_host)
        ran = cli("deploy", "--stack", folder, "--yes")
        assert ran.rc == 0, ran
        yield folder


def ask(folder: Path, **options: object) -> Result | None:
    return settled(folder, DeployRequest(folder)._replace(**options))


def project_of(folder: Path) -> str:
    found = ask(folder)
    assert found is not None
    return str(found.data["project"])


def test_an_unchanged_stack_is_settled(stack: Path) -> None:
    found = ask(stack)
    assert found is not None
    states = {row["name"]: row["state"] for row in found.data["services"]}
    assert states == {"sonarr": "ready", "samba": "ready", "recyclarr": "timer"}
    assert found.data["changed"] == 0


def test_both_ways_tell_the_same_and_nothing_of_the_moment(
    stack: Path,
) -> None:
    found = ask(stack)
    assert found is not None
    cli = Cli(stack.parent)
    words = ("--yes", "--format=json", "--services", ",".join(SERVICES))
    whole = cli("deploy", "--stack", stack, *words).json["data"]
    assert whole == found.data
    assert {*whole["services"][0]} == {*KNOWN}
    assert not {"checked_at", "totals"} & {*whole}


@pytest.mark.parametrize(
    "options",
    [
        {"pull": True},
        {"lan": True},
        {"profile": "light"},
        {"services": ("sonarr",)},
        {"group": "sharing"},
        {"dry_run": True},
        {"storage_only": True},
    ],
)
def test_an_option_that_asks_for_more_is_planned(
    stack: Path, options: dict[str, object]
) -> None:
    assert ask(stack, **options) is None


@pytest.mark.parametrize(
    "name",
    ["stack.toml", "compose.yaml", ".env", "compose.override.yaml", "new.toml"],
)
def test_a_changed_file_is_seen(stack: Path, name: str) -> None:
    folder = stack / "services.d" if name == "new.toml" else stack
    folder.mkdir(exist_ok=True)
    path = folder / name
    note = note_path(stack).read_bytes()
    before = path.read_bytes() if path.exists() else None
    path.write_bytes((before or b"") + b"\n")
    assert ask(stack) is None
    # Put back, it is another file all the same: only a deploy settles it.
    if before is None:
        path.unlink()
        assert ask(stack) is not None
        return
    path.write_bytes(before)
    assert ask(stack) is None
    cli = Cli(stack.parent)
    assert cli("deploy", "--stack", stack, "--yes").rc == 0
    assert note_path(stack).read_bytes() != note
    assert ask(stack) is not None


def test_a_folder_that_is_gone_is_seen(stack: Path) -> None:
    folder = stack / "data/media/tv"
    assert not any(folder.iterdir())
    aside = folder.rename(folder.with_name("aside"))
    assert ask(stack) is None
    aside.rename(folder)
    assert ask(stack) is not None


def test_a_mount_that_is_gone_is_seen(stack: Path) -> None:
    data = stack / "data"
    subprocess.run(["mount", "--bind", data, data], check=True)
    assert ask(stack) is None
    subprocess.run(["umount", data], check=True)
    assert ask(stack) is not None


def test_a_run_that_holds_the_lock_is_seen(stack: Path) -> None:
    with (stack / ".usenet/lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert ask(stack) is None
    assert ask(stack) is not None


def test_a_damaged_note_is_no_note(stack: Path) -> None:
    note = note_path(stack)
    content = note.read_bytes()
    for damaged in (b"", b"{}", content[: len(content) // 2], b"[1]"):
        note.write_bytes(damaged)
        assert ask(stack) is None
    note.write_bytes(content)
    assert ask(stack) is not None


def test_a_service_that_answers_wrongly_is_seen(stack: Path) -> None:
    faults = stack / "config/sonarr/.simulator-faults.json"
    faults.write_text('{"status": 500}')
    assert ask(stack) is None
    faults.unlink()
    assert ask(stack) is not None


def test_a_stopped_container_is_seen(stack: Path, docker_host: str) -> None:
    project = project_of(stack)
    for service in SERVICES:
        container = containers(docker_host, project)[service]["Id"]
        docker(docker_host, "pause", container)
        assert ask(stack) is None, service
        docker(docker_host, "unpause", container)
    docker(
        docker_host, "rm", "-f", containers(docker_host, project)["samba"]["Id"]
    )
    assert ask(stack) is None
    assert Cli(stack.parent)("deploy", "--stack", stack, "--yes").rc == 0
    assert ask(stack) is not None
