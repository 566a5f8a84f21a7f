"""Which backups there are, and which of them the user means."""

from pathlib import Path

from usenet_stack.backup.naming import (
    backup_folder,
    backups_in,
    old_backups_in,
    old_name,
    parse_name,
)
from usenet_stack.backup.note import read_note
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack

LATEST = "latest"


def all_backups(stack: Stack) -> list[Path]:
    """Return the backups in the stack's own folder, the newest first, and
    behind them those that the old shell tool wrote."""
    folder = backup_folder(stack)
    return [*backups_in(folder), *old_backups_in(folder)]


def find_backup(stack: Stack, name: str) -> Path:
    """Return a backup by "latest", its path, its file name, its id or its
    `--name`, or the beginning of one of these, where that is unique.

    Raises:
        UsenetError: backup.unknown; backup.ambiguous, with those that it
            could be.
    """
    if "/" in name:
        path = Path(name).expanduser()
        if path.is_file():
            return path.resolve()
        raise UsenetError("backup.unknown", name=name)
    found = all_backups(stack)
    if name == LATEST and found:
        return found[0]
    named = {path: _names(path) for path in found}
    fitting = [p for p, own in named.items() if name in own] or [
        path
        for path, own in named.items()
        if name and any(text.startswith(name) for text in own)
    ]
    if not fitting:
        raise UsenetError("backup.unknown", name=name)
    if len(fitting) > 1:
        raise UsenetError(
            "backup.ambiguous",
            name=name,
            details=tuple(path.name for path in fitting[:10]),
        )
    return fitting[0]


def _names(path: Path) -> tuple[str, ...]:
    """Return all that a backup can be called by."""
    parsed = parse_name(path.name)
    manifest = read_note(path).manifest
    names = (
        path.name,
        parsed.id if parsed else old_name(path.name),
        manifest.name if manifest else "",
    )
    return tuple(name for name in names if name)
