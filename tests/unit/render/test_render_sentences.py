"""Errors and warnings as sentences; text from elsewhere is harmless."""

import io

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.render.sentences import error_text, warning_text
from usenet_stack.render.terminal import (
    printable,
    speaks_unicode,
    wants_colour,
    width_of,
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_an_error_says_what_why_details_and_the_mend() -> None:
    error = UsenetError(
        "disk.full",
        why="quota",
        details=("line one", "line two"),
        path="/x/y",
        folder="/x",
    )
    assert error_text(error, 80, False) == (
        "error: No space is left for /x/y.\n"
        "  why: quota\n"
        "    line one\n"
        "    line two\n"
        "  fix: Free some space, then run the command again: df -h /x\n"
    )


def test_sentences_wrap_and_what_is_copied_does_not() -> None:
    error = UsenetError(
        "usage", message="word " * 30, hint="usenet " + "x" * 90
    )
    lines = error_text(error, 60, False).splitlines()
    assert all(len(line) <= 60 for line in lines[:-1])
    assert lines[1].startswith("       word")
    assert lines[-1] == "  fix: usenet " + "x" * 90


def test_colour_is_only_colour() -> None:
    error = UsenetError("interrupted", why="odd")
    coloured = error_text(error, 80, True)
    assert "\033[31merror:\033[0m" in coloured
    assert "\033[" not in error_text(error, 80, False)
    assert "\033[" not in warning_text("x", 80, False)


def test_control_characters_from_elsewhere_do_nothing() -> None:
    assert printable("a\033[2Jb\x07\r") == "a\N{REPLACEMENT CHARACTER}[2Jb" + (
        "\N{REPLACEMENT CHARACTER}" * 2
    )
    assert printable("tab\tline\nünï") == "tab\tline\nünï"
    error = UsenetError("interrupted", why="\033]0;title\x07")
    assert "\033" not in error_text(error, 80, False)


@pytest.mark.parametrize(
    ("environ", "no_color", "expected"),
    [
        ({}, False, True),
        ({"TERM": "xterm"}, False, True),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({}, True, False),
    ],
)
def test_when_to_colour(
    environ: dict[str, str], no_color: bool, expected: bool
) -> None:
    assert wants_colour(Terminal(), environ, no_color) is expected
    assert wants_colour(io.StringIO(), environ, no_color) is False


@pytest.mark.parametrize(
    ("columns", "limit", "width"),
    [
        ("", 100, 80),
        ("120", 100, 100),
        ("120", 120, 120),
        ("10", 100, 40),
        ("wide", 100, 80),
        ("0", 100, 80),
    ],
)
def test_width(columns: str, limit: int, width: int) -> None:
    assert width_of(io.StringIO(), {"COLUMNS": columns}, limit) == width


def test_what_an_ascii_stream_can_carry() -> None:
    assert speaks_unicode(Terminal())
    assert not speaks_unicode(io.TextIOWrapper(io.BytesIO(), "ascii"))
