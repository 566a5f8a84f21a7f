"""Which backups there are, and which of them the user means."""

from pathlib import Path

from usenet_stack.backup.naming import backup_folder, backups_in, parse_name
from usenet_stack.backup.note import read_note
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack

LATEST = "latest"


def all_backups(stack: Stack) -> list[Path]:
    """Return the backups in the stack's own folder, the newest first."""
    return backups_in(backup_folder(stack))


def find_backup(stack: Stack, name: str) -> Path:
    """Return a backup by "latest", its path, its `--name`, its id, or the
    beginning of its file name, where that is unique.

    Raises:
        UsenetError: backup.unknown, with those that it could be.
    """
    if "/" in name:
        path = Path(name).expanduser()
        if path.is_file():
            return path.resolve()
        raise UsenetError("backup.unknown", name=name)
    found = all_backups(stack)
    if name == LATEST and found:
        return found[0]
    fitting = [path for path in found if path.name == name] or [
        path for path in found if _fits(path, name)
    ]
    if len(fitting) != 1:
        raise UsenetError(
            "backup.unknown",
            name=name,
            details=tuple(path.name for path in fitting[:10]),
        )
    return fitting[0]


def _fits(path: Path, name: str) -> bool:
    if not name:
        return False
    parsed = parse_name(path.name)
    if path.name.startswith(name) or (parsed and parsed.id == name):
        return True
    manifest = read_note(path).manifest
    return manifest is not None and manifest.name == name
