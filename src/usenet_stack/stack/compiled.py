"""The shipped service files, parsed once and kept in the user's cache.

Parsing TOML costs more than everything else that a short command does;
the parsed tables come back from MessagePack in about a millisecond.
"""

import os
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack.stack.locate import cache_home

Tables = dict[str, dict[str, Any]]


class _Compiled(msgspec.Struct):
    stamp: list[tuple[str, int, int]]
    tables: Tables


def load_shipped(folder: Path) -> Tables:
    """Return the tables of every service file in `folder` by name.

    Effects: writes `catalog.msgpack` into the cache when the files have
        changed; a cache that cannot be read or written is done without.
    """
    stamp = _stamp(folder)
    path = cache_home(os.environ) / "catalog.msgpack"
    kept = _read(path)
    if kept is not None and kept.stamp == stamp:
        return kept.tables
    tables = _parse(folder)
    _write(path, _Compiled(stamp, tables))
    return tables


def _stamp(folder: Path) -> list[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        found = [
            (entry.path, entry.stat().st_size, entry.stat().st_mtime_ns)
            for entry in entries
            if entry.name.endswith(".toml")
        ]
    return sorted(found)


def _parse(folder: Path) -> Tables:
    return {
        path.stem: tomllib.loads(path.read_text("utf-8"))
        for path in sorted(folder.glob("*.toml"))
    }


def _read(path: Path) -> _Compiled | None:
    # Under sudo the cache of another user may be named by $HOME: what they
    # could have written is not believed.
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return None
            return msgspec.msgpack.decode(file.read(), type=_Compiled)
    except (OSError, msgspec.DecodeError):
        return None


def _write(path: Path, content: _Compiled) -> None:
    from usenet_stack.transaction.durable import write_durably

    try:
        if not _ours(path.parent):
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(path, msgspec.msgpack.encode(content), 0o600)
    except OSError:
        pass  # a home that is not for us: parse again the next time


def _ours(folder: Path) -> bool:
    # Root must not leave a folder of its own in another user's home.
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.stat().st_uid == os.geteuid()
