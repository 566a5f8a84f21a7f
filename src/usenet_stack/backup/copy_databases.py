"""Copies live SQLite databases, in a process of its own.

Closing any descriptor of a database drops the locks that its process holds
on it, so the process that reads and packs files must not be the one that has
connections. Run as a program: pairs of paths on stdin, as a JSON list; on
stdout, by source, the name of SQLite's error and its reason.
"""

import json
import os
import sqlite3
import sys
import time
from contextlib import closing
from urllib.parse import quote

BUSY_SECONDS = 30.0
# Writers without WAL leave only moments between two commits; SQLite's own
# handler soon asks ten times a second and meets none of them for half a minute.
POLL_SECONDS = 0.001
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def copy(source: str, target: str, busy_seconds: float = BUSY_SECONDS) -> None:
    """Copy one database as of one moment, and check the copy.

    Source: SQLite, "Using the SQLite Online Backup API": with all pages in
    one step the copy is never restarted by writers.

    Args:
        source: a database, perhaps of a running application. It is never
            created: a missing one is an error.
        target: a path that does not exist.
        busy_seconds: how long another process may hold it alone.

    Raises:
        sqlite3.Error: it is missing, locked for too long, or damaged.
    """
    deadline = time.monotonic() + busy_seconds

    def give_up(status: int, _left: int, _all: int) -> None:
        # Python begins anew for ever when the database is busy.
        if status in BUSY and time.monotonic() >= deadline:
            raise sqlite3.OperationalError("it stays locked by its service")

    uri = f"file:{quote(os.fsencode(source))}?mode=rw"
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=0.0)) as live,
        closing(sqlite3.connect(target)) as copied,
    ):
        live.backup(copied, pages=-1, progress=give_up, sleep=POLL_SECONDS)
        copied.execute("PRAGMA journal_mode = DELETE")
        (verdict,) = copied.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(str(verdict))


def main() -> None:
    failed = {}
    for source, target in json.load(sys.stdin):
        try:
            copy(source, target)
        except sqlite3.Error as problem:
            name = getattr(problem, "sqlite_errorname", "")
            failed[source] = (name, str(problem))
    json.dump(failed, sys.stdout)


if __name__ == "__main__":
    main()
