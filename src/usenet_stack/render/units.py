"""Sizes, durations and times, written one way everywhere."""

_STEPS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(count: int | float) -> str:
    """Return bytes for people: "512 B", "1.4 GiB", "12 TiB".

    Two digits that matter; binary units, as the memory and the file systems
    are counted.
    """
    value, unit = float(count), 0
    while abs(value) >= 1023.5 and unit < len(_STEPS) - 1:
        value /= 1024
        unit += 1
    if unit == 0 or abs(value) >= 9.95:
        return f"{value:.0f} {_STEPS[unit]}"
    return f"{value:.1f} {_STEPS[unit]}"


def duration(seconds: float) -> str:
    """Return a length of time: "0.4 s", "12 s", "3 min 5 s", "2 h 10 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def age(seconds: float) -> str:
    """Return how long ago, roughly: "12 s", "3 h", "5 d"."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def share(part: float, whole: float) -> str:
    """Return a percentage, or "" of nothing."""
    return f"{100 * part / whole:.0f} %" if whole else ""


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return "1 service", "19 services"."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
