"""Look at backups: all of them in a list, or into one."""

import time
from calendar import timegm
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack.backup.finding import all_backups
from usenet_stack.backup.manifest import Manifest
from usenet_stack.backup.naming import ENCRYPTED, old_name, parse_name
from usenet_stack.backup.note import read_note
from usenet_stack.backup.restoring.places import kept_restores
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack

STAMP, ISO = "%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%SZ"


def list_backups(stack: Stack) -> Result:
    """Return the backups of a stack, the newest first.

    Returns: `backups[]` with `id`, `name`, `path`, `size`, `type`, `created`,
        `age_seconds`, `services`, `label`, `description`, `encrypted`,
        `verified` ("" is never), `pinned`.
    """
    result = Result({"backups": [row_of(path) for path in all_backups(stack)]})
    for text in schedule_troubles(stack):
        result.warn(text)
    kept = kept_restores(stack)
    result.data["restores"] = [
        {
            "id": record.id,
            "backup": record.backup,
            "services": list(record.services),
            "undone": record.undone,
        }
        for record in kept
    ]
    for record in kept[:1]:
        what = Path(record.backup).name
        result.info(
            f"A restore of {what} was undone: usenet backup undo --redo"
            if record.undone
            else f"Kept from before the restore of {what}: usenet backup undo"
        )
    return result


def schedule_troubles(stack: Stack) -> Iterator[str]:
    """Yield what is wrong with the backups that the clock should make."""
    from usenet_stack.backup.clock import clock_runs, read_schedule
    from usenet_stack.backup.runs import last_run

    last = last_run(stack)
    if last is not None and last.why:
        at = time.strftime(ISO, time.gmtime(last.began))
        what = "has failed in part" if last.path else "has failed"
        yield f"The scheduled backup of {at} {what}: {last.why} {last.hint}"
    if read_schedule(stack.folder) and not clock_runs(stack.folder):
        yield (
            "The clock for backups has ended; to start it again: "
            "usenet backup schedule"
        )


def row_of(path: Path) -> dict[str, Any]:
    """Return what the list says of a backup, without opening it."""
    if old_name(path.name):
        return _old_row(path)
    note = read_note(path)
    made = created_at(path)
    manifest = note.manifest
    parsed = parse_name(path.name)
    return {
        "id": parsed.id if parsed else path.name,
        "name": path.name,
        "path": str(path),
        "size": path.stat().st_size,
        "type": parsed.type if parsed else "",
        "created": time.strftime(ISO, time.gmtime(made)),
        "age_seconds": max(0, int(time.time() - made)),
        "services": manifest.service_names if manifest else [],
        "label": manifest.name if manifest else "",
        "description": manifest.description if manifest else "",
        "encrypted": path.name.endswith(ENCRYPTED),
        "verified": note.verified,
        "pinned": note.pinned,
    }


def _old_row(path: Path) -> dict[str, Any]:
    from usenet_stack.backup.legacy import read_meta

    meta = read_meta(path)
    made = timegm(time.strptime(meta.created, ISO))
    return {
        "id": old_name(path.name),
        "name": path.name,
        "path": str(path),
        "size": path.stat().st_size,
        "type": meta.type,
        "created": meta.created,
        "age_seconds": max(0, int(time.time() - made)),
        "services": [],
        "label": "old tool",
        "description": meta.description,
        "encrypted": False,
        "verified": read_note(path).verified,
        "pinned": False,
    }


def created_at(path: Path) -> float:
    """Return when a backup was made, by its name, else by the file."""
    parsed = parse_name(path.name)
    if parsed is None:
        return path.stat().st_mtime
    part = int(parsed.id[:2], 16) / 256  # see `new_name`
    return timegm(time.strptime(parsed.stamp, STAMP)) + part


def show_backup(
    path: Path, *, files: bool = True, identity: Path | None = None
) -> Result:
    """Return the manifest of a backup.

    Args:
        files: with the list of its files.
        identity: for an encrypted one; its note is enough without files.

    Raises:
        UsenetError: backup.damaged, backup.locked-up.
    """
    from usenet_stack.backup.reading import open_archive
    from usenet_stack.backup.verify import readable

    note = read_note(path)
    if path.name.endswith(ENCRYPTED) and note.manifest and not files:
        return Result(_shown(path, note.manifest))
    with (
        readable(path, identity) as plain,
        open_archive(plain) as archive,
    ):
        data = _shown(path, archive.manifest)
        if files:
            data["files"] = [
                msgspec.to_builtins(record) for record in archive.records()
            ]
        return Result(data)


def _shown(path: Path, manifest: Manifest) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(manifest)
    said["files"] -= said.pop("folders")
    totals = {key: said.pop(key) for key in ("files", "databases", "size")}
    label = said.pop("name")
    row = row_of(path)
    keep = ("size", "verified", "pinned", "encrypted")
    own = {key: row[key] for key in keep}
    return {"path": str(path), "label": label, "totals": totals} | own | said
