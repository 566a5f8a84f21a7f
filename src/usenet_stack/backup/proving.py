"""Whether a database that was unpacked is the one that was packed."""

import sqlite3
from contextlib import closing
from pathlib import Path

from usenet_stack.backup.copy_databases import check, count_rows
from usenet_stack.backup.manifest import FileRecord


def prove_database(path: Path, record: FileRecord) -> None:
    """Open and check a database, and count its rows.

    Raises:
        ValueError: it is damaged, or holds other rows than it did.
    """
    try:
        with closing(sqlite3.connect(path)) as database:
            check(database)
            found = count_rows(database)
    except sqlite3.Error as problem:
        raise ValueError(f"the database {record.name}: {problem}") from problem
    if record.rows is not None and found != record.rows:
        raise ValueError(f"{record.name} holds other rows than its manifest")
