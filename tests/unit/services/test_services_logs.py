"""Which lines of a log are chosen, and in which order they come."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.services.levels import LEVELS, AtLeast, level_of
from usenet_stack.services.logs import LogLine, expression, seconds_of

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

LINES = {
    "[Info] Bootstrap: Starting Sonarr": "info",
    "[Error] DownloadDecisionMaker: failed": "error",
    "[Warn] HttpClient: HTTP Error - Res: 503": "warning",
    "[Debug] Api: [GET] /api/v3/health": "debug",
    "[Trace] Owin: 200": "debug",
    "[Fatal] ConsoleApp: EPIC FAIL": "error",
    "2026-01-02 03:04:05,123::ERROR::[downloader:12] no space": "error",
    "2026-01-02 03:04:05,123::INFO::[x:1] ERROR is a word here": "info",
    "2026-01-02 03:04:05,123::WARNING::[x:1] slow": "warning",
    "2026-01-02 03:04:05,123 - name - ERROR - text": "error",
    "2026-01-02 03:04:05,1 - root (7f) :  DEBUG (init:1) - text": "debug",
    "ERROR:root:text": "error",
    "WARNING - text": "warning",
    '{"time":"x","level":"error","msg":"all info"}': "error",
    '{"level":30,"msg":"error"}': "info",
    '{"severity":"WARNING","message":"x"}': "warning",
    "[03:04:05] [ERR] [12] Jellyfin.Api: text": "error",
    "[03:04:05] [INF] [12] Main: error pages are on": "info",
    'time="2026-01-02T03:04:05Z" level=error msg="info"': "error",
    "time=2026-01-02 comm=netdata level=warning tid=1": "warning",
    "s6-rc: fatal: unable to take locks": "error",
    "s6-rc: info: service legacy-services: starting": "info",
    "s6-supervise: warning: unable to spawn ./run": "warning",
    "[2026-01-02 03:04:05.123] ERR tr-main.cc:12 no": "error",
    "[2026-01-02 03:04:05.123] inf rpc-server.cc:12 yes": "info",
    "2026/01/02 03:04AM WRN github.com/x > text": "warning",
    "2026-01-02T03:04:05Z INFO [vpn] errors: none": "info",
    "2026-01-02T03:04:05.000Z [info][Server]: Commit": "info",
    "[2026-01-02T03:04:05.000] [ERROR] Tdarr_Server - x": "error",
    "Traceback (most recent call last):": "error",
    "ValueError: no number": "error",
    "listening 0.0.0.0:8989": None,
    "0 errors (failed) in /var/log/error.log": None,
    "    at Sonarr.Core.Thing() in error.cs": None,
    "": None,
}


@pytest.mark.parametrize(("text", "level"), LINES.items())
def test_levels_in_the_forms_of_the_applications(
    text: str, level: str | None
) -> None:
    found = level_of(text)
    assert (None if found is None else LEVELS[found]) == level


def line(text: str, seconds: float = 0.0, stream: str = "stdout") -> LogLine:
    time = (BEGAN + timedelta(seconds=seconds)).isoformat()
    return LogLine("sonarr", time, stream, text)


def chosen(level: str, lines: Iterable[LogLine]) -> list[str]:
    fits = AtLeast(level, seconds_of)
    return [each.text for each in lines if fits(each)]


def test_a_stack_trace_belongs_to_the_line_before_it() -> None:
    lines = [
        line("[Info] one"),
        line("   of two lines"),
        line("[Error] it broke", 1),
        line("[v4.0] System.IO.IOException: full", 1),
        line("   at Thing() in a.cs", 1.1),
        line("[Info] going on", 1.2),
        line("   calmly", 1.2),
    ]
    assert chosen("error", lines) == [each.text for each in lines[2:5]]
    assert chosen("info", lines) == [each.text for each in lines]


def test_a_later_or_dated_line_stands_for_itself() -> None:
    lines = [
        line("[Error] it broke"),
        line("2026-01-02 03:04:06 a line with its own time", 0.1),
        line("[Error] again", 1),
        line("listening", 9),
    ]
    assert chosen("warning", lines) == ["[Error] it broke", "[Error] again"]


def test_the_two_streams_are_kept_apart() -> None:
    lines = [
        line("[Error] it broke", 0, "stderr"),
        line("fine here", 0.1, "stdout"),
        line("   at Thing()", 0.1, "stderr"),
    ]
    assert chosen("error", lines) == ["[Error] it broke", "   at Thing()"]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("disk full", "Disk FULL", True),
        ("Disk", "disk", False),
        ("Disk", "the Disk", True),
        (r"\S+ARR", "sonarr", False),
        (r"\Sarr\b", "SONARR x", True),
        ("import(ed|ing)", "Importing x", True),
        ("import(ed|ing)", "imports", False),
        ("", "anything", True),
    ],
)
def test_an_expression_without_a_capital_finds_both_cases(
    pattern: str, text: str, found: bool
) -> None:
    assert bool(expression(pattern).search(text)) is found


def test_a_wrong_expression_is_shown_with_its_place() -> None:
    with pytest.raises(UsenetError) as caught:
        expression("a(b")
    error = caught.value
    assert error.exit_code == 2
    assert "missing )" in error.message
    assert error.details == ("a(b", " ^")
