"""The audit log: who changed what, when, and how it ended. No secrets."""

import errno
import os
import pwd
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack.transaction.journal import Journal

TAIL = 1 << 16  # longer than any line of a plan


def append_audit(stack_folder: Path, journal: Journal) -> None:
    """Add one line for an ended journal to `.usenet/audit.jsonl` (0600).

    Does nothing when the last line tells of it already, so that it can be
    repeated after a crash.

    Raises:
        OSError: nothing was added.
    """
    first, last = journal.records[0], journal.records[-1]
    ending = {
        "outcome": journal.outcome,
        "ended": last["at"],
        "journal": journal.id,
    }
    line = {
        "at": first["at"],
        "who": _who(),
        "command": first["command"],
        "plan": [step.operation.describe() for step in journal.plan().steps],
        **ending,
    }
    path = stack_folder / ".usenet" / "audit.jsonl"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        if not _cut_torn_tail(descriptor).endswith(_line(ending)[1:]):
            _append(descriptor, _line(line))
    finally:
        os.close(descriptor)


def _line(content: dict[str, Any]) -> bytes:
    return msgspec.json.encode(content) + b"\n"


def _cut_torn_tail(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, TAIL, max(0, size - TAIL))
    whole = tail.rfind(b"\n") + 1
    if whole < len(tail):
        os.ftruncate(descriptor, size - len(tail) + whole)
    return tail[:whole]


def _append(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if os.write(descriptor, line) != len(line):
        os.ftruncate(descriptor, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fdatasync(descriptor)


def _who() -> str:
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    caller = os.environ.get("SUDO_USER")
    return f"{caller} (sudo {name})" if caller else name
