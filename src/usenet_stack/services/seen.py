"""Figures that no API tells: they are seen from outside the application."""

import os
from collections.abc import Iterator

from usenet_stack.services.clients import clients_of
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service

Figures = dict[str, int | float | str]

# The variable by which an application works at set times only.
SCHEDULE = "CRON_SCHEDULE"
# Where what works by the clock leaves a trace of each run, below its own
# folder: the log of the run, and what it remembers for the next one.
TRACES = ("logs", "state")
# A folder that is deeper or fuller than this is no folder of traces.
DEEPEST = 3
MOST_FILES = 500


def seen_figures(
    stack: Stack, service: Service, container: str | None
) -> Figures:
    """Return what can be seen of a service without asking it.

    Args:
        container: its id, None when it has none or that is not known.

    Returns: `clients` of a file share, `last_run` (seconds since 1970) of
        what runs by the clock; what cannot be seen is left out.
    """
    found: Figures = {}
    if service.group == "sharing" and container is not None:
        clients = clients_of(container, service.health_port)
        if clients is not None:
            found["clients"] = clients
    if SCHEDULE in service.environment:
        last = last_run(str(stack.config_folder(service)))
        if last is not None:
            found["last_run"] = int(last)
    return found


def last_run(folder: str) -> float | None:
    """Return when the newest trace of a run was written, None without one.

    Args:
        folder: that of the service.
    """
    traces = [f"{folder}/{name}" for name in TRACES]
    newest = 0.0
    for count, time in enumerate(t for f in traces for t in _times(f, DEEPEST)):
        if count >= MOST_FILES:
            break
        newest = max(newest, time)
    return newest or None


def _times(folder: str, depth: int) -> Iterator[float]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    yield entry.stat(follow_symlinks=False).st_mtime
                elif depth and entry.is_dir(follow_symlinks=False):
                    yield from _times(entry.path, depth - 1)
    except OSError:
        return  # it is not there, or not for us to see
