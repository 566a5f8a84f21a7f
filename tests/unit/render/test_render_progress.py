"""The display of a running plan, plain and live."""

import io
import re
import time
from pathlib import Path

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.render.logs import line_text
from usenet_stack.render.progress import amount, open_display
from usenet_stack.transaction import Observer, Plan, Step
from usenet_stack.transaction.files import MakeFolder


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def step(name: str) -> Step:
    return Step(MakeFolder(Path(name)), f"{name} is needed")


PLAN = Plan("deploy", (step("/a"), step("/b")))


def play(display: Observer) -> None:
    display.plan(PLAN)
    display.step_started(0, 2, PLAN.steps[0])
    display.progress("sonarr", 5 * 1024**2, 10 * 1024**2, "bytes")
    display.step_finished(0, PLAN.steps[0], "done", 0.01)
    display.step_started(1, 2, PLAN.steps[1])
    display.warning("a disk is slow")
    display.step_finished(1, PLAN.steps[1], "failed", 12.0)
    display.step_finished(0, PLAN.steps[0], "undone", 0.01)


def test_plain_lines_for_a_pipe() -> None:
    stream = io.StringIO()
    with open_display(stream, {}) as display:
        play(display)
    assert stream.getvalue().splitlines() == [
        "deploy: 2 steps",
        "[1/2] create folder /a",
        "[2/2] create folder /b",
        "warning: a disk is slow",
        "      failed after 12 s",
        "[1/2] undone: create folder /a",
    ]


def test_verbose_lines_add_causes_and_progress() -> None:
    stream = io.StringIO()
    with open_display(stream, {}, verbose=1) as display:
        play(display)
    lines = stream.getvalue().splitlines()
    assert "      why: /a is needed" in lines
    assert "      sonarr 5.0 MiB of 10 MiB" in lines


def test_a_dumb_terminal_gets_plain_lines() -> None:
    stream = Terminal()
    with open_display(stream, {"TERM": "dumb"}) as display:
        play(display)
    assert "\033" not in stream.getvalue()


def test_an_empty_plan_says_nothing() -> None:
    stream = io.StringIO()
    with open_display(stream, {}) as display:
        display.plan(Plan("deploy", ()))
    assert stream.getvalue() == ""


def text(stream: io.StringIO) -> str:
    return re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", stream.getvalue())


def test_the_live_display_lists_what_took_time_or_failed() -> None:
    stream = Terminal()
    with open_display(stream, {"TERM": "xterm"}, no_color=True) as display:
        play(display)
    shown = text(stream)
    assert "create folder /b  12 s" in shown
    assert "warning: a disk is slow" in shown
    assert "\N{CHECK MARK} create folder /a" not in shown


def test_the_live_display_ends_when_the_work_fails() -> None:
    stream = Terminal()
    with (
        pytest.raises(UsenetError),
        open_display(stream, {"TERM": "xterm"}) as display,
    ):
        display.plan(PLAN)
        display.step_started(0, 2, PLAN.steps[0])
        raise UsenetError("interrupted")
    # The cursor, which rich hides while it draws, is shown again.
    assert stream.getvalue().rindex("\033[?25h") > stream.getvalue().rindex(
        "\033[?25l"
    )


def test_the_live_display_counts_a_plan_that_ends_well() -> None:
    stream = Terminal()
    with open_display(stream, {"TERM": "xterm"}) as display:
        display.plan(PLAN)
        for index, one in enumerate(PLAN.steps):
            display.step_started(index, 2, one)
            display.step_finished(index, one, "done", 0.01)
    assert "2 steps done in" in text(stream)


@pytest.mark.parametrize(
    ("done", "total", "unit", "shown"),
    [
        (3, 19, "services", "3 of 19 services"),
        (512, None, "B", "512 B"),
        (1024, 2048, "bytes", "1.0 KiB of 2.0 KiB"),
        (None, None, "", ""),
        (2, 3, "", "2 of 3"),
    ],
)
def test_amount(
    done: int | None, total: int | None, unit: str, shown: str
) -> None:
    assert amount(done, total, unit) == shown


def test_log_lines_lose_colours_and_control_characters() -> None:
    raw = "\033[32mInfo\033[0m ok\033]0;title\x07 \x08done\r\n"
    assert line_text("sonarr", raw, 0) == (
        "Info ok \N{REPLACEMENT CHARACTER}done\n"
    )
    assert line_text("sonarr", "x", 8) == "sonarr   x\n"
    assert line_text("sonarr", "x", 8, 36) == "\033[36msonarr  \033[0m x\n"


def test_what_is_quick_shows_warnings_only() -> None:
    stream = Terminal()
    environ = {"TERM": "xterm", "NO_COLOR": "1"}
    with open_display(stream, environ, no_color=True, after_s=60) as display:
        play(display)
    assert stream.getvalue() == "warning: a disk is slow\n"


def test_the_display_appears_after_a_while_with_what_was_done() -> None:
    stream = Terminal()
    with open_display(stream, {"TERM": "xterm"}, after_s=0.1) as display:
        display.plan(PLAN)
        display.step_started(0, 2, PLAN.steps[0])
        display.step_finished(0, PLAN.steps[0], "done", 1.0)
        display.step_started(1, 2, PLAN.steps[1])
        until_shown(stream, "[2/2]")
    shown = stream.getvalue()
    assert "create folder /a" in shown and "create folder /b" in shown


def until_shown(stream: io.StringIO, text: str) -> None:
    end = time.monotonic() + 10
    while text not in stream.getvalue():
        assert time.monotonic() < end
        time.sleep(0.02)


class Vanished(Terminal):
    """A terminal whose window was closed."""

    def write(self, _text: str) -> int:
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("after_s", [0.0, 60.0])
def test_the_work_goes_on_without_its_terminal(after_s: float) -> None:
    with open_display(Vanished(), {}, verbose=1, after_s=after_s) as display:
        play(display)
        display.step_finished(1, PLAN.steps[1], "done", 1.0)
