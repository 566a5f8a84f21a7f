"""What matters to a service, as short clauses: "3 queued", "1 stream"."""

from collections.abc import Callable, Iterator, Mapping

Figure = int | float | str
Figures = Mapping[str, Figure]

# The first that fit are shown, so what matters most comes first.
_COUNTS = (
    ("queue", "queued", "queued"),
    ("streams", "stream", "streams"),
    ("transcodes", "transcoding", "transcoding"),
    ("workers", "worker", "workers"),
    ("pending", "pending", "pending"),
    ("clients", "client", "clients"),
    ("alarms_critical", "critical alarm", "critical alarms"),
    ("alarms_warning", "alarm", "alarms"),
    ("errors", "error", "errors"),
    ("warnings", "warning", "warnings"),
    ("wanted", "wanted", "wanted"),
)
# Told only when there is any: nothing of these is as it should be.
_RARE = (
    "transcodes",
    "workers",
    "alarms_critical",
    "errors",
    "warnings",
)
# What a service has, told when nothing happens to it.
_HOLDINGS = (
    ("movies", "film", "films"),
    ("series", "series", "series"),
    ("libraries", "library", "libraries"),
    ("requests", "request", "requests"),
    ("processed", "processed", "processed"),
    ("users", "user", "users"),
)
_STEPS = ((86400, "d"), (3600, "h"), (60, "min"))


def clauses(figures: Figures, now: float) -> list[str]:
    """Return what to show of a service, the most important first.

    Args:
        figures: by their standard names; those without one are left out.
        now: seconds since 1970.
    """
    found = [*_transfers(figures), *_indexers(figures), *_counts(figures)]
    found += _subtitles(figures)
    if gpu := _number(figures, "gpu"):
        found.insert(1, f"{gpu:g} on the GPU")
    last = _number(figures, "last_run")
    if last is not None:
        found.append(f"last run {ago(now - last)}")
    return found or [*_holdings(figures)][:2] or _version(figures)


def _number(figures: Figures, name: str) -> float | None:
    value = figures.get(name)
    return None if value is None or isinstance(value, str) else value


def _transfers(figures: Figures) -> Iterator[str]:
    status = str(figures.get("status", "")).lower()
    if status == "paused":
        yield status
    active = _number(figures, "active")
    if active is not None:
        yield f"{active:g} active"
    elif (torrents := _number(figures, "torrents")) is not None:
        yield f"{torrents:g} torrents"
    for way in ("down", "up"):
        rate = _number(figures, f"{way}_bytes_s")
        if rate:
            yield f"{way} {per_second(rate)}"


def _indexers(figures: Figures) -> Iterator[str]:
    total, up = _number(figures, "indexers"), _number(figures, "indexers_up")
    if total is not None:
        yield f"{total if up is None else up:g}/{total:g} indexers"


def _counts(figures: Figures) -> Iterator[str]:
    for name, one, more in _COUNTS:
        count = _number(figures, name)
        if count is not None and (count or name not in _RARE):
            yield _counted(count, one, more)


def _subtitles(figures: Figures) -> Iterator[str]:
    names = ("missing_episodes", "missing_movies")
    missing = [_number(figures, name) for name in names]
    if any(count is not None for count in missing):
        yield f"{sum(count or 0 for count in missing):g} without subtitles"


def _holdings(figures: Figures) -> Iterator[str]:
    for name, one, more in _HOLDINGS:
        count = _number(figures, name)
        if count is not None:
            yield _counted(count, one, more)


def _version(figures: Figures) -> list[str]:
    version = str(figures.get("version", ""))
    return [f"version {version}"] if version else []


def _counted(count: float, one: str, more: str) -> str:
    return f"{count:g} {one if count == 1 else more}"


def per_second(rate: float) -> str:
    """Return bytes a second for people: "300 kB/s", "1.2 MB/s"."""
    for unit, name in ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")):
        if rate >= unit * 0.9995:
            value = rate / unit
            shown = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
            return f"{shown.removesuffix('.0')} {name}"
    return f"{rate:.0f} B/s"


def ago(seconds: float) -> str:
    """Return how long ago: "just now", "5 min ago", "3 h ago", "2 d ago"."""
    for length, unit in _STEPS:
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return "just now"


def fitted(found: list[str], width: int, cut: Callable[[str], str]) -> str:
    """Return as many clauses as fit into a width.

    Args:
        cut: shortens a clause that alone is too long.
    """
    shown = ""
    for clause in found:
        longer = f"{shown}, {clause}" if shown else clause
        if len(longer) > width:
            break
        shown = longer
    return shown or (cut(found[0]) if found else "")
