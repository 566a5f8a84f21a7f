"""Copies live SQLite databases, in a process of its own.

Closing any descriptor of a database drops the locks that its process holds
on it, so the process that reads and packs files must not be the one that has
connections. Run as a program: pairs of paths on stdin, as a JSON list; the
reasons of those that failed on stdout, by source.
"""

import json
import sqlite3
import sys
from contextlib import closing

BUSY_SECONDS = 30.0


def copy(source: str, target: str) -> None:
    """Copy one database as of one moment, and check the copy.

    Source: SQLite, "Using the SQLite Online Backup API": with all pages in
    one step the copy is never restarted by writers.

    Raises:
        sqlite3.Error: it is locked for too long, or damaged.
    """
    with (
        closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as live,
        closing(sqlite3.connect(target)) as copied,
    ):
        live.backup(copied, pages=-1)
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
            failed[source] = str(problem)
    json.dump(failed, sys.stdout)


if __name__ == "__main__":
    main()
