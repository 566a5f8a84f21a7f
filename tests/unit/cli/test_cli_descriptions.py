"""Every command describes itself completely, and truthfully."""

import shlex
from collections.abc import Iterator

import pytest

from usenet_stack.cli import complete
from usenet_stack.cli.legacy import rewrite
from usenet_stack.cli.manual import page
from usenet_stack.cli.parse import parse
from usenet_stack.cli.registry import ENTRIES, all_commands, load
from usenet_stack.cli.spec import Command, Group
from usenet_stack.errors import ERRORS
from usenet_stack.render.page import Style

TOPICS: list[Group | Command] = [
    *(load(name) for name in ENTRIES),
    *(c for c in all_commands() if " " in c.path),
]
COMMANDS = all_commands()


def path(topic: Group | Command) -> str:
    return topic.path


def shell_words(example: str) -> list[str]:
    """The words of an example up to a redirection."""
    words = shlex.split(example)
    assert words[0] == "usenet"
    return words[1 : words.index(">") if ">" in words else None]


@pytest.mark.parametrize("name", ENTRIES)
def test_the_list_says_what_the_command_says(name: str) -> None:
    topic = load(name)
    assert topic.path == name
    assert topic.summary == ENTRIES[name].summary


@pytest.mark.parametrize("topic", TOPICS, ids=path)
def test_a_topic_has_all_parts_of_its_page(topic: Group | Command) -> None:
    assert topic.description.strip()
    assert topic.examples
    assert topic.see_also
    assert not topic.summary.endswith(".")


@pytest.mark.parametrize("topic", TOPICS, ids=path)
def test_examples_parse_and_are_of_this_command(
    topic: Group | Command,
) -> None:
    for example, text in topic.examples:
        words = shell_words(example)
        assert rewrite(words) == (words, "")
        found = parse(words).topic_path
        assert found == topic.path or found.startswith(f"{topic.path} ")
        assert text.endswith(".")


@pytest.mark.parametrize("topic", TOPICS, ids=path)
def test_what_it_refers_to_is_there(topic: Group | Command) -> None:
    for other in topic.see_also:
        assert parse([*other.split(), "--help"]).topic is not None
        assert other != topic.path
    for code in topic.errors:
        assert code in ERRORS


@pytest.mark.parametrize("command", COMMANDS, ids=path)
def test_only_the_last_argument_takes_many_words(command: Command) -> None:
    assert not any(argument.many for argument in command.arguments[:-1])


@pytest.mark.parametrize("command", COMMANDS, ids=path)
def test_keys_of_a_command_do_not_collide(command: Command) -> None:
    from usenet_stack.cli.registry import GLOBAL_OPTIONS

    keys = [argument.name.lower() for argument in command.arguments]
    names: list[str] = []
    for option in (*command.options, *GLOBAL_OPTIONS):
        keys.append(option.key)
        names.extend(option.names)
    assert len(set(keys)) == len(keys)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("topic", [None, *TOPICS], ids=lambda t: t and t.path)
def test_a_page_fits_its_width(
    topic: Group | Command | None, width: int
) -> None:
    text = page(topic, Style(width))
    # Commands are there to be copied and never broken: those of examples,
    # and those that mend an error, which stand deeper than its sentence.
    copied = ("  usenet ", "      ")
    assert [
        line
        for line in text.splitlines()
        if len(line) > width and not line.startswith(copied)
    ] == []


def test_a_page_has_its_sections_in_order() -> None:
    text = page(load("storage"), Style())
    titles = [line for line in text.splitlines() if line[:1].isupper()]
    known = ["Usage", "Verbs", "Examples", "Common errors", "Global options"]
    assert [t for t in titles if t in (*known, "See also")] == [
        *known,
        "See also",
    ]


def test_common_errors_come_from_the_table_with_their_mend() -> None:
    command = parse(["storage", "add", "--help"]).topic
    text = page(command, Style())
    kind = ERRORS["storage.path"]
    assert kind.message.replace("{path}", "<path>") in text
    assert kind.hint.split("   ")[0] in text


def _leaves(table: dict[str, object]) -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from (f"{name}.{inner}" for inner in _leaves(value))
        else:
            yield name


def test_settings_offered_by_completion_are_those_that_there_are() -> None:
    import msgspec

    from usenet_stack.stack.settings import Settings

    tables = msgspec.to_builtins(Settings())
    free = ("ports", "profiles")
    known = {
        f"{table}.{name}"
        for table, content in tables.items()
        for name in _leaves(content)
        if table not in free
    }
    # What a stack is made of is decided when it is made.
    assert known - {"stack.sandbox"} == set(complete.SETTINGS)


def test_groups_and_profiles_are_those_of_the_catalogue() -> None:
    from usenet_stack.cli.spec import SERVICE_GROUPS
    from usenet_stack.stack.catalog import load_catalog
    from usenet_stack.stack.profiles import profile_names

    assert set(load_catalog().groups()) == set(SERVICE_GROUPS)
    assert set(complete.PROFILES) == set(profile_names(None))
