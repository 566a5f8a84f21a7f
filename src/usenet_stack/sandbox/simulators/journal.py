"""The container's log: one line at a time on standard output."""

from __future__ import annotations

import os

_STDOUT = 1


def log(line: str) -> None:
    """Write one line at once; never one that holds a secret.

    Past `sys.stdout`: Python aborts when it ends while a thread that is
    still at work holds that one's lock.
    """
    os.write(_STDOUT, f"{line}\n".encode(errors="backslashreplace"))
