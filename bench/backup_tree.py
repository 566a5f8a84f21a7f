"""A stack as 19 services leave it: databases, covers, logs, caches.

About 525 MB: 316 MB of SQLite in WAL mode and 20,000 small files. What is in
the files is made from a seed, and as compressible as the real ones are: half
of a database's bytes are words, covers are noise, logs are lines.
"""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

MIB = 1024 * 1024
# MiB of each database; they add up to 316.
DATABASES = {
    "sonarr": 90,
    "radarr": 70,
    "jellyfin": 60,
    "lidarr": 40,
    "prowlarr": 20,
    "seerr": 12,
    "readarr": 10,
    "bazarr": 6,
    "sabnzbd": 4,
    "audiobookshelf": 2,
    "mylar3": 2,
}
COVERS = ("sonarr", "radarr", "lidarr", "readarr")
COVER_FILES, COVER_BYTES = 18_000, 9_000
LOG_FILES, LOG_BYTES = 400, 40_000
SMALL_FILES = 1_600
WORDS = [f"word{n:04d}" for n in range(2000)]


def make_tree(folder: Path, scale: float = 1.0, seed: int = 1) -> Stack:
    """Make a stack folder.

    Args:
        scale: 1 is the whole of it.
    """
    chance = random.Random(seed)
    folder.mkdir(parents=True)
    text = new_settings_text(NewStack("bench"))
    (folder / "stack.toml").write_text(text)
    (folder / ".env").write_text("SONARR_API_KEY=" + "0" * 32 + "\n")
    stack = load_stack(folder)
    for service in stack.services:
        own = stack.config_folder(service)
        own.mkdir(parents=True)
        (own / "config.xml").write_text("<Config></Config>")
        for database in service.backup.databases:
            size = int(DATABASES.get(service.name, 0) * MIB * scale)
            path = own / database.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if database.journal in ("wal", "rollback"):
                _database(path, size, database.journal, chance)
            else:
                path.write_bytes(bytes(64) + chance.randbytes(32_000))
    _covers(stack, int(COVER_FILES * scale), chance)
    _logs(stack, int(LOG_FILES * scale), chance)
    _small(stack, int(SMALL_FILES * scale), chance)
    return stack


def _database(
    path: Path, size: int, journal: str, chance: random.Random
) -> None:
    with closing(sqlite3.connect(path)) as database:
        mode = "WAL" if journal == "wal" else "DELETE"
        database.execute(f"PRAGMA journal_mode = {mode}")
        database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, a, b)")
        database.execute("CREATE TABLE setting (name PRIMARY KEY, value)")
        rows = max(1, size // 1000)
        database.executemany(
            "INSERT INTO item (a, b) VALUES (?, ?)",
            (
                (" ".join(chance.choices(WORDS, k=90)), chance.randbytes(130))
                for _ in range(rows)
            ),
        )
        database.commit()


def _covers(stack: Stack, files: int, chance: random.Random) -> None:
    for number in range(files):
        name = COVERS[number % len(COVERS)]
        folder = stack.config_root / name / "MediaCover" / str(number // 80)
        folder.mkdir(parents=True, exist_ok=True)
        size = int(COVER_BYTES * chance.uniform(0.5, 1.5))
        (folder / f"poster-{number}.jpg").write_bytes(chance.randbytes(size))


def _logs(stack: Stack, files: int, chance: random.Random) -> None:
    line = "2026-11-22 10:00:00|Info|{}|{} {} {}\n"
    for number in range(files):
        service = stack.services[number % len(stack.services)]
        folder = stack.config_folder(service) / "logs"
        folder.mkdir(exist_ok=True)
        words = iter(chance.choices(WORDS, k=4 * (LOG_BYTES // 60)))
        text = "".join(
            line.format(*quad) for quad in zip(*[words] * 4, strict=True)
        )
        (folder / f"log.{number}.txt").write_text(text)


def _small(stack: Stack, files: int, chance: random.Random) -> None:
    for number in range(files):
        service = stack.services[number % len(stack.services)]
        folder = stack.config_folder(service) / f"state/{number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        text = " ".join(chance.choices(WORDS, k=200))
        (folder / f"item-{number}.json").write_text(text)
