"""Which command line opens a page, and when none does."""

from pathlib import Path

import pytest

from usenet_stack.cli.services.browser import browser_line

URL = "http://127.0.0.1:8989"


@pytest.fixture
def programs(tmp_path: Path) -> str:
    for name in ("firefox", "xdg-open"):
        (tmp_path / name).touch(mode=0o755)
    return str(tmp_path)


@pytest.mark.parametrize("display", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_desktop_opens_its_browser(programs: str, display: str) -> None:
    environ = {display: ":0", "PATH": programs}
    assert browser_line(URL, environ) == [f"{programs}/xdg-open", URL]


@pytest.mark.parametrize(
    ("browser", "line"),
    [
        ("firefox", ["firefox", URL]),
        ("firefox --new-window", ["firefox", "--new-window", URL]),
        ("firefox --url=%s", ["firefox", f"--url={URL}"]),
        ("absent:firefox", ["firefox", URL]),
    ],
)
def test_the_users_choice_comes_first(
    programs: str, browser: str, line: list[str]
) -> None:
    environ = {"DISPLAY": ":0", "PATH": programs, "BROWSER": browser}
    assert browser_line(URL, environ) == line


@pytest.mark.parametrize("browser", ["absent", "'", ":"])
def test_a_choice_that_is_not_there(programs: str, browser: str) -> None:
    environ = {"DISPLAY": ":0", "PATH": programs, "BROWSER": browser}
    assert browser_line(URL, environ) == [f"{programs}/xdg-open", URL]


def test_no_desktop_no_browser(programs: str) -> None:
    environ = {"PATH": programs, "BROWSER": "firefox"}
    assert browser_line(URL, environ) is None
    assert browser_line(URL, environ | {"DISPLAY": ""}) is None
    assert browser_line(URL, {"DISPLAY": ":0", "PATH": "/nowhere"}) is None
