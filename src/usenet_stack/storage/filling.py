"""When a drive will be full, from how full it was."""

from typing import NamedTuple

DAY_S = 86400.0
# One note for each day of the last two months.
KEPT = 60
APART_S = 0.8 * DAY_S


class Sample(NamedTuple):
    """How full a drive was.

    Args:
        at: seconds since the epoch; `used` and `size` in bytes.
    """

    at: float
    used: int
    size: int


class Forecast(NamedTuple):
    """Where the use of a drive leads to.

    Args:
        bytes_per_day: how fast it grows; negative when it shrinks.
        full_in_days: None when it does not grow.
    """

    bytes_per_day: float
    full_in_days: float | None


def forecast(samples: list[Sample]) -> Forecast | None:
    """Return where a drive's use leads: a straight line through it.

    Args:
        samples: in any order; those of another size than the newest one
            (a drive that was exchanged or grown) do not count.

    Returns: None without samples of at least three days.
    """
    ordered = sorted(samples)
    same = [s for s in ordered if s.size == ordered[-1].size]
    if len(same) < 3 or same[-1].at - same[0].at < 3 * DAY_S:
        return None
    days = [sample.at / DAY_S for sample in same]
    middle = sum(days) / len(days)
    mean = sum(sample.used for sample in same) / len(same)
    slope = sum(
        (day - middle) * (sample.used - mean)
        for day, sample in zip(days, same, strict=True)
    ) / sum((day - middle) ** 2 for day in days)
    if slope <= 0:
        return Forecast(slope, None)
    last = same[-1]
    return Forecast(slope, max(0.0, (last.size - last.used) / slope))


def keep(samples: list[Sample], new: Sample) -> list[Sample]:
    """Return the history with a new sample: one a day, the newest."""
    older = [s for s in sorted(samples) if s.at < new.at]
    if len(older) > 1 and new.at - older[-2].at < APART_S:
        older.pop()
    return [*older, new][-KEPT:]
