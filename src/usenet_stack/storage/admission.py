"""What must be true of a drive before it may join the pool."""

from pathlib import Path

from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.storage.fitness import refuse_unfit
from usenet_stack.storage.layouts import (
    drive_place,
    folder_names,
    reserved_names,
)
from usenet_stack.storage.mounts import is_below, mount_of, read_mounts
from usenet_stack.storage.names import drive_name
from usenet_stack.storage.registry import read_pool, read_registry
from usenet_stack.storage.sentinel import refuse_foreign
from usenet_stack.storage.sources import Source, find_source

# Folders that hold the system, or everybody's files, and are no drive.
_NEVER = """
    / /bin /home /lib /lib64 /opt /root /run /run/media /sbin /tmp /var
    /var/lib /var/tmp
"""
_NEVER_INSIDE = "/boot /dev /etc /proc /sys /usr /var/lib/docker"
# Fine where a drive is mounted on the folder itself.
_PLACES = "/mnt /media /srv"


def admit(
    stack: Stack, named: str | Path, wanted: str | None
) -> tuple[Source, str]:
    """Check that a drive may join the pool; change nothing.

    Args:
        stack: whose pool.
        named: what the user named: a folder, a device or a UUID.
        wanted: the name in the pool, or None for the drive's own.

    Returns: the drive and its name in the pool.
    Raises:
        UsenetError: one of "storage.*".
    """
    source = find_source(named, stack.media_root.resolve())
    if not source.mounts:
        _refuse_system(source.path)
        _refuse_nesting(stack, source.path)
    own = Path(source.label or source.path.name)
    name = drive_name(own if source.mounts else source.path, wanted)
    _refuse_taken(stack, source, name)
    if not source.mounts:
        settings = stack.settings.stack
        names = tuple(folder_names(stack).values())
        refuse_foreign(source.path, read_pool(stack.folder).id)
        refuse_unfit(source.path, (settings.puid, settings.pgid), names)
    return source, name


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
        if other == source or drive.mounts:
            continue
        if is_below(source, other) or is_below(other, source):
            what = f"the pool's drive {name}"
            raise UsenetError(
                "storage.nested", path=source, what=what, other=other
            )


def _refuse_taken(stack: Stack, source: Source, name: str) -> None:
    target = drive_place(stack, name)
    table = read_mounts()
    registry = read_registry(stack.folder)
    for known, drive in registry.items():
        place = str(drive_place(stack, known))
        here = any(mount.target == place for mount in table)
        # The name of a device goes to another drive at the next plug.
        by_name = not (drive.mounts and drive.uuid)
        same = (by_name and Path(drive.source) == source.path) or (
            bool(source.uuid) and drive.uuid == source.uuid
        )
        if same and (here or known != name):
            raise UsenetError("storage.already", path=source.path, name=known)
        if known == name and not same:
            raise UsenetError("storage.taken", name=name, path=source.path)
    mounted = any(mount.target == str(target) for mount in table)
    occupied = target.is_dir() and any(target.iterdir())
    if mounted or occupied or name in reserved_names(stack):
        raise UsenetError("storage.taken", name=name, path=source.path)
