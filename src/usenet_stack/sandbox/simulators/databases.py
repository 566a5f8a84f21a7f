"""SQLite databases that are written all the time.

Every database holds, beside the application's own documents, a ledger that
makes a torn copy visible:

    CREATE TABLE ledger (account TEXT PRIMARY KEY, balance INTEGER,
                         serial INTEGER, padding BLOB)

There are two rows, `left` and `right`. Each transaction moves an amount
from one to the other, so `SUM(balance)` is always 1000000, and gives both
rows the same new `serial`. The padding is large enough that the rows never
share a page: a copy with pages of two moments breaks one of the rules.
`consistent(connection)` checks them.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .journal import log
from .routing import Json

TOTAL = 1_000_000
_PADDING = 3000
_KEPT_ACTIVITY = 500

_TABLES = """
CREATE TABLE IF NOT EXISTS ledger (
    account TEXT PRIMARY KEY, balance INTEGER NOT NULL,
    serial INTEGER NOT NULL, padding BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS activity (
    id INTEGER PRIMARY KEY AUTOINCREMENT, serial INTEGER, note TEXT);
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS sequences (
    kind TEXT PRIMARY KEY, last INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class DatabaseFile:
    """One database of an application.

    Args:
        path: absolute path in the container.
        journal: "wal" or "delete".
        busy_ms: how long the application waits for a lock.
        disposable: a corrupt file is deleted and made anew.
        held_open: false for an application that opens the file for each
            operation and never makes it.
    """

    path: str
    journal: str = "wal"
    busy_ms: int = 1000
    disposable: bool = False
    held_open: bool = True


def consistent(connection: sqlite3.Connection) -> bool:
    """Whether the ledger's rules hold in an opened database."""
    rows = connection.execute("SELECT balance, serial FROM ledger").fetchall()
    return (
        len(rows) == 2
        and sum(row[0] for row in rows) == TOTAL
        and rows[0][1] == rows[1][1]
    )


class Database:
    """An open database: documents for the application, and the ledger.

    Raises:
        sqlite3.DatabaseError: the file is no sound database and is not
            disposable.
    """

    def __init__(self, path: Path, declared: DatabaseFile) -> None:
        self.path = path
        self._declared = declared
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError:
            if not declared.disposable:
                raise
            for suffix in ("", "-wal", "-shm", "-journal"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=self._declared.busy_ms / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        # Exclusive creation in rollback mode costs one fsync per statement;
        # the mode is therefore set first and the tables in one transaction.
        connection.execute(f"PRAGMA journal_mode={self._declared.journal}")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(f"BEGIN;{_TABLES}COMMIT;")
        for account in ("left", "right"):
            connection.execute(
                "INSERT OR IGNORE INTO ledger VALUES (?, ?, 0, zeroblob(?))",
                (account, TOTAL // 2, _PADDING),
            )
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside happens together or not at all."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    def work(self) -> None:
        """One small transaction on the ledger."""
        amount = random.randint(-500, 500)
        padding = os.urandom(_PADDING)
        with self.transaction() as connection:
            for account, change in (("left", amount), ("right", -amount)):
                connection.execute(
                    "UPDATE ledger SET balance = balance + ?,"
                    " serial = serial + 1, padding = ? WHERE account = ?",
                    (change, padding, account),
                )
            cursor = connection.execute(
                "INSERT INTO activity (serial, note) SELECT serial, ?"
                " FROM ledger WHERE account = 'left'",
                (f"moved {amount}",),
            )
            connection.execute(
                "DELETE FROM activity WHERE id <= ?",
                ((cursor.lastrowid or 0) - _KEPT_ACTIVITY,),
            )

    def back_up(self, target: Path) -> None:
        """Write a consistent copy to `target`."""
        with self._lock:
            copy = sqlite3.connect(target)
            try:
                self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
            finally:
                copy.close()

    def close(self) -> None:
        """Check-point and close; afterwards the file stands alone."""
        with self._lock:
            if self._declared.journal == "wal":
                try:
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                except sqlite3.Error:
                    log("[Warn] database is locked, not checkpointed")
            self._connection.close()

    # Documents: JSON objects with an id, grouped by kind.

    def all(self, kind: str) -> list[dict[str, Json]]:
        """Every document of a kind, by id."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT body FROM documents WHERE kind = ? ORDER BY id",
                (kind,),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def find(self, kind: str, number: int) -> dict[str, Json] | None:
        """The document with that id."""
        with self._lock:
            row = self._connection.execute(
                "SELECT body FROM documents WHERE kind = ? AND id = ?",
                (kind, number),
            ).fetchone()
        return dict(json.loads(row[0])) if row else None

    def add(self, kind: str, document: dict[str, Json]) -> dict[str, Json]:
        """Store a new document under the next id, never used before."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO sequences VALUES (?, 1) ON CONFLICT (kind)"
                " DO UPDATE SET last = last + 1",
                (kind,),
            )
            row = connection.execute(
                "SELECT last FROM sequences WHERE kind = ?", (kind,)
            ).fetchone()
            stored = {**document, "id": int(row[0])}
            self.put(kind, stored)
        return stored

    def put(self, kind: str, document: dict[str, Json]) -> None:
        """Store a document under its own `id`."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)",
                (kind, document["id"], json.dumps(document)),
            )

    def delete(self, kind: str, number: int) -> bool:
        """Remove a document; whether there was one."""
        with self.transaction() as connection:
            cursor = connection.execute(
                "DELETE FROM documents WHERE kind = ? AND id = ?",
                (kind, number),
            )
        return cursor.rowcount > 0

    def replace(self, kind: str, documents: list[dict[str, Json]]) -> None:
        """Make `documents` the only ones of their kind."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM documents WHERE kind = ?", (kind,))
            for document in documents:
                if "id" in document:
                    self.put(kind, document)
                else:
                    self.add(kind, document)

    def setting(self, name: str, default: Json = None) -> Json:
        """A single value kept under a name."""
        found = self.find(f"setting:{name}", 0)
        return default if found is None else found["value"]

    def set(self, name: str, value: Json) -> None:
        """Keep a single value under a name."""
        self.put(f"setting:{name}", {"id": 0, "value": value})
