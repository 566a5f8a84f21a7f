"""Look at backups: all of them in a list, or into one."""

import time
from calendar import timegm
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack.backup.finding import all_backups
from usenet_stack.backup.manifest import Manifest
from usenet_stack.backup.naming import ENCRYPTED, parse_name
from usenet_stack.backup.note import read_note
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack

STAMP, ISO = "%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%SZ"


def list_backups(stack: Stack) -> Result:
    """Return the backups of a stack, the newest first.

    Returns: `backups[]` with `id`, `name`, `path`, `size`, `type`, `created`,
        `age_seconds`, `services`, `label`, `description`, `encrypted`,
        `verified` ("" is never), `pinned`.
    """
    return Result({"backups": [row_of(path) for path in all_backups(stack)]})


def row_of(path: Path) -> dict[str, Any]:
    """Return what the list says of a backup, without opening it."""
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


def created_at(path: Path) -> float:
    """Return when a backup was made, by its name, else by the file."""
    parsed = parse_name(path.name)
    if parsed is None:
        return path.stat().st_mtime
    return float(timegm(time.strptime(parsed.stamp, STAMP)))


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
    totals = {key: said.pop(key) for key in ("files", "databases", "size")}
    label = said.pop("name")
    row = row_of(path)
    keep = ("size", "verified", "pinned", "encrypted")
    own = {key: row[key] for key in keep}
    return {"path": str(path), "label": label, "totals": totals} | own | said
