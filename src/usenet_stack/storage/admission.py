"""What must be true of a folder before it may join the pool."""

import os
from pathlib import Path

from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.storage.mounts import is_below, mount_of, read_mounts
from usenet_stack.storage.names import drive_name
from usenet_stack.storage.pool import MEDIA_TYPES
from usenet_stack.storage.probe import Request, probe
from usenet_stack.storage.registry import read_registry

# Folders that hold the system, or everybody's files, and are no drive.
_NEVER = """
    / /bin /home /lib /lib64 /opt /root /run /run/media /sbin /tmp /var
    /var/lib /var/tmp
"""
_NEVER_INSIDE = "/boot /dev /etc /proc /sys /usr /var/lib/docker"
# Less could not even hold a subtitle and the sentinel of a drive.
LEAST_FREE = 1024**2
# Fine where a drive is mounted on the folder itself.
_PLACES = "/mnt /media /srv"


def admit(stack: Stack, path: Path, wanted: str | None) -> tuple[Path, str]:
    """Check that a folder may join the pool; change nothing.

    Args:
        stack: whose pool.
        path: what the user named.
        wanted: the name in the pool, or None for the folder's own.

    Returns: the real folder and its name in the pool.
    Raises:
        UsenetError: "storage.path", "storage.silent", "storage.system",
            "storage.nested", "storage.read-only", "storage.name",
            "storage.taken".
    """
    source = _real_folder(path)
    _refuse_system(source)
    _refuse_nesting(stack, source)
    name = drive_name(source, wanted)
    _refuse_taken(stack, source, name)
    _refuse_unwritable(stack, source)
    return source, name


def _real_folder(path: Path) -> Path:
    full = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100
    (answer,) = probe([Request("stat", str(full), doubtful=True)])
    if answer.state == "silent":
        raise UsenetError("storage.silent", path=full)
    if not answer.ok or not answer.data["folder"]:
        why = answer.why or "It is no folder."
        raise UsenetError("storage.path", path=repr(str(path)), why=why)
    return Path(answer.data["real"])


def _refuse_system(source: Path) -> None:
    place = str(source)
    never = place in _NEVER.split()
    inside = any(is_below(place, top) for top in _NEVER_INSIDE.split())
    bare = place in _PLACES.split() and (
        mount_of(place, read_mounts()).target != place
    )
    if never or inside or bare:
        raise UsenetError("storage.system", path=source)


def _refuse_nesting(stack: Stack, source: Path) -> None:
    ours = {
        "the pool": stack.media_root,
        "the data folder": stack.data_root,
        "the settings of the services": stack.config_root,
        "the stack": stack.folder,
    }
    for what, path in ours.items():
        other = path.resolve()
        if is_below(source, other) or is_below(other, source):
            raise UsenetError(
                "storage.nested", path=source, what=what, other=other
            )
    for name, drive in read_registry(stack.folder).items():
        other = Path(drive.source)
        if other == source:
            continue
        if is_below(source, other) or is_below(other, source):
            what = f"the pool's drive {name}"
            raise UsenetError(
                "storage.nested", path=source, what=what, other=other
            )


def _refuse_taken(stack: Stack, source: Path, name: str) -> None:
    target = stack.media_root.resolve() / name
    mounted = any(mount.target == str(target) for mount in read_mounts())
    registry = read_registry(stack.folder)
    for known, drive in registry.items():
        away = known == name and not mounted
        if Path(drive.source) == source and not away:
            raise UsenetError("storage.already", path=source, name=known)
    other = registry.get(name)
    foreign = other is not None and Path(other.source) != source
    occupied = target.is_dir() and any(target.iterdir())
    if mounted or occupied or foreign or name in MEDIA_TYPES:
        raise UsenetError("storage.taken", name=name, path=source)


def _refuse_unwritable(stack: Stack, source: Path) -> None:
    uid, gid = stack.settings.stack.puid, stack.settings.stack.pgid
    place = str(source)
    write, space = probe(
        [
            Request("write", place, doubtful=True),
            Request("statvfs", place, doubtful=True),
        ],
        identity=(uid, gid),
    )
    codes = {"EROFS": "storage.read-only", "ENOSPC": "storage.full"}
    code = ""
    if "silent" in (write.state, space.state):
        code = "storage.silent"
    elif not write.ok:
        code = codes.get(write.errno, "storage.unwritable")
    elif space.data.get("free", 0) < LEAST_FREE:
        code = "storage.full"
    if code:
        raise UsenetError(code, path=source, uid=uid, gid=gid, why=write.why)
