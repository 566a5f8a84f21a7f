"""What matters to a service, as short clauses."""

from typing import Any

import pytest

from usenet_stack.render.figures import ago, clauses, fitted, per_second


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"queue": 3, "warnings": 0, "errors": 0, "version": "4"}, "3 queued"),
        (
            {"queue": 0, "errors": 1, "warnings": 2},
            "0 queued, 1 error, 2 warnings",
        ),
        (
            {"status": "paused", "queue": 4, "down_bytes_s": 0},
            "paused, 4 queued",
        ),
        ({"status": "idle", "queue": 0, "down_bytes_s": 0}, "0 queued"),
        (
            {
                "active": 2,
                "torrents": 9,
                "down_bytes_s": 1_200_000,
                "up_bytes_s": 300_000,
            },
            "2 active, down 1.2 MB/s, up 300 kB/s",
        ),
        ({"torrents": 9}, "9 torrents"),
        ({"indexers": 6, "indexers_up": 5}, "5/6 indexers"),
        ({"indexers": 6}, "6/6 indexers"),
        ({"streams": 1, "transcodes": 0, "gpu": 0}, "1 stream"),
        (
            {"streams": 3, "transcodes": 2, "gpu": 1, "movies": 9},
            "3 streams, 1 on the GPU, 2 transcoding",
        ),
        ({"gpu": 1}, "1 on the GPU"),
        ({"pending": 2, "requests": 40}, "2 pending"),
        ({"missing_episodes": 10, "missing_movies": 2}, "12 without subtitles"),
        ({"clients": 1}, "1 client"),
        ({"clients": 3}, "3 clients"),
        ({"last_run": 100}, "last run 2 h ago"),
        ({"alarms_warning": 1, "alarms_critical": 0}, "1 alarm"),
        ({"libraries": 2, "version": "2"}, "2 libraries"),
        ({"version": "2.23"}, "version 2.23"),
        ({"another": 7}, ""),
        # What an application sends instead of a number is no number.
        ({"queue": "many", "version": ""}, ""),
        ({}, ""),
    ],
)
def test_clauses(figures: dict[str, Any], said: str) -> None:
    assert ", ".join(clauses(figures, 7400)) == said


@pytest.mark.parametrize(
    ("width", "said"),
    [(30, "aaa, bbb, ccc"), (8, "aaa, bbb"), (7, "aaa"), (2, "a~")],
)
def test_the_first_that_fit(width: int, said: str) -> None:
    found = ["aaa", "bbb", "ccc"]
    assert fitted(found, width, lambda text: text[: width - 1] + "~") == said


def test_nothing_fits_into_nothing() -> None:
    assert fitted([], 10, str) == ""


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0, "0 B/s"),
        (999, "999 B/s"),
        (999.6, "1 kB/s"),
        (300_000, "300 kB/s"),
        (999_960, "1 MB/s"),
        (1_240_000, "1.2 MB/s"),
        (12_400_000, "12 MB/s"),
        (1_500_000_000, "1.5 GB/s"),
    ],
)
def test_rates(rate: float, said: str) -> None:
    assert per_second(rate) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7199, "1 h ago"),
        (3 * 86400, "3 d ago"),
    ],
)
def test_how_long_ago(seconds: float, said: str) -> None:
    assert ago(seconds) == said
