"""What is kept about drives between calls: a small file of the user's own."""

import json
import os
import time
from collections.abc import Mapping
from typing import Any

LIMIT = 200
SILENT_FOR_S = 60.0


class Memory:
    """Notes about drives by key; a damaged or absent file is an empty one.

    Args:
        path: of the file. Its loss costs nothing but a slower answer and
            the history of the drives.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._notes = _read(path)
        self._before = json.dumps(self._notes)

    def get(self, part: str, key: str) -> dict[str, Any]:
        """Return a note, or {}."""
        note = self._notes.get(part, {}).get(key)
        return note if isinstance(note, dict) else {}

    def put(self, part: str, key: str, note: dict[str, Any]) -> None:
        """Keep a note, the newest last; an empty one forgets."""
        notes = self._notes.setdefault(part, {})
        notes.pop(key, None)
        if note:
            notes[key] = note
        while len(notes) > LIMIT:
            del notes[next(iter(notes))]

    def save(self) -> None:
        """Write the notes when they changed; a failure is no matter."""
        text = json.dumps(self._notes)
        if text == self._before:
            return
        temporary = f"{self._path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self._path), 0o700, exist_ok=True)  # noqa: PTH103, PTH120
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(temporary, flags, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(text)
            os.replace(temporary, self._path)  # noqa: PTH105
        except OSError:
            return


def _read(path: str) -> dict[str, dict[str, Any]]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            found = json.loads(file.read())
    except (OSError, ValueError):
        return {}
    parts = found if isinstance(found, dict) else {}
    return {k: v for k, v in parts.items() if isinstance(v, dict)}


def open_memory(environ: Mapping[str, str]) -> Memory:
    """Return the notes of the user: $XDG_STATE_HOME/usenet/drives.json."""
    from usenet_stack.stack.locate import state_home

    return Memory(str(state_home(environ) / "drives.json"))


def hangs_still(memory: Memory, mount: str) -> bool:
    """Tell whether a mount is known to hang, without touching it.

    Args:
        mount: what tells it apart: number, device and place.

    The worker that got stuck there is the witness: as long as the kernel
    does not let it go, the next one would be stuck as well.
    """
    note = memory.get("silent", mount)
    started = note.get("started")
    return bool(started) and _started(note.get("worker")) == started


def hung_lately(memory: Memory, mount: str) -> bool:
    """Tell whether a mount gave no answer within the last minute."""
    at = float(memory.get("silent", mount).get("at", 0))
    return 0 <= time.time() - at < SILENT_FOR_S


def note_silence(memory: Memory, mount: str, worker: int) -> None:
    """Remember a mount that gave no answer; 0 as the worker forgets it."""
    if not worker:
        memory.put("silent", mount, {})
        return
    note = {"worker": worker, "started": _started(worker), "at": time.time()}
    memory.put("silent", mount, note)


def _started(pid: object) -> str:
    """Return when a live process started; "" when there is none.

    Source: proc(5), /proc/pid/stat, fields 3 and 22.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
