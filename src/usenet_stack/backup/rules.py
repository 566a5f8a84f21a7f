"""The catalogue's rules on paths: what a backup of each type holds.

Patterns are anchored at the service's folder. "*" ends at a "/", unlike in
`fnmatch`: "/Definitions/*.yml" must not drop "/Definitions/Custom/x.yml",
"/*.pid" nothing in a folder that the user made, and "/Backups/**" no folder
of that name elsewhere.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Literal, get_args

from usenet_stack.stack.service import POSTGRES_DUMP, Backup

Type = Literal["minimal", "config", "full"]
TYPES: tuple[Type, ...] = get_args(Type)
Why = Literal["settings", "database", "application data", "logs and covers"]


class Rules:
    """What a backup of one type takes of one service.

    Args:
        backup: the catalogue's table; None takes everything.
    """

    def __init__(self, type: Type, backup: Backup) -> None:
        self.type = type
        self.backup = backup
        self._full = backup.full if type == "full" else ()
        self._dropped = _any_of(backup.regenerable)
        self._minimal = _any_of(backup.minimal)
        self._bulky = _any_of(backup.full)
        self._dumped = _any_of(_not_copied(backup))
        self._databases = {f"/{d.path}" for d in backup.databases}

    def takes(self, below: str, folder: bool) -> bool:
        """Tell whether a path is in it.

        Args:
            below: "/logs/a.txt", as seen from the service's folder.
            folder: whether it is one; those on the way to a file are in it.
        """
        if self.is_dumped(below):
            return False
        if self.type == "minimal":
            if folder and _leads_to(below, self.backup.minimal):
                return True
            return self._minimal.fullmatch(below) is not None
        if self._dropped.fullmatch(below) is None:
            return True
        if self._full and self._bulky.fullmatch(below):
            return True
        if folder and _leads_to(below, self._full):
            return True
        return is_kept(below, self.backup)

    def is_dumped(self, below: str) -> bool:
        """Tell whether a dump stands for a path."""
        return self._dumped.fullmatch(below) is not None

    def why(self, below: str) -> Why:
        """Return what a file is, for the user."""
        if below in self._databases:
            return "database"
        if self._minimal.fullmatch(below):
            return "settings"
        return (
            "logs and covers"
            if self._bulky.fullmatch(below)
            else "application data"
        )


def _not_copied(backup: Backup) -> Iterable[str]:
    """Yield what a dump takes the place of; the folders themselves stay."""
    if backup.postgres is not None:
        yield f"/{backup.postgres.data}/**/*"
        yield f"/{backup.postgres.data}/*"
        yield f"/{backup.postgres.dump}/{POSTGRES_DUMP}"


@lru_cache(256)
def rules_of(type: Type, backup: Backup) -> Rules:
    """Return the rules of a type and a table, made once."""
    return Rules(type, backup)


def is_dropped(below: str, backup: Backup, type: Type = "config") -> bool:
    """Tell whether a path is left out; see `Rules.takes`."""
    return not rules_of(type, backup).takes(below, folder=False)


def is_kept(below: str, backup: Backup) -> bool:
    """Tell whether the table names a path, or a folder on the way to it."""
    named = [f"/{database.path}" for database in backup.databases]
    # "." keeps the folder as a whole, which is no reason to keep its logs.
    named += [f"/{keep.rstrip('/')}" for keep in backup.keep if keep != "."]
    return any(
        path == below or path.startswith(f"{below}/") for path in named
    ) or any(
        below.startswith(f"{path}/") and not _is_dropped_inside(path, backup)
        for path in named
    )


def _is_dropped_inside(path: str, backup: Backup) -> bool:
    """Tell whether a pattern reaches below a kept folder on purpose."""
    return any(p.startswith(f"{path}/") for p in backup.regenerable)


def _leads_to(below: str, patterns: Iterable[str]) -> bool:
    depth = below.count("/")
    for pattern in patterns:
        steps = pattern.split("/")
        front = "/".join(steps[: depth + 1])
        if any("**" in step for step in steps[: depth + 1]):
            return True
        if len(steps) > depth + 1 and _matcher(front).fullmatch(below):
            return True
    return False


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    found = "|".join(f"(?:{_expression(p)})" for p in patterns)
    return re.compile(found or r"(?!)", re.DOTALL)


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern), re.DOTALL)


def _expression(pattern: str) -> str:
    whole_folder = pattern.endswith("/**")
    parts = re.split(r"(\*\*|\*|\?)", pattern.removesuffix("/**"))
    wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(wild.get(part) or re.escape(part) for part in parts)
    return text + ("(?:/.*)?" if whole_folder else "")
