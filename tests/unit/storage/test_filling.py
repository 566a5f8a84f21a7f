"""When a drive will be full."""

from itertools import pairwise

from usenet_stack.storage.filling import DAY_S, KEPT, Sample, forecast, keep


def days(*used: int, size: int = 1000) -> list[Sample]:
    return [Sample(day * DAY_S, each, size) for day, each in enumerate(used)]


def test_a_steady_pace() -> None:
    found = forecast(days(100, 200, 300, 400))
    assert found is not None
    assert round(found.bytes_per_day) == 100
    assert found.full_in_days is not None
    assert round(found.full_in_days, 3) == 6


def test_the_order_is_no_matter() -> None:
    samples = days(100, 250, 300, 420)
    assert forecast(samples[::-1]) == forecast(samples)


def test_a_drive_that_empties_never_gets_full() -> None:
    found = forecast(days(400, 300, 200, 100))
    assert found is not None
    assert found.full_in_days is None


def test_a_drive_that_stays_equal_never_gets_full() -> None:
    found = forecast(days(4, 4, 4, 4))
    assert found is not None
    assert found.full_in_days is None


def test_too_little_is_known() -> None:
    assert forecast([]) is None
    assert forecast(days(1, 2, 3)) is None
    assert forecast([Sample(0, 1, 9), Sample(9 * DAY_S, 2, 9)]) is None


def test_another_drive_in_its_place_starts_anew() -> None:
    old, new = days(900, 910, 920, 930), days(0, 1, size=5000)
    moved = [Sample(s.at + 9 * DAY_S, s.used, s.size) for s in new]
    assert forecast([*old, *moved]) is None


def test_one_sample_a_day_is_kept() -> None:
    kept: list[Sample] = []
    for hour in range(24 * 100):
        kept = keep(kept, Sample(hour * 3600.0, hour, 5000))
    assert len(kept) == KEPT
    assert kept[-1].used == 24 * 100 - 1
    gaps = [b.at - a.at for a, b in pairwise(kept)]
    assert min(gaps[:-1]) > 0.7 * DAY_S


def test_a_clock_set_back_drops_the_future() -> None:
    kept = keep([Sample(100.0, 1, 9), Sample(900.0, 2, 9)], Sample(500.0, 3, 9))
    assert [sample.at for sample in kept] == [100.0, 500.0]
