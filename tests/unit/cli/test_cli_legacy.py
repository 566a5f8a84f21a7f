"""Old spellings: what each becomes, and what the user is told."""

import pytest

from usenet_stack.cli import legacy
from usenet_stack.cli.parse import parse
from usenet_stack.cli.registry import ENTRIES

TABLE = [
    ("--storage discover", "storage list"),
    ("--storage=discover", "storage list"),
    ("--storage add /mnt/x", "storage add /mnt/x"),
    ("--hardware detect", "hardware list"),
    ("--hardware list", "hardware list"),
    ("--backup create", "backup create"),
    ("storage discover --all", "storage list --all"),
    ("hardware detect", "hardware list"),
    ("setup --auto", "deploy --auto"),
    ("start sonarr", "services start sonarr"),
    ("start", "services start --all"),
    ("stop -q", "services stop --all -q"),
    ("stop --group media", "services stop --group media"),
    ("restart --all", "services restart --all"),
    ("logs sonarr -f", "services logs sonarr -f"),
    ("status", "services list"),
    ("update", "services update --all"),
    ("update sonarr", "services update sonarr"),
    ("update --check", "services update --all --check"),
    ("manage", "services"),
    ("-v --format json --storage discover", "-v --format json storage list"),
    ("--stack /x --no-color status", "--stack /x --no-color services list"),
    ("--format=json status", "--format=json services list"),
]


@pytest.mark.parametrize(("old", "new"), TABLE)
def test_an_old_spelling_becomes_the_new_one(old: str, new: str) -> None:
    words, told = legacy.rewrite(old.split())
    assert " ".join(words) == new
    assert "is an old spelling" in told
    assert "\n" not in told


def test_the_line_names_what_to_write() -> None:
    _, told = legacy.rewrite(["--storage", "discover", "--all"])
    assert told == (
        "`usenet --storage discover` is an old spelling: "
        "write `usenet storage list` from now on."
    )


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["deploy"],
        ["storage", "list"],
        ["services", "start", "status"],
        ["services", "logs", "--grep", "--storage"],
        ["--profile", "setup", "deploy"],
        ["--stack", "status"],
        ["--", "status-of-nothing"],
    ],
    ids=" ".join,
)
def test_what_is_current_stays(words: list[str]) -> None:
    assert legacy.rewrite(words) == (words, "")


def test_every_new_spelling_is_a_command_that_there_is() -> None:
    for words in (*legacy.VERBS.values(), *legacy.COMMANDS.values()):
        assert parse([*words, "--help"]).topic is not None


def test_no_old_command_hides_a_current_one() -> None:
    assert not set(legacy.COMMANDS) & set(ENTRIES)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("services keys", "keys"),
        ("services keys list -v", "keys list -v"),
        (
            "--stack /x services keys rotate sonarr",
            "--stack /x keys rotate sonarr",
        ),
        ("services logs keys", "services logs keys"),
    ],
)
def test_an_alias_is_taken_without_a_word(words: str, meant: str) -> None:
    assert legacy.rewrite(words.split()) == (meant.split(), "")
