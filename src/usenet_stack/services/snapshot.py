"""The last answer to "how are the services", kept for half a minute.

Every command that shows health shares it. It is read by a run that imports
next to nothing, so nothing of the stack is understood here: a file counts as
unchanged by what the file system says of it.

Whatever changes a stack makes it stale at once: its files, and the journal
and the audit log, of which each change of ours writes both.
"""

import binascii
import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from usenet_stack.stack.locate import trusts

GOOD_SECONDS = 30.0
FORMAT = 1
FILE = "health.json"
# "xxxxxxxx " before the text: a damaged file is never believed.
SUM_LENGTH = 9
FILES = (
    "stack.toml",
    ".env",
    "compose.yaml",
    "compose.override.yaml",
    "services.d",
    # A change begins with a journal and ends with a line in the audit log.
    ".usenet/journal",
    ".usenet/audit.jsonl",
    ".usenet/pool.json",
)
KEYS = ("services", "groups", "totals", "checked_at")
WELL = ("ready", "timer")

Data = dict[str, Any]


class Snapshot(NamedTuple):
    """One look at a stack.

    Args:
        stamps: of `stamps`, taken before the first question.
        deadline_s: how long a service was given to answer.
        at: when it was complete, in seconds since 1970.
        readings: [container, nanoseconds, `time.monotonic`] each.
        data: as `services list` has it, of all services.
    """

    stamps: list[str]
    deadline_s: float
    at: float
    readings: list[list[Any]]
    data: Data


def snapshot_path(folder: Path) -> Path:
    """Return where the snapshot of a stack lies; losing it costs only time."""
    return folder / ".usenet" / FILE


def stamps(folder: Path, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return all that a snapshot depends on, as short lines."""
    root = os.fspath(folder)
    names = [f"{root}/{name}" for name in FILES]
    try:
        own = sorted(os.listdir(f"{root}/services.d"))  # noqa: PTH208
    except OSError:
        own = []
    names += [f"{root}/services.d/{name}" for name in own]
    return [*map(_stamp, names), environ.get("DOCKER_HOST", "")]


def _stamp(path: str) -> str:
    try:
        seen = os.stat(path)  # noqa: PTH116 (for speed)
    except OSError:
        return f"{path} absent"
    return f"{path} {seen.st_ino} {seen.st_size} {seen.st_ctime_ns}"


def read_snapshot(
    folder: Path, environ: Mapping[str, str] = os.environ
) -> Snapshot | None:
    """Return the last snapshot, however old; None without a sound one."""
    try:
        with snapshot_path(folder).open("rb") as file:
            if not trusts(os.fstat(file.fileno()).st_uid, environ):
                return None
            content = file.read()
        text = content[SUM_LENGTH:]
        if content[:SUM_LENGTH] != _sum(text):
            return None
        kept = json.loads(text)
        if kept.pop("format") != FORMAT:
            return None
        return Snapshot(**kept)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def recall(
    folder: Path,
    deadline_s: float,
    environ: Mapping[str, str] = os.environ,
) -> Data | None:
    """Return what the last look saw, if that still counts.

    Args:
        deadline_s: how long a service is given: a look that gave less
            does not count.

    Returns: data of `services list` with its age, None to look anew.
    """
    kept = read_snapshot(folder, environ)
    if kept is None or kept.deadline_s < deadline_s:
        return None
    age = time.time() - kept.at
    fresh = 0 <= age <= GOOD_SECONDS
    if not fresh or kept.stamps != stamps(folder, environ):
        return None
    # Never 0, which stands for an answer of this very moment.
    return kept.data | {"age_seconds": max(0.001, round(age, 3))}


def keep(folder: Path, snapshot: Snapshot) -> None:
    """Write a snapshot, readable by its owner only, all or nothing.

    Effects: none while another run changes the stack, or where the folder
        cannot be written: the next command looks anew.
    """
    if _is_changing(folder):
        return
    kept = snapshot._asdict() | {"format": FORMAT}
    text = json.dumps(kept, separators=(",", ":")).encode()
    path = snapshot_path(folder)
    temporary = path.with_name(f".{FILE}.{os.urandom(4).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(temporary, flags, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor)
            file.write(_sum(text) + text)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)


def _is_changing(folder: Path) -> bool:
    try:
        with (folder / ".usenet/lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False  # nothing has ever been changed
    except OSError:
        return True
    return False


def _sum(text: bytes) -> bytes:
    return b"%08x " % binascii.crc32(text)


def part(data: Data, group: str) -> Data:
    """Return the view of one group; all of them for ""."""
    if not group:
        return data
    rows = [row for row in data["services"] if row["group"] == group]
    own = [each for each in data["groups"] if each["name"] == group]
    return data | {"services": rows, "groups": own, "totals": totals(rows)}


def totals(rows: list[Data]) -> Data:
    """Return what stands below all rows."""
    states: dict[str, int] = {}
    for row in rows:
        states[row["state"]] = states.get(row["state"], 0) + 1
    drives = {name for row in rows for name in row["drives"]}
    return {
        "services": len(rows),
        "healthy": healthy(rows),
        "states": states,
        "memory_bytes": sum(row["memory_bytes"] or 0 for row in rows),
        "cpu_percent": _sum_of([row["cpu_percent"] for row in rows]),
        "drives": sorted(drives),
    }


def healthy(rows: list[Data]) -> int:
    """Return how many of the rows are well."""
    return sum(row["state"] in WELL for row in rows)


def _sum_of(shares: list[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return round(sum(known), 1) if known else None
