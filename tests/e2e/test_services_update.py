"""`usenet services update`: a real Engine, a local registry."""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli_process import Cli
from images.build import docker
from registry.server import Registry, shell_image
from registry.stack import Deployed, bad, deployed, good, tree
from usenet_stack.docker.engine import Engine
from usenet_stack.stack.model import load_stack
from usenet_stack.transaction.journal import Journal, journals
from usenet_stack.update.containers import bring_back


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as found:
        yield found


@pytest.fixture
def stack(
    usenet: Cli,
    docker_host: str,
    registry: Registry,
    free_port: Callable[[], int],
    tmp_path: Path,
) -> Iterator[Deployed]:
    """Return a stack with the services alpha and beta."""
    cli = Cli(usenet.home, {"DOCKER_HOST": docker_host})
    folder = tmp_path / f"update{os.getpid()}"
    names = ("alpha", "beta")
    with deployed(
        cli, docker_host, folder, registry, names, free_port
    ) as found:
        yield found


def furnish(config: Path) -> None:
    """Give settings all that a copy has to keep."""
    (config / "keep").mkdir(mode=0o700)
    (config / "keep/deep").write_text("of the user")
    os.chown(config / "keep/deep", 1234, 4321)
    os.link(config / "keep/deep", config / "again")
    (config / "link").symlink_to("keep/deep")
    os.setxattr(config / "again", "user.note", b"kept")
    os.utime(config / "keep", (1_700_000_000, 1_700_000_000))


def outcomes(stack: Deployed) -> list[str]:
    """Return how the journals of updates ended, oldest first."""
    found = map(Journal.open, journals(stack.folder))
    return [j.outcome for j in found if j.plan().command == "services update"]


def test_check_shows_both_digests_and_pulls_nothing(
    stack: Deployed, registry: Registry
) -> None:
    before = stack.rows()
    assert {row["status"] for row in before.values()} == {"current"}
    old = before["alpha"]["digest"]
    new = registry.push("alpha", good("two"))

    row = stack.rows("alpha")["alpha"]
    assert (row["status"], row["digest"], row["available"]) == (
        *("new", old),
        new,
    )
    assert row["changelog"] == "https://example.org/alpha"
    assert row["created"].startswith("2026-01-02")
    assert row["age_seconds"] > 0 and row["running"] is True
    held = docker(stack.host, "image", "ls", "--digests", "--no-trunc")
    assert old in held and new not in held
    assert outcomes(stack) == []
    shown = stack("services", "update", "--check")
    assert shown.rc == 0
    assert new[7:19] in shown.stdout and old[7:19] in shown.stdout
    assert "https://example.org/alpha" in shown.stdout


def test_dry_run_prints_the_steps(stack: Deployed, registry: Registry) -> None:
    registry.push("alpha", good("two"))
    ran = stack("services", "update", "--all", "--dry-run")
    assert ran.rc == 0, ran
    assert re.search(
        r"pull .*alpha.*stop alpha.*settings of alpha.*recreate alpha",
        ran.stdout,
        re.DOTALL,
    )
    assert "beta" not in ran.stdout and outcomes(stack) == []


def test_good_update_runs_the_new_image_on_the_old_settings(
    stack: Deployed, registry: Registry
) -> None:
    furnish(stack.config("alpha"))
    before = tree(stack.config("alpha"))
    old, other = stack.runs("alpha"), stack.container("beta")["Id"]
    digest = registry.push("alpha", good("two"))

    ran = stack.update("alpha")
    assert ran.rc == 0, ran
    (row,) = ran.json["data"]["services"]
    assert (row["outcome"], row["state"]) == ("updated", "ready")
    new = stack.runs("alpha")
    assert new != old and stack.named("alpha") == new
    assert tree(stack.config("alpha")) == before
    assert stack.container("beta")["Id"] == other
    assert outcomes(stack) == ["committed"]
    (journal,) = ran.json["data"]["journals"]
    assert journal == Journal.open(journals(stack.folder)[-1]).id
    kept = f"usenet-previous:{stack.project}.alpha"
    assert docker(stack.host, "image", "inspect", "-f", "{{.Id}}", kept) == old
    record = json.loads((stack.folder / ".usenet/images.json").read_bytes())
    assert record["alpha"]["digest"].endswith(digest)
    assert not list((stack.folder / ".usenet/journal").glob("*.kept"))

    # Nothing is left to do, for update and deploy alike.
    assert stack.update("--all").json["data"]["journals"] == []
    again = stack("deploy", "--yes", "--format=json")
    assert (again.rc, again.json["data"]["changed"]) == (0, 0)
    assert stack.runs("alpha") == new


def test_image_that_never_gets_well_is_put_back_with_its_settings(
    stack: Deployed, registry: Registry
) -> None:
    furnish(stack.config("alpha"))
    before = tree(stack.config("alpha"))
    old = stack.runs("alpha")
    registry.push("alpha", bad())

    ran = stack.update("alpha")
    assert ran.rc == 13, ran
    (error,) = ran.json["errors"]
    assert error["code"] == "transaction.rolled-back"
    assert "recreate alpha" in error["message"]
    assert "cannot migrate the database" in error["details"]
    assert "https://example.org/alpha" in error["hint"]
    (row,) = ran.json["data"]["services"]
    assert (row["outcome"], row["state"]) == ("rolled-back", "ready")
    assert stack.runs("alpha") == stack.named("alpha") == old
    assert tree(stack.config("alpha")) == before
    assert outcomes(stack) == ["rolled-back"]
    (journal,) = ran.json["data"]["journals"]
    told = stack("journal", "show", journal)
    assert "did not get well" in told.stdout, told
    assert not list((stack.folder / ".usenet/journal").glob("*.kept"))
    again = stack("deploy", "--yes", "--format=json")
    assert (again.rc, stack.runs("alpha")) == (0, old)
    shown = stack("services", "update", "alpha")
    assert (shown.rc, "put back" in shown.stdout) == (13, True), shown


def test_all_with_one_bad_one_updates_the_others(
    stack: Deployed, registry: Registry
) -> None:
    old = stack.runs("alpha"), stack.runs("beta")
    registry.push("alpha", bad())
    registry.push("beta", good("two"))
    ran = stack.update("--all")
    assert ran.rc == 3, ran
    found = {row["name"]: row for row in ran.json["data"]["services"]}
    assert found["alpha"]["outcome"] == "rolled-back"
    assert found["beta"]["outcome"] == "updated"
    assert stack.runs("alpha") == old[0] and stack.runs("beta") != old[1]
    assert outcomes(stack) == ["rolled-back", "committed"]


def test_pinned_one_stays(stack: Deployed, registry: Registry) -> None:
    digest = stack.rows()["alpha"]["digest"]
    pin = f"{registry.address}/alpha@{digest}"
    file = stack.folder / "services.d/alpha.toml"
    name = registry.reference("alpha")
    file.write_text(file.read_text().replace(name, pin))
    assert stack("deploy", "--yes").rc == 0
    before = stack.container("alpha")["Id"]
    registry.push("alpha", good("two"))

    ran = stack.update("alpha")
    assert ran.rc == 0, ran
    (row,) = ran.json["data"]["services"]
    assert (row["status"], row["outcome"]) == ("pinned", "")
    assert "pinned" in stack("services", "update", "alpha").stdout
    assert stack.container("alpha")["Id"] == before


def test_without_its_registry_nothing_is_touched(
    stack: Deployed, registry: Registry
) -> None:
    before = stack.container("alpha"), stack.container("beta")
    registry.close()
    rows = stack.rows()
    assert {row["status"] for row in rows.values()} == {"unknown"}
    assert "connection refused" in rows["alpha"]["reason"]
    ran = stack.update("--all")
    assert ran.rc == 1, ran
    assert [e["code"] for e in ran.json["errors"]] == ["update.registry"] * 2
    ids = [seen["Id"] for seen in before]
    assert ids == [stack.container(n)["Id"] for n in ("alpha", "beta")]
    assert outcomes(stack) == []


def test_what_is_not_deployed_yet_is_refused(
    stack: Deployed, registry: Registry
) -> None:
    """The way back could not take out what the user changed meanwhile."""
    before = stack.container("alpha")["Id"]
    registry.push("alpha", good("two"))
    override = stack.folder / "compose.override.yaml"
    override.write_text("services: {alpha: {environment: {NEW: '1'}}}\n")
    ran = stack.update("--all")
    assert ran.rc == 1, ran
    (error,) = ran.json["errors"]
    assert error["code"] == "update.not-deployed"
    assert stack.container("alpha")["Id"] == before
    assert stack("deploy", "--yes").rc == 0
    assert stack.update("--all").rc == 0


def test_one_without_a_port_has_to_stay(
    stack: Deployed, registry: Registry
) -> None:
    """What ends at once may look well for a moment."""
    file = stack.folder / "services.d/alpha.toml"
    text = file.read_text().replace('path = "/version"', 'kind = "container"')
    file.write_text(text)
    assert stack("deploy", "--yes").rc == 0
    old = stack.runs("alpha")
    registry.push("alpha", shell_image("exit 7"))
    ran = stack.update("alpha")
    assert (ran.rc, stack.runs("alpha")) == (13, old), ran
    (error,) = ran.json["errors"]
    assert re.search(r"(Ended|Keeps ending)", error["why"]), error


SLOW = """\
B=/bin/busybox
trap '$B sleep 2; exit 0' TERM
$B mkdir -p /www
echo slow > /www/version
$B httpd -f -p 8080 -h /www &
wait $!
"""


def test_the_way_back_waits_for_a_stop_that_a_killed_run_asked_for(
    stack: Deployed, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Engine goes on with it: what seems to run ends a moment later."""
    monkeypatch.setenv("DOCKER_HOST", stack.host)
    registry.push("alpha", shell_image(SLOW))
    file = stack.folder / "services.d/alpha.toml"
    text = file.read_text().replace("stop_seconds = 2", "stop_seconds = 20")
    file.write_text(text)
    assert stack("deploy", "--pull", "--yes").rc == 0
    seen = stack.container("alpha")
    before = {"container": seen["Id"], "image": seen["Image"]}
    spare = docker(
        stack.host,
        *("create", "--name", f"{stack.project}-spare"),
        *(f"--label={k}={v}" for k, v in seen["Config"]["Labels"].items()),
        seen["Image"],
    ).strip()
    killed = threading.Thread(target=Engine().stop, args=(seen["Id"],))
    killed.start()
    time.sleep(0.5)

    name = registry.reference("alpha")
    bring_back(load_stack(stack.folder), "alpha", name, before, start=True)
    killed.join()
    assert stack.container("alpha")["Id"] == before["container"]
    assert stack.runs("alpha") == before["image"]
    listed = docker(stack.host, "ps", "-aq", "--no-trunc")
    assert spare not in listed


SLEEPER = "trap 'exit 0' TERM; /bin/busybox sleep 1000 & wait $! # {}"
GUEST = """\
title = "Guest"
group = "download"
image = "{image}"
stop_seconds = 2
health = {{ kind = "container" }}
"""


def test_those_in_its_network_follow(
    stack: Deployed, registry: Registry
) -> None:
    def is_attached() -> bool:
        mode = stack.container("beta")["HostConfig"]["NetworkMode"]
        host = stack.container("alpha")["Id"]
        assert mode == f"container:{host}"
        return bool(stack.runs("beta"))

    registry.push("beta", shell_image(SLEEPER.format("one")))
    file = stack.folder / "services.d/beta.toml"
    file.write_text(GUEST.format(image=registry.reference("beta")))
    settings = stack.folder / "stack.toml"
    settings.write_text(settings.read_text() + 'network.beta = "alpha"\n')
    ran = stack("deploy", "--pull", "--yes", "--format=json")
    assert ran.rc == 0 and is_attached(), ran

    registry.push("alpha", good("two"))
    assert stack.update("alpha").rc == 0
    assert is_attached()
    registry.push("alpha", bad())
    assert stack.update("alpha").rc == 13
    assert is_attached()
    old = stack.runs("beta")
    registry.push("beta", shell_image(SLEEPER.format("two")))
    ran = stack.update("beta")
    assert ran.rc == 0, ran
    assert is_attached() and stack.runs("beta") != old


def test_stopped_one_stays_stopped(stack: Deployed, registry: Registry) -> None:
    old = stack.container("alpha")["Image"]
    assert stack("services", "stop", "alpha").rc == 0
    registry.push("alpha", good("two"))
    ran = stack.update("alpha")
    assert ran.rc == 0, ran
    (row,) = ran.json["data"]["services"]
    assert (row["outcome"], row["state"]) == ("updated", "stopped")
    seen = stack.container("alpha")
    assert seen["Image"] != old and not seen["State"]["Running"]
    assert stack("services", "start", "alpha").rc == 0


def test_services_with_one_image_go_together(
    usenet: Cli,
    docker_host: str,
    registry: Registry,
    free_port: Callable[[], int],
    tmp_path: Path,
) -> None:
    cli = Cli(usenet.home, {"DOCKER_HOST": docker_host})
    folder = tmp_path / f"shared{os.getpid()}"
    with deployed(
        cli, docker_host, folder, registry, ("one",), free_port, ("twin",)
    ) as stack:
        old = stack.runs("one")
        assert stack.runs("twin") == old
        registry.push("one", bad())
        assert stack.update("one").rc == 13
        assert stack.runs("one") == stack.runs("twin") == old
        registry.push("one", good("two"))
        ran = stack.update("twin")
        assert ran.rc == 0, ran
        assert stack.runs("one") == stack.runs("twin") != old


def test_deploy_with_pull_takes_the_newest(
    stack: Deployed, registry: Registry
) -> None:
    old = stack.runs("alpha")
    first = registry.requests["GET blobs"]
    assert first >= 2
    registry.push("alpha", good("two"))
    plain = stack("deploy", "--yes", "--format=json")
    assert (plain.rc, stack.runs("alpha")) == (0, old)
    ran = stack("deploy", "--pull", "--yes", "--format=json")
    assert ran.rc == 0, ran
    assert stack.runs("alpha") != old
    assert registry.requests["GET blobs"] > first


def test_deploy_with_pull_leaves_what_runs_when_the_registry_is_gone(
    stack: Deployed, registry: Registry
) -> None:
    before = stack.runs("alpha"), stack.runs("beta")
    registry.close()
    ran = stack("deploy", "--pull", "--yes", "--format=json")
    assert ran.rc == 3, ran
    assert [e["code"] for e in ran.json["errors"]] == ["deploy.images-missing"]
    assert before == (stack.runs("alpha"), stack.runs("beta"))
