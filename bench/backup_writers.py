"""A database that is written to while it is copied: by us, and by tar."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from usenet_stack.backup.databases import DatabaseCopier

MIB = 1024 * 1024
# What is taken from one row goes to another, far away: a copy of two moments
# shows. Prints how long each commit took, in milliseconds, when stdin ends.
WRITER = """
import json, sqlite3, sys, threading, time
path, rate = sys.argv[1], float(sys.argv[2])
db = sqlite3.connect(path, isolation_level=None, timeout=30)
db.execute("PRAGMA synchronous = NORMAL")
ended = threading.Event()
threading.Thread(
    target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
print("ready", flush=True)
taken, begin = [], time.perf_counter()
while not ended.is_set():
    began = time.perf_counter()
    db.execute("BEGIN IMMEDIATE")
    for change in (-1, 1):
        db.execute("UPDATE item SET amount = amount + ? WHERE id ="
                   " (SELECT abs(random()) % max(id) FROM item)", (change,))
    db.execute("COMMIT")
    taken.append((time.perf_counter() - began) * 1000)
    rest = begin + len(taken) / rate - time.perf_counter()
    if rest > 0:
        time.sleep(rest)
print(json.dumps([taken, time.perf_counter() - begin]))
"""


def make_database(path: Path, megabytes: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, amount, content)"
        )
        database.executemany(
            "INSERT INTO item VALUES (?, 0, randomblob(1000))",
            ((number,) for number in range(megabytes * MIB // 1100)),
        )
        database.commit()


class Rate:
    """What a writer tells at its end: milliseconds of commits, a second."""

    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        self.per_second = 0.0

    def p99(self) -> float:
        ordered = sorted(self.milliseconds)
        return ordered[len(ordered) * 99 // 100]


@contextmanager
def writing(path: Path, rate: float) -> Iterator[Rate]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(rate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    told = Rate()
    yield told
    output, _ = process.communicate()
    told.milliseconds, lasted = json.loads(output)
    told.per_second = len(told.milliseconds) / lasted


def is_bad(path: Path) -> bool:
    """Tell whether a copy is torn: damaged, or of two moments."""
    try:
        with closing(sqlite3.connect(path)) as database:
            check = database.execute("PRAGMA integrity_check").fetchone()[0]
            query = "SELECT sum(amount) FROM item"
            return bool(check != "ok" or database.execute(query).fetchone()[0])
    except sqlite3.Error:
        return True


def copies_under_a_writer(
    place: Path, copies: int, megabytes: int = 60, rate: float = 1000.0
) -> dict[str, Any]:
    """Copy a database many times while it is written to."""
    live = place / "live"
    live.mkdir()
    path = live / "app.db"
    make_database(path, megabytes)
    bad = {"usenet": 0, "tar": 0}
    with writing(path, rate) as writer:
        for _ in range(copies):
            bad["usenet"] += _ours(path, place / "ours")
            bad["tar"] += _tar(live, place / "tar")
    return {
        "copies": copies,
        "writer_tx_per_s": round(writer.per_second),
        "bad": bad,
    }


def _ours(path: Path, staging: Path) -> bool:
    staging.mkdir()
    with DatabaseCopier(staging) as copier:
        copied = copier.copied(str(path))
    assert copied is not None
    bad = is_bad(copied.copy)
    shutil.rmtree(staging)
    return bad


def _tar(live: Path, staging: Path) -> bool:
    staging.mkdir()
    # tar's own remark that a file changed is no failure here.
    archive = staging / "a.tar"
    subprocess.run(["tar", "cf", archive, "-C", live, "."], capture_output=True)
    subprocess.run(["tar", "xf", archive, "-C", staging], check=True)
    bad = is_bad(staging / "app.db")
    shutil.rmtree(staging)
    return bad


def latency_of_a_writer(
    place: Path, megabytes: int = 300, rate: float = 100.0, lasts: float = 15.0
) -> dict[str, Any]:
    """Measure commits alone, and while copies are made one after another."""
    folder = place / "latency"
    folder.mkdir()
    path = folder / "app.db"
    make_database(path, megabytes)
    with writing(path, rate) as alone:
        time.sleep(lasts)
    staging = folder / "staging"
    copies = 0
    with writing(path, rate) as copied:
        end = time.monotonic() + lasts
        while time.monotonic() < end:
            _copy_only(path, staging)
            copies += 1
    return {
        "copies_meanwhile": copies,
        "p99_ms": {
            "alone": round(alone.p99(), 2),
            "while copied": round(copied.p99(), 2),
        },
        "worst_ms": {
            "alone": round(max(alone.milliseconds), 2),
            "while copied": round(max(copied.milliseconds), 2),
        },
    }


def _copy_only(path: Path, staging: Path) -> None:
    staging.mkdir()
    with DatabaseCopier(staging) as copier:
        copier.copied(str(path))
    shutil.rmtree(staging)
