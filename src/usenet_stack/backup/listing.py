"""Which backups there are."""

from pathlib import Path
from typing import Any

from usenet_stack.backup.create import backup_folder
from usenet_stack.backup.note import read_note
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack

PATTERN = "usenet-*.tar.gz"


def list_backups(stack: Stack) -> Result:
    """Return the backups of a stack, newest first."""
    found = sorted(backup_folder(stack).glob(PATTERN), reverse=True)
    return Result({"backups": [_row(path) for path in found]})


def _row(path: Path) -> dict[str, Any]:
    note = read_note(path)
    return {
        "name": path.name,
        "path": str(path),
        "size": path.stat().st_size,
        "type": note.get("type", ""),
        "created": note.get("created", ""),
        "services": note.get("services", []),
        "description": note.get("description", ""),
    }


def find_backup(stack: Stack, name: str) -> Path:
    """Return a backup by "latest", the unique beginning of its name or id,
    or its path.

    Raises:
        UsenetError: backup.unknown.
    """
    if "/" in name and Path(name).is_file():
        return Path(name)
    names = sorted(backup_folder(stack).glob(PATTERN))
    if name == "latest" and names:
        return names[-1]
    fitting = [path for path in names if path.name.startswith(name)]
    if len(fitting) != 1:
        raise UsenetError("backup.unknown", name=name)
    return fitting[0]
