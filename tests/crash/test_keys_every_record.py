"""kill -9 of a rotation after each record: all old or all new, and agreed."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import sleep

import pytest
from killing import run_killed

from docker_engine import engine_socket, until
from e2e.linked_stack import Linked, linked_stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.transaction.journal import Journal, journals

SERVICES = ("sabnzbd", "prowlarr", "sonarr", "bazarr", "recyclarr")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Linked]:
    home = tmp_path_factory.mktemp("crash")
    host = f"unix://{engine_socket()}"
    with linked_stack(home, host, SERVICES) as linked:
        yield linked


def assert_agreed(stack: Linked, where: object) -> None:
    """Assert that application, `.env` and holders have the same key."""
    rows = stack("keys", "list", "--format=json").json["data"]["keys"]
    said = {row["service"]: (row["accepted"], row["agrees"]) for row in rows}
    assert set(said.values()) == {("accepted", True)}, (where, said)
    key = stack.key("sonarr")
    bazarr = stack.good("bazarr", "GET", "/api/system/settings")
    assert bazarr["sonarr"]["apikey"] == key, where
    text = stack.folder.joinpath("config/recyclarr/recyclarr.yml").read_text()
    assert f"api_key: {key} " in text, where
    passes = stack.provider_passes
    assert passes("prowlarr", "/api/v1/applications", "Sonarr"), where
    assert passes("sonarr", "/api/v3/downloadclient", "SABnzbd"), where


def secrets_left(stack: Linked, *keys: str) -> list[Path]:
    """Return the files of the program that hold one of some keys."""
    found = (stack.folder / ".usenet").rglob("*")
    texts = {path: path.read_text() for path in found if path.is_file()}
    return [
        path for path, text in texts.items() if any(key in text for key in keys)
    ]


def assert_settled(
    stack: Linked, old: str, written: bytes, where: object
) -> None:
    """Assert that the journal's outcome is what `.env` shows."""
    found = [Journal.open(path) for path in journals(stack.folder)]
    assert all(journal.finished for journal in found), where
    env = (stack.folder / ".env").read_bytes()
    if found[-1].outcome == "committed":
        assert old.encode() not in env, where
    else:
        assert found[-1].outcome == "rolled-back", where
        assert env == written, where


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["sonarr", "bazarr", "sabnzbd"])
def test_killed_after_every_record_of_a_rotation(
    stack: Linked, name: str
) -> None:
    environ = stack.cli.environment()
    words = ["keys", "rotate", name, "--yes", f"--stack={stack.folder}"]
    for number in count(1):
        old, written = stack.key(name), (stack.folder / ".env").read_bytes()
        found = run_killed(words, after_record=number, env=environ)
        if not found.killed:
            break
        between = stack.key(name)
        kept = secrets_left(stack, old, between)
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)
        assert not any(path.suffix == ".jsonl" for path in kept), number

        recovered = stack("journal", "recover")
        assert recovered.rc == 0, (number, recovered)
        assert_agreed(stack, number)
        after = stack.key(name)
        assert_settled(stack, old, written, number)
        assert secrets_left(stack, old, between, after) == [], number
        boxes = stack.containers().values()
        assert all(box["State"]["Running"] for box in boxes), number
    assert found.code == 0, found
    assert stack.key(name) != old
    assert_agreed(stack, "the end")
    assert number > (8 if name == "sonarr" else 3)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "tenths"), [("sonarr", (1, 2, 3, 4, 7)), ("bazarr", (1, 4))]
)
def test_killed_in_the_middle_of_a_step(
    stack: Linked, name: str, tenths: tuple[int, ...]
) -> None:
    """While containers are replaced, or stopped for their file."""
    words = ("keys", "rotate", name, "--yes", f"--stack={stack.folder}")
    for tenth in tenths:
        service = stack.stack.catalog[name]
        secret = service.key.secret
        old, written = stack.key(name), (stack.folder / ".env").read_bytes()
        running = stack.cli.start(*words)
        until(lambda: changed(stack, secret, old), LookupError)  # noqa: B023
        sleep(tenth * 0.1)
        running.kill()
        running.communicate()
        recovered = stack("journal", "recover")
        assert recovered.rc == 0, (tenth, recovered)
        assert_agreed(stack, tenth)
        assert_settled(stack, old, written, tenth)
        boxes = stack.containers().values()
        assert all(box["State"]["Running"] for box in boxes), tenth


def changed(stack: Linked, secret: str, old: str) -> None:
    """Raise LookupError until `.env` has another key."""
    if read_env(stack.folder)[secret].reveal() == old:
        raise LookupError(secret)
