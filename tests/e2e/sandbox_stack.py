"""Sandbox stacks for tests: each with a folder and a project of its own."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli_process import Cli
from images.build import docker
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.model import load_stack
from usenet_stack.storage import read_mounts

LABEL = "com.docker.compose.project"
ALL = tuple(
    service.name for service in load_catalog().values() if service.default
)


def containers(host: str, project: str) -> dict[str, dict[str, Any]]:
    """Return what `docker inspect` tells of a project, by service."""
    ids = docker(
        host, "ps", "-aq", "--filter", f"label={LABEL}={project}"
    ).split()
    if not ids:
        return {}
    found = json.loads(docker(host, "inspect", *ids))
    return {
        c["Config"]["Labels"]["com.docker.compose.service"]: c for c in found
    }


def identities(host: str, project: str) -> dict[str, tuple[str, str]]:
    """Return id and start time of each container of a project."""
    return {
        name: (c["Id"], c["State"]["StartedAt"])
        for name, c in containers(host, project).items()
    }


def write_stack(folder: Path, name: str, services: Sequence[str]) -> None:
    """Write the stack.toml of a sandbox with only some services."""
    folder.mkdir(parents=True)
    off = [service for service in ALL if service not in services]
    folder.joinpath("stack.toml").write_text(
        f'[stack]\nname = "{name}"\nsandbox = true\n'
        f"[services]\ndisable = {json.dumps(off)}\n"
    )


@contextmanager
def small_stack(
    cli: Cli, host: str, folder: Path, services: Sequence[str]
) -> Iterator[str]:
    """Hand out the project of a new small sandbox; destroy it at the end."""
    name = f"t{os.getpid()}-{folder.name}"
    write_stack(folder, name, services)
    project = load_stack(folder).project
    try:
        yield project
    finally:
        take_down(host, project, folder)


def take_down(host: str, project: str, folder: Path) -> None:
    """Remove what a stack left on the machine, however it ended."""
    found = containers(host, project)
    if found:
        docker(host, "rm", "-f", *(c["Id"] for c in found.values()))
    networks = docker(
        host, "network", "ls", "-q", "--filter", f"label={LABEL}={project}"
    ).split()
    if networks:
        docker(host, "network", "rm", *networks)
    while is_mounted(folder / "data"):
        subprocess.run(["umount", "-l", folder / "data"], check=True)


def is_mounted(folder: Path) -> bool:
    """Tell whether something is mounted there; also a bind of the same disk,
    which `os.path.ismount` does not see."""
    return any(mount.target == str(folder) for mount in read_mounts())
