"""How much memory a container needs, without asking the Engine.

The Engine answers a question for statistics at its next tick, up to a second
later, and one container after another; the kernel answers at once.

Source: docker/cli, `docker stats`: what is used, less cached files.
"""

from pathlib import Path
from typing import Any, NamedTuple

CONTROL_GROUPS = Path("/sys/fs/cgroup")


class _Version(NamedTuple):
    folders: tuple[str, ...]
    usage: str
    cached: str


# Docker's two drivers: cgroupfs and systemd; below the root or a slice.
_VERSIONS = (
    _Version(
        ("system.slice/docker-{id}.scope", "docker/{id}"),
        "memory.current",
        "inactive_file",
    ),
    _Version(
        ("memory/docker/{id}", "memory/system.slice/docker-{id}.scope"),
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)


def memory_of(container: str, root: Path = CONTROL_GROUPS) -> int | None:
    """Return the bytes that a container needs, its cached files left out.

    Args:
        container: its whole id.

    Returns: None when it does not run, or its control group is elsewhere
        (another machine, rootless Docker).
    """
    for version in _VERSIONS:
        for name in version.folders:
            folder = root / name.format(id=container)
            try:
                usage = int((folder / version.usage).read_text())
                table = (folder / "memory.stat").read_text()
            except OSError:
                continue
            parts = dict(line.split() for line in table.splitlines())
            return _needed(usage, int(parts.get(version.cached, 0)))
    return None


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
