"""The small file beside an archive: what it is, without opening it."""

import json
from pathlib import Path
from typing import Any


def note_path(archive: Path) -> Path:
    """Return where the description of an archive lies."""
    return archive.with_name(f"{archive.name}.meta.json")


def read_note(archive: Path) -> dict[str, Any]:
    """Return what the note says; {} where there is none that can be read.

    The archive holds all of it as well, but for its own `sha256`.
    """
    try:
        found = json.loads(note_path(archive).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
