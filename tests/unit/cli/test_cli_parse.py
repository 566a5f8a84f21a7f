"""From words to a call: globals anywhere, values, what is missing."""

import pytest

from usenet_stack.cli.call import Call
from usenet_stack.cli.parse import parse, wants_json
from usenet_stack.errors import UsenetError


def refused(*words: str) -> UsenetError:
    with pytest.raises(UsenetError) as caught:
        parse(words)
    assert caught.value.exit_code == 2
    return caught.value


def facts(call: Call) -> tuple[object, ...]:
    return (
        call.topic_path,
        call.verbose,
        call.quiet,
        call.dry_run,
        call.yes,
        call.json,
        call.profile,
        call.stack_folder,
        call.flag("no_color"),
        call.text("path"),
        call.text("name"),
    )


GLOBALS = (
    ["--verbose"],
    ["-v"],
    ["-vv"],
    ["--quiet"],
    ["-q"],
    ["--dry-run"],
    ["-n"],
    ["--yes"],
    ["-y"],
    ["-ny"],
    ["--profile", "light"],
    ["--profile=light"],
    ["--format", "json"],
    ["--format=json"],
    ["--no-color"],
    ["--stack", "/srv/tv"],
    ["--stack=/srv/tv"],
)


@pytest.mark.parametrize("options", GLOBALS, ids=" ".join)
def test_global_options_mean_the_same_anywhere(options: list[str]) -> None:
    command = ["storage", "add", "/mnt/x", "--name", "films"]
    without = facts(parse(command))
    places = [
        facts(parse([*command[:at], *options, *command[at:]]))
        for at in (0, 1, 2, 3, 5)
    ]
    assert len(set(places)) == 1
    assert places[0] != without


def test_verbose_counts_over_all_its_places() -> None:
    assert parse(["-v", "hardware", "-v", "list", "--verbose"]).verbose == 3


def test_values_keep_their_kinds() -> None:
    call = parse(["services", "logs", "sonarr", "radarr", "--tail=20", "-f"])
    assert call.names("name") == ("sonarr", "radarr")
    assert call.number("tail", 100) == 20
    assert call.flag("follow")
    assert call.text("since") == ""


def test_lists_take_commas_and_repetition() -> None:
    words = ["deploy", "--services", "sonarr,radarr", "--services=seerr,sonarr"]
    assert parse(words).names("services") == ("sonarr", "radarr", "seerr")


def test_a_value_may_look_like_an_option_after_equals() -> None:
    call = parse(["services", "logs", "x", "--grep=--yes"])
    assert call.text("grep") == "--yes"
    assert not call.yes


def test_two_dashes_end_the_options() -> None:
    call = parse(["storage", "remove", "--", "-v"])
    assert call.text("name") == "-v"
    assert call.verbose == 0


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["sonarr", "ls", "-la", "--yes"], ("ls", "-la", "--yes")),
        (["sonarr", "--", "ls", "-v"], ("ls", "-v")),
        (["sonarr", "-v", "ls", "-v", "--", "x"], ("ls", "-v", "--", "x")),
        (["-q", "sonarr", "sh", "-c", "a a"], ("sh", "-c", "a a")),
        (["sonarr", "echo", "a", "a"], ("echo", "a", "a")),
        (["--", "sonarr", "--help"], ("--help",)),
    ],
)
def test_exec_leaves_the_program_its_words(
    words: list[str], program: tuple[str, ...]
) -> None:
    call = parse(["services", "exec", *words])
    assert call.text("name") == "sonarr"
    assert call.line("command") == program
    assert not call.yes and not call.flag("help")


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_help_is_understood_anywhere_and_excuses_what_is_missing(
    flag: str, at: int
) -> None:
    words = ["storage", "add"]
    call = parse([*words[:at], flag, *words[at:]])
    assert call.flag("help")
    assert call.topic_path == "storage add"


@pytest.mark.parametrize(
    ("words", "near", "among"),
    [
        (["storge"], "`storage`", "deploy"),
        (["STORAGE"], "`storage`", "deploy"),
        (["storage", "ad"], "`add`", "remove"),
        (["services", "stat"], "`status`", "start"),
        (["services", "list", "--gruop", "x"], "`--group`", "--dry-run"),
        (["--formt", "json"], "`--format`", "--stack"),
        (["hardware", "list", "--format=jsn"], "`json`", "text"),
        (["services", "list", "--group", "medai"], "`media`", "extra"),
        (["completion", "bsh"], "`bash`", "fish"),
    ],
    ids=" ".join,
)
def test_an_unknown_word_names_the_nearest_and_lists_all(
    words: list[str], near: str, among: str
) -> None:
    error = refused(*words)
    assert f"Did you mean {near}?" in error.message
    assert among in " ".join(error.details)
    assert error.hint.startswith("usenet ")


@pytest.mark.parametrize("word", ["xyzzy", ""])
def test_a_word_far_from_everything_suggests_nothing(word: str) -> None:
    error = refused(word)
    assert "Did you mean" not in error.message
    assert f"There is no command `{word}`." in error.message


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["storage", "add"], "needs PATH"),
        (["config", "set", "stack.bind"], "needs VALUE"),
        (["services", "exec", "sonarr"], "needs COMMAND"),
        (["services", "start"], "needs NAME, --group or --all"),
        (["storage", "add", "/a", "/b"], "takes no word `/b`"),
    ],
    ids=" ".join,
)
def test_what_is_missing_or_too_much_shows_usage_and_an_example(
    words: list[str], says: str
) -> None:
    error = refused(*words)
    command = " ".join(words[:2])
    assert error.message == f"`usenet {command}` {says}."
    usage, example = error.details
    assert usage.startswith(f"Usage: usenet {command} ")
    assert example.startswith(f"Example: usenet {command} ")
    assert error.hint == f"usenet {command} --help"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--format"], "--format needs a value: text|json."),
        (["deploy", "--services"], "--services needs a value: A,B."),
        (["deploy", "--profile", "--", "x"], "--profile needs a value: NAME."),
        (["--yes=no", "deploy"], "--yes takes no value."),
        (
            ["services", "logs", "x", "--tail", "many"],
            "--tail needs a whole number: not `many`.",
        ),
        (
            ["services", "logs", "x", "--tail=-5"],
            "--tail needs a whole number: not `-5`.",
        ),
    ],
    ids=" ".join,
)
def test_wrong_values_are_told(words: list[str], says: str) -> None:
    assert refused(*words).message == says


def test_an_option_of_a_verb_before_the_verb_is_explained() -> None:
    error = refused("services", "--follow", "logs", "x")
    assert "write it after the verb" in error.message
    assert error.hint == "usenet services logs --help"


def test_an_unknown_short_option_is_refused_inside_a_cluster() -> None:
    assert "`-z`" in refused("deploy", "-nz").message


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["x", "--format", "json"], True),
        (["--format=json", "y"], True),
        (["--format", "text"], False),
        (["services", "exec", "a", "--", "--format=json"], False),
        (["--format"], False),
    ],
)
def test_json_is_found_in_words_that_do_not_parse(
    words: list[str], wanted: bool
) -> None:
    assert wants_json(words) is wanted
