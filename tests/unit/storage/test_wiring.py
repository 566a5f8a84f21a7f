"""Which folders applications get, as text plans."""

from typing import Any

import pytest

from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.service import MediaType
from usenet_stack.storage.applications import Application
from usenet_stack.storage.wiring import steps_to_add, steps_to_remove
from usenet_stack.transaction import Plan

ROOTS: dict[MediaType, str] = {
    "tv": "/data/media/d/tv",
    "movies": "/data/media/d/movies",
    "music": "/data/media/d/music",
    "books": "/data/media/d/books",
}
CATALOG = load_catalog()


def app(name: str, *paths: str, kept: tuple[str, ...] = ()) -> Application:
    return Application(CATALOG[name], paths, kept)


def lines(steps: list[Any]) -> list[str]:
    text = Plan("x", tuple(steps)).as_text().splitlines()
    return [line[3:] for line in text if line[:1].isdigit()]


def test_each_gets_its_own_kind() -> None:
    found = steps_to_add(
        [app("sonarr"), app("radarr"), app("jellyfin")], ROOTS, 1
    )
    assert lines(found) == [
        "add /data/media/d/tv to sonarr",
        "add /data/media/d/movies to radarr",
        "add /data/media/d/tv to jellyfin",
        "add /data/media/d/movies to jellyfin",
        "add /data/media/d/music to jellyfin",
    ]


@pytest.mark.parametrize("path", ["/data/media/d/tv", "/data/media/d/tv/"])
def test_what_is_there_is_not_added_again(path: str) -> None:
    assert steps_to_add([app("sonarr", path)], ROOTS, 1) == []


def test_only_folders_of_the_drive_are_taken_away() -> None:
    found = steps_to_remove(
        [
            app("sonarr", "/data/media/tv", "/data/media/d/tv"),
            app("radarr", "/data/media/d2/movies", "/data/media/d/movies"),
            app("lidarr", "/data/media/other"),
            app("audiobookshelf", "/data/media/d/books",
                kept=("/data/media/d/books",)),
        ],
        ["/data/media/d"],
        1,
        "it leaves",
    )  # fmt: skip
    assert lines(found) == [
        "take /data/media/d/tv away from sonarr",
        "take /data/media/d/movies away from radarr",
    ]
