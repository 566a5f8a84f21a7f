"""Where the kernel accounts for a container, without asking the Engine.

The Engine answers a question for statistics at its next tick, up to a second
later, and one container after another; the kernel answers at once.
"""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
# Docker's two drivers: systemd and cgroupfs.
NAMES = ("system.slice/docker-{id}.scope", "docker/{id}")
# Which processes are in it stands in every hierarchy of version 1.
ANY = ("memory", "cpuacct", "cpu,cpuacct", "pids", "systemd")


def version_2(container: str, root: Path = ROOT) -> Iterator[Path]:
    """Yield the folders that a container may have in the one hierarchy."""
    for name in NAMES:
        yield root / name.format(id=container)


def version_1(
    container: str, controllers: tuple[str, ...], root: Path = ROOT
) -> Iterator[Path]:
    """Yield the folders that it may have with one of some controllers."""
    for controller in controllers:
        for name in NAMES:
            yield root / controller / name.format(id=container)


def process_of(container: str, root: Path = ROOT) -> int | None:
    """Return a process of a container, as this machine numbers it.

    Args:
        container: its whole id.

    Returns: None when it does not run, or its control group is elsewhere.
    """
    folders = (*version_2(container, root), *version_1(container, ANY, root))
    for folder in folders:
        try:
            text = (folder / "cgroup.procs").read_text()
        except OSError:
            continue
        # 0 is a process of another namespace of processes.
        numbers = [int(line) for line in text.split() if line != "0"]
        if numbers:
            return numbers[0]
    return None
