"""Copies live SQLite databases, in a process of its own.

Closing any descriptor of a database drops the locks that its process holds
on it, so the process that reads and packs files must not be the one that has
connections. Run as a program: on each line of stdin a pair of paths, as
JSON; on stdout a line for each, in the same order, once it is copied and
checked: {"size", "rows"} or {"error", "why"}.
"""

import ctypes
import json
import os
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

BUSY_SECONDS = 30.0
# Writers without WAL leave only moments between two commits; SQLite's own
# handler soon asks ten times a second and meets none of them for half a minute.
POLL_SECONDS = 0.001
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
MAPPED = 48 * 1024 * 1024  # it counts as memory in use
PR_SET_PDEATHSIG = 1
# A table's content is counted by reading all of it: of giants nobody asks.
MOST_TABLES = 500


def copy(
    source: str, target: str, busy_seconds: float = BUSY_SECONDS
) -> dict[str, int]:
    """Copy one database as of one moment, and check the copy.

    Source: SQLite, "Using the SQLite Online Backup API": with all pages in
    one step the copy is never restarted by writers.

    Args:
        source: a database, perhaps of a running application. It is never
            created: a missing one is an error.
        target: a path that does not exist.
        busy_seconds: how long another process may hold it alone.

    Returns: its rows, by table.
    Raises:
        sqlite3.Error: it is missing, locked for too long, or damaged.
    """
    deadline = time.monotonic() + busy_seconds

    def give_up(status: int, _left: int, _all: int) -> None:
        # Python begins anew for ever when the database is busy.
        if status in BUSY and time.monotonic() >= deadline:
            raise LockedError("it stays locked by its service")

    uri = f"file:{quote(os.fsencode(source))}?mode=rw"
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=0.0)) as live,
        closing(sqlite3.connect(target)) as copied,
    ):
        # The copy is thrown away when anything goes wrong with it.
        copied.execute("PRAGMA synchronous = OFF")
        copied.execute("PRAGMA journal_mode = OFF")
        live.backup(copied, pages=-1, progress=give_up, sleep=POLL_SECONDS)
        copied.execute("PRAGMA journal_mode = DELETE")
        # Nobody else has the copy, so it is read where it lies in memory.
        copied.execute(f"PRAGMA mmap_size = {MAPPED}")
        check(copied)
        return count_rows(copied)


class LockedError(sqlite3.OperationalError):
    """Another process held the database alone until the deadline."""


def check(database: sqlite3.Connection) -> None:
    """Check a database that nobody else uses.

    Raises:
        sqlite3.DatabaseError: it is damaged; the reason.
    """
    (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(str(verdict))


def count_rows(database: sqlite3.Connection) -> dict[str, int]:
    """Return the rows of every ordinary table, by its name."""
    names = [
        str(name)
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        )
    ]
    found = {}
    for name in names[:MOST_TABLES]:
        quoted = name.replace('"', '""')
        query = f'SELECT count(*) FROM "{quoted}"'
        (found[name],) = database.execute(query).fetchone()
    return found


def answer(source: str, target: str, busy_seconds: float) -> dict[str, Any]:
    """Copy one database; return its line."""
    try:
        rows = copy(source, target, busy_seconds)
        return {"size": Path(target).stat().st_size, "rows": rows}
    except LockedError as problem:
        return {"error": "locked", "why": str(problem)}
    except sqlite3.Error as problem:
        name = getattr(problem, "sqlite_errorname", "")
        if name == "SQLITE_CANTOPEN" and not Path(source).exists():
            name = "gone"
        return {"error": name or "damaged", "why": str(problem)}
    except OSError as problem:
        full = problem.errno == 28  # ENOSPC
        name = "SQLITE_FULL" if full else "system"
        return {"error": name, "why": str(problem.strerror)}


def die_with_parent() -> None:
    """Let the kernel end this process when its parent is killed.

    Else it would go on writing where the next run cleans up.
    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main() -> None:
    die_with_parent()
    busy_seconds = float(sys.argv[1]) if sys.argv[1:] else BUSY_SECONDS
    for line in sys.stdin:
        source, target = json.loads(line)
        found = answer(source, target, busy_seconds)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
