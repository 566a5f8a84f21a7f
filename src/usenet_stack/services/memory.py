"""How much memory a container needs.

Source: docker/cli, `docker stats`: what is used, less cached files.
"""

from pathlib import Path
from typing import Any

from usenet_stack.services.control_groups import ROOT, version_1, version_2


def memory_of(container: str, root: Path = ROOT) -> int | None:
    """Return the bytes that a container needs, its cached files left out.

    Args:
        container: its whole id.

    Returns: None when it does not run, or its control group is elsewhere
        (another machine, rootless Docker).
    """
    for folder in version_2(container, root):
        found = _read(folder, "memory.current", "inactive_file")
        if found is not None:
            return found
    for folder in version_1(container, ("memory",), root):
        found = _read(folder, "memory.usage_in_bytes", "total_inactive_file")
        if found is not None:
            return found
    return None


def _read(folder: Path, usage: str, cached: str) -> int | None:
    try:
        used = int((folder / usage).read_text())
        table = (folder / "memory.stat").read_text()
    except OSError:
        return None
    parts = dict(line.split() for line in table.splitlines())
    return _needed(used, int(parts.get(cached, 0)))


def memory_in_sample(sample: dict[str, Any]) -> int | None:
    """Return the same from what the Engine tells.

    Args:
        sample: `Engine.stats`; that of a stopped container is empty.
    """
    memory: dict[str, Any] = sample.get("memory_stats") or {}
    usage = memory.get("usage")
    if not usage:
        return None
    parts: dict[str, int] = memory.get("stats") or {}
    cached = parts.get("total_inactive_file", parts.get("inactive_file", 0))
    return _needed(int(usage), cached)


def _needed(usage: int, cached: int) -> int:
    return usage - cached if cached < usage else usage
