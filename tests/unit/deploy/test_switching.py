"""Switching services on and off in the text of stack.toml."""

from pathlib import Path

import pytest

from usenet_stack.deploy.switching import Switch, switched_text
from usenet_stack.stack.settings import parse_settings

PATH = Path("/nowhere/stack.toml")
TEXT = """\
# mine
[services]
enable = [
    "plex",  # the family wants it
    "homepage",
]
disable = ["sab", "tdarr"]  # too slow
"""


def switched(on: bool, *names: str, text: str = TEXT) -> tuple[str, ...]:
    changed = switched_text(Switch(names, on), PATH, text)
    table = parse_settings(changed, PATH).services
    return (" ".join(table.enable), " ".join(table.disable))


@pytest.mark.parametrize(
    ("on", "name", "enable", "disable"),
    [
        (True, "gluetun", "plex homepage gluetun", "sab tdarr"),
        (True, "tdarr", "plex homepage", "sab"),
        # Known by an older name in the file.
        (True, "sabnzbd", "plex homepage", "tdarr"),
        (True, "sonarr", "plex homepage", "sab tdarr"),
        (True, "plex", "plex homepage", "sab tdarr"),
        (False, "plex", "homepage", "sab tdarr"),
        (False, "sonarr", "plex homepage", "sab tdarr sonarr"),
        (False, "sabnzbd", "plex homepage", "sab tdarr"),
        (False, "gluetun", "plex homepage", "sab tdarr"),
    ],
)
def test_a_service_stands_in_the_list_that_it_needs(
    on: bool, name: str, enable: str, disable: str
) -> None:
    assert switched(on, name) == (enable, disable)


def test_what_is_so_already_leaves_the_text_alone() -> None:
    assert switched_text(Switch(("plex", "sonarr"), True), PATH, TEXT) == TEXT


def test_comments_stay() -> None:
    text = switched_text(Switch(("homepage", "tdarr"), False), PATH, TEXT)
    assert text == TEXT.replace('    "homepage",\n', "")
    text = switched_text(Switch(("tdarr",), True), PATH, TEXT)
    assert text == TEXT.replace(', "tdarr"', "")


def test_a_file_without_the_table_gets_it() -> None:
    assert switched(True, "plex", text="") == ("plex", "")
