"""kill -9 of an update after each record: all old, or all new."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from killing import run_killed

from cli_process import Cli
from docker_engine import engine_socket
from registry.server import Image, Registry
from registry.stack import BAD, Deployed, deployed, good, shell_image, tree
from usenet_stack.transaction.journal import Journal, journals

# What the new image writes at its start shows whose settings are there.
MARKS = "echo {version} > /config/version"


@pytest.fixture
def stack(
    usenet: Cli, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Deployed]:
    host = f"unix://{engine_socket()}"
    cli = Cli(usenet.home, {"DOCKER_HOST": host})
    folder = tmp_path / f"killed{os.getpid()}"
    with (
        Registry() as registry,
        deployed(cli, host, folder, registry, ("alpha",), free_port) as found,
    ):
        config = found.config("alpha")
        (config / "keep").mkdir()
        (config / "keep/deep").write_text("of the user")
        yield found


def killed_at_each_record(
    stack: Deployed, image: Callable[[int], Image]
) -> Iterator[tuple[int, int, str]]:
    """Update and kill, then settle; yield number, exit code, old image.

    The last one was not killed.
    """
    words = ["services", "update", "alpha", f"--stack={stack.folder}"]
    for number in count(1):
        old = stack.runs("alpha")
        stack.registry.push("alpha", image(number))
        environ = stack.cli.environment()
        found = run_killed(words, after_record=number, env=environ)
        ran = stack("journal", "recover")
        assert ran.rc == 0, (number, ran)
        assert found.code in (-9, 0, 13), found
        paths = journals(stack.folder)
        assert all(Journal.open(path).finished for path in paths)
        assert not list((stack.folder / ".usenet/journal").glob("*.kept"))
        assert stack.runs("alpha") == stack.named("alpha"), number
        states = stack("services", "list", "--format=json", "--fresh").json
        (row,) = states["data"]["services"]
        assert row["state"] == "ready", number
        yield number, found.code, old
        if not found.killed:
            return


@pytest.mark.timeout(600)
def test_killed_update_that_goes_well(stack: Deployed) -> None:
    config = stack.config("alpha")
    seen: list[bool] = []

    def image(number: int) -> Image:
        version = f"v{number}"
        return good(version, MARKS.format(version=version))

    before = tree(config)
    for number, code, old in killed_at_each_record(stack, image):
        last = code
        updated = stack.runs("alpha") != old
        seen.append(updated)
        if updated:
            assert (config / "version").read_text() == f"v{number}\n"
        else:
            assert tree(config) == before, number
        before = tree(config)
    # Killed behind its end record it is done; before that it goes back.
    assert last == 0
    assert seen == [False] * (number - 2) + [True, True]
    assert number > 10


@pytest.mark.timeout(600)
def test_killed_update_that_is_put_back(stack: Deployed) -> None:
    config = stack.config("alpha")
    before = tree(config)

    def image(number: int) -> Image:
        return shell_image(f"{BAD}# {number}\n")

    for number, code, old in killed_at_each_record(stack, image):
        last = code
        assert stack.runs("alpha") == old, number
        assert tree(config) == before, number
    assert last == 13
    assert number > 12
