"""How the pool looks from inside the running containers.

A container's mount table is read from /proc, so nothing runs inside it and
no image needs a shell for it. That takes root, as mounting does.
"""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import msgspec

from usenet_stack.docker.engine import SERVICE_LABEL
from usenet_stack.errors import UsenetError
from usenet_stack.storage.mounts import Mount, is_below, mount_of, read_mounts

PAUSE_S = 0.02


class View(msgspec.Struct, frozen=True):
    """A container that shows a host folder, and where.

    Args:
        container: its name; `pid` that of its first process on the host.
        source: the folder of the host; `target` the one inside.
        service: the Compose service; `writable`: it may write there.
    """

    container: str
    pid: int
    source: str
    target: str
    service: str = ""
    writable: bool = True

    def inside(self, path: Path) -> str:
        """Return where a path of the host stands in the container."""
        return str(self.target / path.relative_to(self.source))


def views_from(inspected: list[dict[str, Any]], path: Path) -> list[View]:
    """Return how running containers see `path`.

    Args:
        inspected: what the Engine says of each (`/containers/ID/json`).
        path: a host path; the innermost bind that holds it counts.

    Raises:
        msgspec.ValidationError: the Engine said something else.
    """
    found = []
    for entry in msgspec.convert(inspected, list[_Inspected]):
        binds = [
            mount
            for mount in entry.Mounts
            if mount.Type == "bind" and is_below(path, mount.Source)
        ]
        if not entry.State.Running or not binds:
            continue
        bind = max(binds, key=lambda mount: len(mount.Source))
        name = entry.Name.lstrip("/")
        found.append(
            View(
                name,
                entry.State.Pid,
                bind.Source,
                bind.Destination,
                entry.Config.Labels.get(SERVICE_LABEL, ""),
                bind.RW,
            )
        )
    return found


class _State(msgspec.Struct):
    Running: bool
    Pid: int


class _Bind(msgspec.Struct):
    Type: str
    Source: str
    Destination: str
    RW: bool = True


class _Config(msgspec.Struct):
    Labels: dict[str, str] = {}


class _Inspected(msgspec.Struct):
    Name: str
    State: _State
    Mounts: list[_Bind]
    Config: _Config = msgspec.field(default_factory=_Config)


def shows(view: View, path: Path, device: str) -> bool | None:
    """Tell whether a container sees a mount of `device` at `path`.

    Returns: None when the container has ended meanwhile.
    """
    inside = view.inside(path)
    try:
        table = read_mounts(view.pid)
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError as problem:
        if problem.errno == 22:  # EINVAL: a zombie has no mount table
            return None
        raise
    if not table:
        return None
    holder = mount_of(inside, table)
    return holder.target == inside and holder.device == device


def wait_for(
    views: list[View],
    path: Path,
    device: str,
    *,
    there: bool,
    limit_s: float,
    told: Callable[[int], None] = lambda _done: None,
) -> list[str]:
    """Wait until every container sees a mount, or none does any more.

    Args:
        views: from `views_from`.
        path: the mountpoint on the host; `device` its "major:minor".
        there: True waits for it to appear, False for it to vanish.
        limit_s: seconds to wait in all.
        told: is called with how many have come so far.

    Returns: the containers where it did not happen in time.
    """
    deadline = time.monotonic() + limit_s
    waiting = views
    while True:
        waiting = [
            view
            for view in waiting
            if shows(view, path, device) not in (there, None)
        ]
        told(len(views) - len(waiting))
        if not waiting or time.monotonic() >= deadline:
            return [view.container for view in waiting]
        time.sleep(PAUSE_S)


class Holder(msgspec.Struct, frozen=True):
    """A process that keeps a file or folder in use.

    Args:
        pid, command: the process; `container` its container's name or "".
        count: how many handles it has there.
    """

    pid: int
    command: str
    container: str
    count: int

    def __str__(self) -> str:
        where = f" in container {self.container}" if self.container else ""
        return f"{self.command} (process {self.pid}{where})"


def holders(path: Path, views: list[View]) -> list[Holder]:
    """Return the processes with open files or folders in a pool mount.

    Works by mount numbers from /proc alone: the mount, which may be dead,
    is not touched. A copy in another mount namespace belongs to it by its
    peer group or, where nothing is shared, by device and place.

    Raises:
        UsenetError: "storage.root-needed" without the right to look.
    """
    if os.geteuid() != 0:
        raise UsenetError(
            "storage.root-needed",
            what="looking for open files",
            command="sudo usenet storage remove",
        )
    own = [m for m in read_mounts() if is_below(m.target, path)]
    names = {_namespace(view.pid): view for view in views}
    ours: dict[str, set[int]] = {}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        pid = int(process.name)
        try:
            key = _namespace(pid)
            if key not in ours:
                table = read_mounts(pid)
                ours[key] = _copies(own, table, names.get(key), path)
            count = _count_handles(process, ours[key], pid)
            if count:
                command = (process / "comm").read_text().strip()
                view = names.get(key)
                name = view.container if view else ""
                found.append(Holder(pid, command, name, count))
        except OSError:
            continue  # it has ended
    return sorted(found, key=lambda holder: holder.pid)


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/mnt").readlink())
    except OSError:
        return f"gone:{pid}"


def _copies(
    own: list[Mount], table: list[Mount], view: View | None, path: Path
) -> set[int]:
    groups = {mount.shared for mount in own if mount.shared is not None}
    numbers = {mount.id for mount in own}
    places = {str(path)} | ({view.inside(path)} if view else set())
    devices = {mount.device for mount in own}
    return {
        mount.id
        for mount in table
        if mount.id in numbers
        or mount.shared in groups
        or mount.master in groups
        or (
            mount.device in devices
            and any(is_below(mount.target, place) for place in places)
        )
    }


def _count_handles(process: Path, numbers: set[int], pid: int) -> int:
    if not numbers:
        return 0
    count = 0
    for info in (process / "fdinfo").iterdir():
        match = re.search(r"^mnt_id:\s*(\d+)", _text(info), re.MULTILINE)
        count += bool(match and int(match[1]) in numbers)
    table = read_mounts(pid)
    for link in ("cwd", "root"):
        place = (process / link).readlink()
        # Where a process is outside its own root, no mount holds it.
        held = any(is_below(place, mount.target) for mount in table)
        if place.is_absolute() and held:
            count += mount_of(PurePath(place), table).id in numbers
    return count


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
