"""`services enable` and `disable` on a real stack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_process import Cli, Ran
from e2e.sandbox_stack import identities, small_stack

SERVICES = ("prowlarr", "sonarr")
# Its page never is what it should be.
BROKEN = """\
group = "extra"
image = "example/broken:1"
ports = [{ container = 8099, host = 38099 }]
[health]
text = "never"
limit_seconds = 2
"""


class Deployed:
    """A small stack that is up."""

    def __init__(self, cli: Cli, host: str, folder: Path, project: str) -> None:
        self.cli = cli
        self.host = host
        self.folder = folder
        self.project = project

    def __call__(self, *words: str) -> Ran:
        return self.cli(f"--stack={self.folder}", *words)

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def running(self) -> dict[str, tuple[str, str]]:
        return identities(self.host, self.project)


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, docker_host: str
) -> Iterator[Deployed]:
    home = tmp_path_factory.mktemp("switch")
    cli = Cli(home, {"DOCKER_HOST": docker_host})
    folder = home / "switch"
    with small_stack(cli, docker_host, folder, SERVICES) as project:
        deployed = Deployed(cli, docker_host, folder, project)
        path = folder / "stack.toml"
        path.write_text(f"# mine\n{path.read_text()}")
        ran = deployed("deploy", "--yes")
        assert ran.rc == 0, ran
        yield deployed


def test_a_service_goes_off_and_on_again(stack: Deployed) -> None:
    before = stack.running()
    ran = stack("services", "disable", "prowlarr", "--format=json")
    assert ran.rc == 0, ran
    (row,) = ran.json["data"]["services"]
    assert (row["name"], row["state"]) == ("prowlarr", "off")
    texts = [message["text"] for message in ran.json["messages"]]
    assert any(text.startswith("sonarr needs prowlarr") for text in texts)
    assert any(str(stack.folder / "config/prowlarr") in t for t in texts)
    assert stack.running() == {"sonarr": before["sonarr"]}
    assert (stack.folder / "config/prowlarr").is_dir()
    assert "prowlarr" not in stack.text("compose.yaml")

    ran = stack("services", "enable", "prowlarr", "--format=json")
    assert ran.rc == 0, ran
    (row,) = ran.json["data"]["services"]
    assert row["state"] == "ready" and row["url"].startswith("http://")
    assert stack.running()["sonarr"] == before["sonarr"]
    assert stack.text("stack.toml").startswith("# mine\n")
    # As after any deploy, nothing is left to do.
    ran = stack("deploy", "--dry-run", "--format=json")
    assert ran.json["data"]["plan"] == []


def test_what_is_on_already_stays_as_it_is(stack: Deployed) -> None:
    before = stack.running()
    ran = stack("services", "enable", "sonarr")
    assert ran.rc == 0
    assert "sonarr: on already; nothing had to change." in ran.stdout
    assert stack.running() == before


def test_one_that_does_not_get_well_leaves_no_trace(stack: Deployed) -> None:
    own = stack.folder / "services.d" / "broken.toml"
    own.parent.mkdir(exist_ok=True)
    own.write_text(BROKEN)
    before = stack.running()
    texts = [stack.text(name) for name in ("stack.toml", "compose.yaml")]
    ran = stack("services", "enable", "broken", "tdarr", "--format=json")
    assert ran.rc == 13, ran
    (error,) = ran.json["errors"]
    assert error["code"] == "transaction.rolled-back"
    assert error["hint"].startswith("usenet services enable broken tdarr")
    # Its container is gone: what it wrote is in the error.
    assert any("broken wrote: listening" in line for line in error["details"])
    assert stack.running() == before
    now = [stack.text(name) for name in ("stack.toml", "compose.yaml")]
    assert now == texts


def test_a_dry_run_changes_nothing(stack: Deployed) -> None:
    before = stack.running(), stack.text("stack.toml")
    ran = stack("services", "disable", "sonarr", "--dry-run")
    assert ran.rc == 0
    assert "remove the containers of sonarr" in ran.stdout
    assert (stack.running(), stack.text("stack.toml")) == before


def test_errors_name_the_mend(stack: Deployed) -> None:
    ran = stack("services", "enable", "plx")
    assert ran.rc == 2 and "did you mean plex" in ran.stderr
    ran = stack("services", "enable", "gluetun")
    assert ran.rc == 1 and "WIREGUARD_PRIVATE_KEY" in ran.stderr
    assert "usenet services enable gluetun" in ran.stderr
    ran = stack("services", "start", "plex")
    assert ran.rc == 1 and "fix: usenet services enable plex" in ran.stderr
