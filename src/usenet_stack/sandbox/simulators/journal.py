"""The container's log: one line at a time on standard output."""

from __future__ import annotations

import sys


def log(line: str) -> None:
    """Write one line at once; never one that holds a secret."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
