"""The small file beside an archive: what it is, without opening it.

It holds the manifest's head, the archive's own digest, and what was done
with the archive later: checked, pinned. The archive is whole without it.
"""

from pathlib import Path

import msgspec

from usenet_stack.backup.manifest import Manifest
from usenet_stack.transaction.durable import write_durably


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands beside an archive.

    Args:
        manifest: without the list of files.
        bytes: size of the archive.
        seal: the digest in its seal; of an encrypted one, the SHA-256 of
            the file.
        verified: when it was last found whole, UTC; "" is never.
        pinned: `backup clean` leaves it alone.
    """

    manifest: Manifest | None = None
    bytes: int = 0
    seal: str = ""
    verified: str = ""
    pinned: bool = False


def note_path(archive: Path) -> Path:
    """Return where the note of an archive lies."""
    return archive.with_name(f"{archive.name}.meta.json")


def read_note(archive: Path) -> Note:
    """Return the note; an empty one where there is none to be read."""
    try:
        content = note_path(archive).read_bytes()
        return msgspec.json.decode(content, type=Note)
    except (OSError, msgspec.DecodeError):
        return Note()


def note_text(note: Note) -> str:
    """Return a note as its file holds it."""
    return msgspec.json.format(msgspec.json.encode(note)).decode() + "\n"


def write_note(archive: Path, note: Note) -> None:
    """Replace the note of an archive, durably (0600)."""
    write_durably(note_path(archive), note_text(note).encode(), 0o600)
