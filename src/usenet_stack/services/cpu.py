"""How much processor time a container takes: per cent of one core.

Source: docker/cli, `docker stats`: 100 per cent is one core, fully used.
"""

from pathlib import Path
from typing import Any, NamedTuple

from usenet_stack.services.control_groups import ROOT, version_1, version_2

CONTROLLERS = ("cpuacct", "cpu,cpuacct")


class Reading(NamedTuple):
    """What a container had used at one moment.

    Args:
        nanoseconds: of processor time since it started.
        at: `time.monotonic`.
    """

    nanoseconds: int
    at: float


def cpu_of(container: str, root: Path = ROOT) -> int | None:
    """Return the nanoseconds of processor time that a container has used.

    Args:
        container: its whole id.

    Returns: None when it does not run, or its control group is elsewhere.
    """
    for folder in version_2(container, root):
        try:
            return _in_table((folder / "cpu.stat").read_text())
        except (OSError, LookupError, ValueError):
            continue
    for folder in version_1(container, CONTROLLERS, root):
        try:
            return int((folder / "cpuacct.usage").read_text())
        except (OSError, ValueError):
            continue
    return None


def _in_table(text: str) -> int:
    for line in text.splitlines():
        name, _, number = line.partition(" ")
        if name == "usage_usec":
            return int(number) * 1000
    raise LookupError("usage_usec")


def cpu_in_sample(sample: dict[str, Any]) -> int | None:
    """Return the same from what the Engine tells: `Engine.stats`."""
    used = (sample.get("cpu_stats") or {}).get("cpu_usage") or {}
    return int(used["total_usage"]) if used.get("total_usage") else None


def percent(before: Reading | None, after: Reading | None) -> float | None:
    """Return per cent of one core between two readings, to one decimal.

    Returns: None when one is missing, or it was started again between.
    """
    if before is None or after is None or after.at <= before.at:
        return None
    used = after.nanoseconds - before.nanoseconds
    if used < 0:
        return None
    return round(used / (after.at - before.at) / 1e7, 1)
