"""The names of the services, for completion: file names, nothing parsed."""

import os
from collections.abc import Iterable
from pathlib import Path

CATALOG_FOLDER = Path(__file__).parent.parent / "catalog"


def service_names(user_dir: Path | None = None) -> tuple[str, ...]:
    """Return the names of all services that the catalogue holds, sorted.

    Args:
        user_dir: the `services.d` folder of a stack, which may be missing.
    """
    found = set(_stems(CATALOG_FOLDER))
    if user_dir is not None:
        found.update(_stems(user_dir))
    return tuple(sorted(found))


def _stems(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [e.name[:-5] for e in entries if e.name.endswith(".toml")]
    except FileNotFoundError:
        return []


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was most likely meant to be."""
    import difflib

    close = difflib.get_close_matches(name.lower(), list(known), n=1)
    return close[0] if close else None


def meant(name: str, known: Iterable[str]) -> str:
    """Return ": did you mean X?" for an error sentence, or ""."""
    match = nearest(name, known)
    return f": did you mean {match}?" if match else ""
