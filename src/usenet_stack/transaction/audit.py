"""The audit log: who changed what, when, and how it ended. No secrets."""

import os
import pwd
from pathlib import Path

import msgspec

from usenet_stack.transaction.journal import Journal


def append_audit(stack_folder: Path, journal: Journal) -> None:
    """Add one line for an ended journal to `.usenet/audit.jsonl` (0600)."""
    first, last = journal.records[0], journal.records[-1]
    line = {
        "at": first["at"],
        "ended": last["at"],
        "who": _who(),
        "command": first["command"],
        "plan": [step.operation.describe() for step in journal.plan().steps],
        "outcome": journal.outcome,
        "journal": journal.id,
    }
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    path = stack_folder / ".usenet" / "audit.jsonl"
    descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, msgspec.json.encode(line) + b"\n")
    finally:
        os.close(descriptor)


def _who() -> str:
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    caller = os.environ.get("SUDO_USER")
    return f"{caller} (sudo {name})" if caller else name
