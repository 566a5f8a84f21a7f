"""Sizes and durations."""

import pytest

from usenet_stack.render.units import counted, duration, share, size


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (10 * 1024, "10 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (1500 * 1024**2, "1.5 GiB"),
        (12 * 1024**4, "12 TiB"),
        (3000 * 1024**5, "3000 PiB"),
    ],
)
def test_size(count: int, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (7800, "2 h 10 min"),
    ],
)
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_counted_and_share() -> None:
    assert counted(1, "service") == "1 service"
    assert counted(0, "entry", "entries") == "0 entries"
    assert share(1, 3) == "33 %"
    assert share(1, 0) == ""
