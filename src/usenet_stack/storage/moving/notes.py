"""What a move has proven so far: which copies are whole, by their states.

A note spares reading a file once more; it is never the only proof. A torn
or missing one costs a comparison.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from usenet_stack.storage.moving.copying import state_of
from usenet_stack.transaction.durable import write_durably


class Notes:
    """The notes of one move, in the private folder of its journal.

    Args:
        folder: keeps until the journal is settled.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "copied.jsonl"
        self._states: dict[str, Any] = {}
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        content = self._path.read_bytes()
        for line in content.splitlines():
            try:
                path, *states = msgspec.json.decode(line)
            except (msgspec.MsgspecError, ValueError, TypeError):
                continue  # torn
            self._states[path] = states
        if content and not content.endswith(b"\n"):
            os.write(self._descriptor, b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def add(
        self, path: str, source: os.stat_result, target: os.stat_result
    ) -> None:
        """Note that a copy is whole while both files stay as they are."""
        states = [state_of(source), state_of(target)]
        line = msgspec.json.encode([plain(path), *states])
        os.write(self._descriptor, line + b"\n")
        self._states[plain(path)] = states

    def prove(
        self, path: str, source: os.stat_result, target: os.stat_result
    ) -> bool:
        """Tell whether the copy was proven and nothing changed since."""
        states = [state_of(source), state_of(target)]
        return bool(self._states.get(plain(path)) == states)

    def made(self, path: str, target: os.stat_result) -> bool:
        """Tell whether the copy is ours and untouched since."""
        found = self._states.get(plain(path))
        return bool(found and found[1] == state_of(target))

    @property
    def paths(self) -> list[str]:
        """Return what was copied, in that order."""
        return [rough(path) for path in self._states]


def write_before(folder: Path, paths: list[str]) -> None:
    """Keep what was on the target before the move, for its undo."""
    content = msgspec.json.encode([plain(path) for path in paths])
    write_durably(folder / "there-before.json", content, 0o600)


def read_before(folder: Path) -> set[str] | None:
    """Return what `write_before` kept; None when it did not get to it."""
    try:
        content = (folder / "there-before.json").read_bytes()
    except FileNotFoundError:
        return None
    found = msgspec.json.decode(content, type=list[str])
    return {rough(path) for path in found}


def plain(path: str) -> str:
    """Return a path of any bytes as text that JSON can hold."""
    return quote_from_bytes(os.fsencode(path))


def rough(text: str) -> str:
    """Return the path that `plain` wrote."""
    return os.fsdecode(unquote_to_bytes(text))
