"""`usenet backup clean`, `pin` and `unpin`."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack.backup.container import read_seal
from usenet_stack.backup.inspect import created_at
from usenet_stack.backup.naming import (
    ENCRYPTED,
    backup_folder,
    backups_in,
    old_name,
    parse_name,
)
from usenet_stack.backup.note import Note, note_path, note_text, read_note
from usenet_stack.backup.operations import RemoveBackup
from usenet_stack.backup.reading import open_archive
from usenet_stack.backup.retention import Kept, Verdict, judge
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.stack.settings import BackupKeepTable
from usenet_stack.transaction import SILENT, Observer, Plan, Step, open_session
from usenet_stack.transaction.files import WriteFile

CLEAN = "backup clean"


def policy_of(
    stack: Stack, overrides: Mapping[str, int] | None = None
) -> BackupKeepTable:
    """Return the stack's policy.

    Args:
        overrides: fields of `BackupKeepTable`; where one names how many to
            keep, the stack's own numbers do not count at all.
    """
    own = stack.settings.backup.keep
    given = dict(overrides or {})
    if not given:
        return own
    limits = ("older_than_days", "min_free")
    if all(name in limits for name in given):
        return msgspec.structs.replace(own, **given)
    nothing = dict.fromkeys(BackupKeepTable.__struct_fields__, 0)
    return BackupKeepTable(**(nothing | given))


def judged(stack: Stack, policy: BackupKeepTable) -> list[Verdict]:
    """Return what a policy says of each backup, the newest first."""
    folder = backup_folder(stack)
    found = [_kept(path) for path in backups_in(folder)]
    if not found:
        return []
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    return judge(found, policy, time.time(), free)


def _kept(path: Path) -> Kept:
    note = read_note(path)
    size = path.stat().st_size
    return Kept(
        *(path.name, created_at(path), size, note.pinned),
        _good(path, note, size),
        _whole(path, note),
    )


def _whole(path: Path, note: Note) -> bool:
    parsed = parse_name(path.name)
    minimal = parsed is not None and parsed.type == "minimal"
    partial = note.manifest is not None and note.manifest.partial
    return not (minimal or partial)


def _good(path: Path, note: Note, size: int) -> bool:
    """Tell whether nothing speaks against a backup, at a glance."""
    if note.bytes and note.bytes != size:
        return False
    if path.name.endswith(ENCRYPTED):
        return True
    try:
        seal = read_seal(path)
    except (ValueError, OSError):
        return False
    return note.seal in ("", seal.digest.hex())


def plan_clean(stack: Stack, policy: BackupKeepTable) -> Plan:
    """Return which backups go, each with its reason, the oldest first."""
    folder = backup_folder(stack)
    steps = [
        # What was begun to be removed is completed, and one that cannot be
        # removed keeps no other from it.
        Step(RemoveBackup(folder / verdict.name), verdict.why, "continue")
        for verdict in reversed(judged(stack, policy))
        if not verdict.stays
    ]
    return Plan(CLEAN, tuple(steps), "forward")


def clean_backups(
    stack: Stack, policy: BackupKeepTable, observer: Observer = SILENT
) -> Result:
    """Remove the backups that a policy does not keep.

    Returns: `removed[]` and `kept[]` with `name`, `why`; `freed` bytes.
    Raises:
        UsenetError: lock.held.
    Effects: archives and their notes are gone for good.
    """
    with open_session(stack.folder, CLEAN, observer) as session:
        verdicts = judged(stack, policy)
        folder = backup_folder(stack)
        sizes = {
            verdict.name: (folder / verdict.name).stat().st_size
            for verdict in verdicts
        }
        outcome = session.run(plan_clean(stack, policy))
    gone = [v for v in verdicts if not (folder / v.name).exists()]
    result = Result(
        {
            "removed": [_row(verdict) for verdict in gone],
            "kept": [_row(v) for v in verdicts if v not in gone],
            "freed": sum(sizes[verdict.name] for verdict in gone),
        },
        errors=[failure.error for failure in outcome.failures],
        partial=True,
    )
    return result


def _row(verdict: Verdict) -> dict[str, Any]:
    return {"name": verdict.name, "why": verdict.why}


def plan_pin(path: Path, pinned: bool) -> Plan:
    """Return how a backup is pinned, or released.

    Raises:
        UsenetError: backup.damaged: it has no note, and none can be made.
    """
    if old_name(path.name):  # which is never cleaned away
        return Plan(_pin_command(pinned), ())
    note = read_note(path)
    if note.manifest is None:
        note = _made_anew(path)
    if note.pinned == pinned:
        return Plan(_pin_command(pinned), ())
    text = note_text(msgspec.structs.replace(note, pinned=pinned))
    why = "`backup clean` asks it" if pinned else "it may go again"
    step = Step(WriteFile(note_path(path), text, 0o600), why)
    return Plan(_pin_command(pinned), (step,))


def _pin_command(pinned: bool) -> str:
    return "backup pin" if pinned else "backup unpin"


def _made_anew(path: Path) -> Note:
    if path.name.endswith(ENCRYPTED):
        raise UsenetError("backup.locked-up", path=path)
    with open_archive(path) as archive:
        size = path.stat().st_size
        return Note(
            manifest=archive.manifest, bytes=size, seal=archive.seal_hex
        )


def pin_backup(
    stack: Stack, path: Path, pinned: bool, observer: Observer = SILENT
) -> Result:
    """Keep a backup from `backup clean`, or let it go again.

    Returns: `path`, `pinned`, `changed`.
    """
    command = _pin_command(pinned)
    with open_session(stack.folder, command, observer) as session:
        plan = plan_pin(path, pinned)
        session.run(plan)
    changed = bool(plan.steps)
    return Result({"path": str(path), "pinned": pinned, "changed": changed})
