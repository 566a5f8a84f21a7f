"""What must hold before a restore: room, mounts, owners, versions."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from usenet_stack.backup.facts import service_facts
from usenet_stack.backup.manifest import Manifest
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.storage import read_mounts

RESERVE = 64 * 1024 * 1024
MIB = 1024 * 1024
# A file takes whole blocks, and its inode.
EACH_FILE = 4096


def check_room(manifest: Manifest, near: Path) -> None:
    """Refuse a restore that the disk cannot hold beside what is there.

    Raises:
        UsenetError: backup.no-room.
    """
    place = near
    while not place.exists():
        place = place.parent
    disk = os.statvfs(place)
    free = disk.f_bavail * disk.f_frsize - RESERVE
    wanted = manifest.size + manifest.files * EACH_FILE
    if wanted > free:
        raise UsenetError(
            "backup.no-room",
            wanted=f"{wanted / MIB:.0f} MiB",
            free=f"{max(free, 0) / MIB:.0f} MiB",
            path=near,
        )


def check_folders(stack: Stack, names: Sequence[str]) -> None:
    """Refuse folders that cannot be swapped as a whole.

    Raises:
        UsenetError: backup.mount-inside, backup.needs-root.
    """
    mounts = [mount.target for mount in read_mounts()]
    for name in names:
        folder = stack.config_folder(stack.catalog[name]).resolve()
        for target in mounts:
            if target == str(folder) or target.startswith(f"{folder}/"):
                raise UsenetError(
                    "backup.mount-inside", service=name, path=target
                )
        if folder.exists() and os.geteuid() not in (0, folder.stat().st_uid):
            uid = folder.stat().st_uid
            raise UsenetError("backup.needs-root", path=folder, uid=uid)


def check_versions(
    stack: Stack, manifest: Manifest, names: Sequence[str]
) -> None:
    """Refuse an application that is older than its data.

    Its database would have tables that it does not know.

    Raises:
        UsenetError: backup.older-app.
    """
    chosen = [stack.catalog[name] for name in names]
    here = {fact.name: fact.version for fact in service_facts(stack, chosen)}
    for fact in manifest.services:
        have, need = here.get(fact.name, ""), fact.version
        if have and need and numbers(have) < numbers(need):
            raise UsenetError(
                "backup.older-app", service=fact.name, have=have, need=need
            )


def numbers(version: str) -> tuple[int, ...]:
    """Return what of a version can be compared: "v4.0.1-ls2" is 4, 0, 1."""
    found = re.match(r"\D*((?:\d+\.)*\d+)", version)
    return tuple(map(int, found[1].split("."))) if found else ()
