"""Settings that come from another machine: its paths and host names.

Containers see the same paths on every machine, unless `stack.toml` names
other folders; and applications let in only the host names that they know.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from usenet_stack.backup.selection import SQLITE_MAGIC
from usenet_stack.keys import read_text, rewrite
from usenet_stack.stack.model import DATA, Stack
from usenet_stack.stack.service import MEDIA_TYPES
from usenet_stack.stack.settings import PathsTable, PoolTable

LARGEST = 4 * 1024 * 1024
TEXTS = (
    *(".xml", ".json", ".ini", ".yaml", ".yml", ".toml", ".conf", ".cfg"),
    ".mblink",  # how Jellyfin names the folders of a library
)
_PATH_COLUMN = re.compile(r"(path|folder|directory|dir)$", re.IGNORECASE)
_HOST_KEY = re.compile(
    r"^[^=:>]*(host|whitelist|url|domain|address)[^=:>]*[=:>]", re.IGNORECASE
)


class Moved(NamedTuple):
    """What a backup's machine called otherwise: new names by old ones."""

    paths: Mapping[str, str]
    hosts: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.paths or self.hosts)


def moved_since(theirs: Mapping[str, Any], stack: Stack) -> Moved:
    """Compare the `stack.toml` of a backup with that of this stack.

    Args:
        theirs: its tables; empty where it has none.
    """
    if not theirs:
        return Moved({}, {})
    settings = stack.settings
    pairs = zip(
        _places(_table(theirs, "paths"), _table(theirs, "pool")),
        _places(_fields(settings.paths), _fields(settings.pool)),
        strict=True,
    )
    paths = {old: new for old, new in pairs if old != new}
    known = _table(theirs, "stack").get("hosts")
    hosts = [str(h) for h in known] if isinstance(known, list) else []
    return Moved(paths, _renamed(hosts, settings.stack.hosts))


def _table(theirs: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = theirs.get(name)
    return found if isinstance(found, dict) else {}


def _fields(table: PathsTable | PoolTable) -> dict[str, Any]:
    return {name: getattr(table, name) for name in table.__struct_fields__}


def _places(paths: Mapping[str, Any], pool: Mapping[str, Any]) -> list[str]:
    """Return what containers see under a name of the user's choice."""
    pool = _fields(PoolTable()) | dict(pool)
    paths = _fields(PathsTable()) | dict(paths)
    media = f"{DATA}/{str(pool['path']).strip('/')}"
    return [
        media,
        *(f"{media}/{pool[type]}" for type in MEDIA_TYPES),
        f"{DATA}/{str(paths['downloads']).strip('/')}",
    ]


def _renamed(theirs: list[str], ours: tuple[str, ...]) -> dict[str, str]:
    old = [name for name in theirs if name not in ours]
    new = [name for name in ours if name not in theirs]
    if len(new) == 1:
        return dict.fromkeys(old, new[0])
    return dict(zip(old, new, strict=True)) if len(old) == len(new) else {}


def remap(name: str, top: Path, moved: Moved) -> Iterator[str]:
    """Give the restored files of a service the names of this machine.

    Args:
        name: of the service.
        top: the folder that is to be its.

    Yields: what was changed, for a person.
    Raises:
        OSError: a file cannot be read or written.
    """
    if not moved:
        return
    changer = _Changer(moved)
    for path in sorted(top.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        below = path.relative_to(top)
        if path.suffix in TEXTS and path.stat().st_size <= LARGEST:
            if changer.text(path):
                yield f"{name}: paths or host names in {below}, as here"
        elif moved.paths and _is_sqlite(path):
            yield from (f"{name}: {text}" for text in changer.database(path))


class _Changer:
    def __init__(self, moved: Moved) -> None:
        self.moved = moved
        self.path = re.compile(
            rf"(?<![\w./-])({_any_of(moved.paths)})(?![\w.-])"
        )
        hosts = _any_of(moved.hosts)
        self.address = re.compile(rf"(?<=//)({hosts})(?![\w.-])")
        self.host = re.compile(rf"(?<![\w./-])({hosts})(?![\w./-])")

    def text(self, path: Path) -> bool:
        was = read_text(path)
        lines = was.splitlines(keepends=True)
        text = "".join(map(self._line, lines))
        if text != was:
            rewrite(path, text)
        return text != was

    def _line(self, line: str) -> str:
        line = self._all_paths(line)
        hosts = self.moved.hosts
        if hosts:
            line = self.address.sub(lambda found: hosts[found[1]], line)
        if hosts and _HOST_KEY.match(line):
            line = self.host.sub(lambda found: hosts[found[1]], line)
        return line

    def _all_paths(self, text: str) -> str:
        paths = self.moved.paths
        if not paths:
            return text
        return self.path.sub(lambda found: paths[found[1]], text)

    def database(self, path: Path) -> Iterator[str]:
        """Change the paths in a database, all or none; tell how many."""
        try:
            with closing(sqlite3.connect(path)) as database, database:
                database.create_function("moved", 1, self._value)
                count = sum(
                    database.execute(
                        f"UPDATE {table} SET {column} = moved({column}) "
                        f"WHERE moved({column}) IS NOT {column}"
                    ).rowcount
                    for table, column in _path_columns(database)
                )
        except sqlite3.Error as problem:
            yield f"the paths in {path.name} are those of before: {problem}"
            return
        if count:
            yield f"{count} paths in {path.name}, as here"

    def _value(self, value: Any) -> Any:
        """Change a path; what only mentions one, such as a title, stays."""
        if not isinstance(value, str) or not value.startswith("/"):
            return value
        return self.path.sub(lambda m: self.moved.paths[m[1]], value, count=1)


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def _any_of(names: Mapping[str, str]) -> str:
    longest = sorted(names, key=len, reverse=True)
    return "|".join(map(re.escape, longest)) or "(?!)"


def _path_columns(database: sqlite3.Connection) -> list[tuple[str, str]]:
    query = (
        "SELECT t.name, c.name FROM sqlite_master AS t"
        " JOIN pragma_table_info(t.name) AS c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'"
        " AND t.sql NOT LIKE 'CREATE VIRTUAL%'"
    )
    return [
        (_quoted(table), _quoted(column))
        for table, column in database.execute(query).fetchall()
        if _PATH_COLUMN.search(column)
    ]


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
