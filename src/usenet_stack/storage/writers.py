"""Whether applications can write to a drive, tried inside their containers."""

import marshal
import os
import sys
import time
from pathlib import Path

import msgspec

from usenet_stack.stack.layout import owner
from usenet_stack.stack.model import Stack
from usenet_stack.storage.children import Child, spawn
from usenet_stack.storage.layouts import folder_names
from usenet_stack.storage.views import View

_WORKER = os.path.join(os.path.dirname(__file__), "container_worker.py")  # noqa: PTH118, PTH120
PAUSE_S = 0.05


class Writer(msgspec.Struct, frozen=True):
    """A service that writes to drives.

    Args:
        uid, gid: whom its application runs as.
        folders: where it writes, below the drive.
    """

    service: str
    uid: int
    gid: int
    folders: tuple[str, ...]


def writers_of(stack: Stack) -> tuple[Writer, ...]:
    """Return the services that keep media in the pool."""
    names = folder_names(stack)
    return tuple(
        Writer(
            service.name,
            *owner(stack, service),
            tuple(names[kind] for kind in service.keeps),
        )
        for service in stack.services
        if service.keeps
    )


def cannot_write(
    views: list[View], writers: tuple[Writer, ...], path: Path, limit_s: float
) -> dict[str, str]:
    """Return the containers in which a service cannot write, and why.

    Args:
        views: how containers see `path`; read-only ones are not tried.
        path: the drive's folder on the host.
        limit_s: seconds in which all of them must have succeeded.
    """
    known = {writer.service: writer for writer in writers}
    waiting = [
        (view, known[view.service])
        for view in views
        if view.service in known and view.writable
    ]
    deadline = time.monotonic() + limit_s
    while True:
        found = _try_all(waiting, path, deadline)
        waiting = [pair for pair in waiting if pair[0].container in found]
        if not waiting or time.monotonic() + PAUSE_S >= deadline:
            return found
        time.sleep(PAUSE_S)


def _try_all(
    pairs: list[tuple[View, Writer]], path: Path, deadline: float
) -> dict[str, str]:
    # All at once: most of the time of each is the start of its process.
    children = [(view, _start(view, writer, path)) for view, writer in pairs]
    patient = max(deadline, time.monotonic() + 1.0)
    found: dict[str, str] = {}
    for view, child in children:
        answer = child.read_until(patient)
        child.leave()
        if answer != b"\n" and Path(f"/proc/{view.pid}").exists():
            why = (answer or b"").decode(errors="replace").strip()
            found[view.container] = why or "no answer in time"
    return found


def _start(view: View, writer: Writer, path: Path) -> Child:
    inside = view.inside(path)
    wish = {
        "pid": view.pid,
        "uid": writer.uid,
        "gid": writer.gid,
        "folders": [f"{inside}/{folder}" for folder in writer.folders],
    }
    command = [sys.executable, "-I", "-S", _WORKER]
    return spawn(command, marshal.dumps(wish).hex().encode())
