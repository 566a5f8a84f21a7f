"""A service in a container that never lets go of its database."""

import subprocess
from pathlib import Path

from images.build import docker

# Inside the container, so that only stopping the container ends it.
HOLDER = """
import sqlite3, time
db = sqlite3.connect("/config/db/bazarr.db", isolation_level=None, timeout=30)
db.execute("BEGIN EXCLUSIVE")
time.sleep(600)
"""
PROBE = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
try:
    db.execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError:
    sys.exit(3)
"""


def impatient(folder: Path) -> None:
    """Let a backup wait half a second for a locked database."""
    text = (folder / "stack.toml").read_text()
    (folder / "stack.toml").write_text(
        f"{text}\n[backup]\nbusy_seconds = 0.5\n"
    )


def hold(host: str, container: str, database: Path) -> None:
    """Lock a service's database; return once it is locked."""
    docker(host, "exec", "-d", container, "python3", "-c", HOLDER)
    probe = ["python3", "-c", PROBE, str(database)]
    while subprocess.run(probe).returncode != 3:
        pass
