"""What the manifest tells of the world a backup was made in."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack.backup.manifest import GitState, ServiceFacts
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service

SECONDS = 3.0
VERSION_LABELS = (
    "org.opencontainers.image.version",
    "build_version",
)


def service_facts(
    stack: Stack, services: Iterable[Service]
) -> tuple[ServiceFacts, ...]:
    """Return what services run from; no backup fails when nobody tells."""
    deployed = _deployed(stack.folder)
    versions = _versions(stack)
    found = []
    for service in services:
        own = deployed.get(service.name, {})
        found.append(
            ServiceFacts(
                service.name,
                str(own.get("reference") or service.image),
                str(own.get("digest", "")),
                versions.get(service.name, ""),
            )
        )
    return tuple(found)


def _deployed(folder: Path) -> dict[str, dict[str, str]]:
    """What `deploy` noted of the images; see docs/reference/files.md."""
    try:
        content = (folder / ".usenet/images.json").read_bytes()
        return msgspec.json.decode(content, type=dict[str, dict[str, str]])
    except (OSError, msgspec.DecodeError):
        return {}


def _versions(stack: Stack) -> dict[str, str]:
    # Only now: the first databases are copied while this is imported.
    from usenet_stack.docker.engine import SERVICE_LABEL, Engine

    # The labels of a container are those of its image and its own.
    try:
        containers = Engine(seconds=SECONDS).containers(stack.project)
    except UsenetError:
        return {}
    return {
        str(labels[SERVICE_LABEL]): version
        for container in containers
        if (labels := container.get("Labels") or {}).get(SERVICE_LABEL)
        and (version := _version(labels))
    }


def _version(labels: dict[str, Any]) -> str:
    found = (str(labels.get(name, "")) for name in VERSION_LABELS)
    return next((text for text in found if text), "")


def git_state(folder: Path) -> GitState | None:
    """Return the commit of the stack's folder, where it is a repository."""
    if not (folder / ".git").exists():
        return None
    commit = _git(folder, "rev-parse", "HEAD")
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return GitState(commit or "", branch or "", bool(status))


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
