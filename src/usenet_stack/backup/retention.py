"""Which backups a policy keeps: pure, from times to reasons."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from usenet_stack.stack.settings import BackupKeepTable

DAY = 86_400.0
GIB = 1024**3


class Kept(NamedTuple):
    """A backup as a policy sees it.

    Args:
        created: seconds since 1970, UTC.
        size: bytes.
        good: it was verified, or was never found damaged.
        whole: it holds all services, with their databases.
    """

    name: str
    created: float
    size: int
    pinned: bool = False
    good: bool = True
    whole: bool = True


class Verdict(NamedTuple):
    """Whether a backup stays, and why, for the user."""

    name: str
    stays: bool
    why: str


Period = Callable[[datetime], object]
_PERIODS: tuple[tuple[str, Period], ...] = (
    ("hourly", lambda t: (t.date(), t.hour)),
    ("daily", lambda t: t.date()),
    ("weekly", lambda t: t.isocalendar()[:2]),
    ("monthly", lambda t: (t.year, t.month)),
    ("yearly", lambda t: t.year),
)


def judge(
    backups: Iterable[Kept],
    policy: BackupKeepTable,
    now: float,
    free: int = 0,
) -> list[Verdict]:
    """Return a verdict on every backup, the newest first.

    A backup stays for every rule that wants it. `older_than_days` and
    `min_free` take away what others keep, but never the newest good one,
    never the newest of those that hold everything, never one that is pinned.

    Args:
        now: seconds since 1970.
        free: bytes on the disk.
    """
    ordered = sorted(backups, key=lambda b: (-b.created, b.name))
    wanted = _wanted(ordered, policy)
    holy = {b.name: "it is pinned" for b in ordered if b.pinned}
    good = [b for b in ordered if b.good]
    for newest in good[:1]:
        holy.setdefault(newest.name, "it is the newest good one")
    for newest in [b for b in good if b.whole][:1]:
        holy.setdefault(newest.name, "it is the newest of all services")
    verdicts = {}
    for backup in ordered:
        verdicts[backup.name] = _verdict(backup, wanted, holy, policy, now)
    _make_room(ordered, verdicts, holy, policy, free)
    return [verdicts[backup.name] for backup in ordered]


def _wanted(ordered: list[Kept], policy: BackupKeepTable) -> dict[str, str]:
    found: dict[str, str] = {}
    good = [backup for backup in ordered if backup.good]
    for backup in good[: policy.last]:
        found.setdefault(backup.name, f"one of the last {policy.last}")
    for rule, period in _PERIODS:
        seen: set[object] = set()
        for backup in good:
            key = period(datetime.fromtimestamp(backup.created, UTC))
            if key not in seen and len(seen) < getattr(policy, rule):
                seen.add(key)
                found.setdefault(backup.name, f"{rule} {len(seen)}")
    return found


def _verdict(
    backup: Kept,
    wanted: dict[str, str],
    holy: dict[str, str],
    policy: BackupKeepTable,
    now: float,
) -> Verdict:
    if backup.name in holy:
        return Verdict(backup.name, True, holy[backup.name])
    days = (now - backup.created) / DAY
    if policy.older_than_days and days > policy.older_than_days:
        why = f"older than {policy.older_than_days} days"
        return Verdict(backup.name, False, why)
    if backup.name in wanted:
        return Verdict(backup.name, True, wanted[backup.name])
    why = "no rule keeps it" if backup.good else "it is damaged"
    return Verdict(backup.name, False, why)


def _make_room(
    ordered: list[Kept],
    verdicts: dict[str, Verdict],
    holy: dict[str, str],
    policy: BackupKeepTable,
    free: int,
) -> None:
    wanted = policy.min_free * GIB
    free += sum(b.size for b in ordered if not verdicts[b.name].stays)
    for backup in reversed(ordered):
        if free >= wanted:
            return
        if verdicts[backup.name].stays and backup.name not in holy:
            free += backup.size
            why = f"less than {policy.min_free} GiB are free"
            verdicts[backup.name] = Verdict(backup.name, False, why)
