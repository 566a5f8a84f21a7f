"""Names of drives in the pool."""

import re
from pathlib import Path

from usenet_stack.errors import UsenetError

_VALID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


def drive_name(path: Path, wanted: str | None) -> str:
    """Return the name of a drive in the pool, checked.

    Args:
        path: the drive's folder; its last part is the name by default.
        wanted: what the user asked for.

    Raises:
        UsenetError: "storage.name" when it holds other than letters,
            digits, dash, underscore and dot, or does not begin with a
            letter, digit or underscore.
    """
    name = path.name if wanted is None else wanted
    if not _VALID.fullmatch(name):
        shown = name.encode("unicode_escape", "replace").decode()
        raise UsenetError("storage.name", name=shown, path=repr(str(path)))
    return name
