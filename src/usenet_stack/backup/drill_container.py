"""A container of a stack once more, for a drill: the same, but harmless.

The copy runs from the same image, with the same environment, user and
limits. It sees what was restored in place of the stack's settings, and empty
folders in place of everything else of the machine.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from usenet_stack.backup.drill_network import NAMES
from usenet_stack.docker.engine import PROJECT_LABEL, SERVICE_LABEL
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service

Json = dict[str, Any]

# What of `docker inspect` makes a container what it is. Neither labels nor
# ports nor a restart policy are among it.
OWN = (
    *("Cmd", "Domainname", "Entrypoint", "Env", "Healthcheck", "Hostname"),
    *("OpenStdin", "Shell", "StopSignal", "StopTimeout", "Tty", "User"),
    "WorkingDir",
)
OF_THE_HOST = (
    *("CapAdd", "CapDrop", "CgroupnsMode", "CpuPeriod", "CpuQuota"),
    *("CpuShares", "CpusetCpus", "GroupAdd", "Init", "Memory"),
    *("MemoryReservation", "MemorySwap", "NanoCpus", "OomScoreAdj"),
    *("PidsLimit", "ReadonlyRootfs", "SecurityOpt", "ShmSize", "Sysctls"),
    *("Tmpfs", "Ulimits", "UsernsMode"),
)
# With these a container changes more than itself.
POWERS = {"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO"}
# An application that finds none works without.
GRAPHICS = ("/dev/dri", "/dev/kfd", "/dev/nvidia")
SYSTEM = ("/boot", "/dev", "/etc", "/proc", "/run", "/sys", "/var/run")
DOCKER_SOCKETS = ("docker.sock", "podman.sock")


class Drill(NamedTuple):
    """Where a drill takes place.

    Args:
        folder: with what was restored.
        project: of its containers; its network has the same name.
    """

    stack: Stack
    folder: Path
    project: str


def needs_the_machine(found: Json) -> str:
    """Return why a container is none that a drill can start, or "".

    Args:
        found: what the Engine knows of the stack's container.
    """
    return next(_needs(found), "")


def _needs(found: Json) -> Iterator[str]:
    host: Json = found["HostConfig"]
    if host.get("Privileged"):
        yield "is privileged"
    network = str(host.get("NetworkMode", ""))
    if network == "host":
        yield "needs the machine's own network"
    if network.startswith("container:"):
        yield "uses the network of another container"
    for key, what in (
        ("PidMode", "processes"),
        ("IpcMode", "shared memory"),
        ("UTSMode", "name"),
    ):
        if str(host.get(key, "")).partition(":")[0] in ("host", "container"):
            yield f"needs the {what} of the machine or of another container"
    for mount in _binds(found):
        yield from _needs_of_bind(Path(mount["Source"]))
    for device in host.get("Devices") or ():
        path = str(device["PathOnHost"])
        if not path.startswith(GRAPHICS):
            yield f"needs the device {path}"
    for name in host.get("CapAdd") or ():
        if name.removeprefix("CAP_") in POWERS:
            yield f"needs the capability {name.removeprefix('CAP_')}"


def _needs_of_bind(source: Path) -> Iterator[str]:
    if source.name in DOCKER_SOCKETS:
        yield "needs the Docker socket"
    if source.is_socket():
        yield f"needs the socket {source}"
    # A file, such as /etc/localtime, is shown as it is.
    if not source.is_file() and (
        source == Path("/") or any(map(source.is_relative_to, SYSTEM))
    ):
        yield f"needs {source} of the machine"


def _binds(found: Json) -> list[Json]:
    return [m for m in found.get("Mounts") or () if m["Type"] == "bind"]


def copied(drill: Drill, service: Service, found: Json) -> Json:
    """Return what the Engine makes the copy of a container from.

    Args:
        found: what the Engine knows of the stack's container.

    Raises:
        OSError: a file that the container sees is not in the backup.
    Effects: folders below the drill's.
    """
    own = {key: found["Config"].get(key) for key in OWN}
    host = {
        key: value
        for key in OF_THE_HOST
        if (value := found["HostConfig"].get(key))
    }
    binds = list(_mounts(drill, service, found))
    names = [service.name, *_aliases(found)]
    return {
        **{key: value for key, value in own.items() if value is not None},
        "Image": found["Image"],
        "Labels": {
            PROJECT_LABEL: drill.project,
            SERVICE_LABEL: service.name,
        },
        # Named volumes begin as those of the image do.
        "Volumes": {
            mount["Destination"]: {}
            for mount in found.get("Mounts") or ()
            if mount["Type"] == "volume"
        },
        "HostConfig": {
            **host,
            "Mounts": [*binds, *_memory(found)],
            "NetworkMode": drill.project,
            **NAMES,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
        },
        "NetworkingConfig": {
            "EndpointsConfig": {drill.project: {"Aliases": names}}
        },
    }


def _aliases(found: Json) -> list[str]:
    """Return the names under which the others know a container."""
    networks: Json = found["NetworkSettings"]["Networks"] or {}
    given = {
        name for each in networks.values() for name in each["Aliases"] or ()
    }
    return sorted(given - {str(found["Id"])[:12]})


def _memory(found: Json) -> list[Json]:
    mounts = found["HostConfig"].get("Mounts") or ()
    return [mount for mount in mounts if mount["Type"] == "tmpfs"]


def _mounts(drill: Drill, service: Service, found: Json) -> Iterator[Json]:
    for number, mount in enumerate(_binds(found)):
        source = Path(mount["Source"])
        stands_for = _stand_in(drill, service, source, number)
        yield {
            "Type": "bind",
            "Source": str(stands_for),
            "Target": mount["Destination"],
            "ReadOnly": not mount["RW"] or stands_for == source,
        }


def _stand_in(
    drill: Drill, service: Service, source: Path, number: int
) -> Path:
    """Return what a copy sees in place of a file or folder."""
    config = drill.stack.config_root.resolve()
    if source.is_relative_to(config):
        below = source.relative_to(config)
        top = (drill.folder / "config").resolve()
        restored = top / below
        if not restored.resolve().is_relative_to(top):
            raise OSError(f"config/{below} leads out of the backup")
        if not restored.exists():
            if source.is_file():
                raise OSError(f"config/{below} is not in the backup")
            _make(restored, source)
        return restored
    if source.is_file():
        return source
    empty = drill.folder / "empty" / service.name / str(number)
    _make(empty, source)
    if source == drill.stack.data_root.resolve():
        for folder in (drill.stack.media_root, drill.stack.downloads_root):
            below = folder.relative_to(drill.stack.data_root)
            _make(empty / below, source)
    return empty


def _make(folder: Path, like: Path) -> None:
    """Make a folder with owner and mode of another, where that is there."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        known = like.stat()
    except OSError:
        return
    for path in missing if os.geteuid() == 0 else ():
        os.chown(path, known.st_uid, known.st_gid)
        path.chmod(stat.S_IMODE(known.st_mode))
