"""Which containers a drill can start, and what its copies look like."""

import socket
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from usenet_stack.backup.drill_container import (
    Drill,
    copied,
    needs_the_machine,
)
from usenet_stack.backup.drill_files import unpack
from usenet_stack.backup.manifest import FileRecord
from usenet_stack.backup.members import Member
from usenet_stack.backup.reading import Content
from usenet_stack.stack.model import load_stack

Json = dict[str, Any]


def container(*binds: str, **host: Any) -> Json:
    """Return what the Engine tells of a container, as far as it matters.

    Args:
        binds: "/source:/target", with ":ro" behind it or not.
    """
    mounts = [
        {"Type": "bind", "Source": s, "Destination": d, "RW": not ro}
        for s, d, ro in [(*bind.split(":"), "")[:3] for bind in binds]
    ]
    return {
        "Id": "0123456789abcdef",
        "Image": "sha256:1",
        "Config": {
            "Env": ["A=b"],
            "Image": "app:latest",
            "Labels": {"com.docker.compose.project": "usenet"},
            "ExposedPorts": {"80/tcp": {}},
        },
        "HostConfig": {"NetworkMode": "usenet_default", **host},
        "Mounts": mounts,
        "NetworkSettings": {
            "Networks": {"n": {"Aliases": ["app", "0123456789ab", "db"]}}
        },
    }


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (container(Privileged=True), "is privileged"),
        (container(NetworkMode="host"), "needs the machine's own network"),
        (
            container(NetworkMode="container:1"),
            "uses the network of another container",
        ),
        (
            container(PidMode="host"),
            "needs the processes of the machine or of another container",
        ),
        (
            container(IpcMode="container:1"),
            "needs the shared memory of the machine or of another container",
        ),
        (
            container("/run/user/1/docker.sock:/var/run/docker.sock"),
            "needs the Docker socket",
        ),
        (container("/proc:/host/proc:ro"), "needs /proc of the machine"),
        (container("/sys/class:/s"), "needs /sys/class of the machine"),
        (container("/:/host"), "needs / of the machine"),
        (
            container(Devices=[{"PathOnHost": "/dev/net/tun"}]),
            "needs the device /dev/net/tun",
        ),
        (container(CapAdd=["CAP_SYS_ADMIN"]), "needs the capability SYS_ADMIN"),
        (container(CapAdd=["ALL"]), "needs the capability ALL"),
        (container(), ""),
        (container(IpcMode="private", PidMode=""), ""),
        (container("/media/films:/films", "/etc/hosts:/etc/hosts:ro"), ""),
        (container(Devices=[{"PathOnHost": "/dev/dri"}]), ""),
        (container(CapAdd=["NET_RAW"]), ""),
    ],
)
def test_what_needs_the_machine(found: Json, why: str) -> None:
    assert needs_the_machine(found) == why


def test_any_socket_is_the_machines(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        found = container(f"{tmp_path}/s:/s")
        assert needs_the_machine(found) == f"needs the socket {tmp_path}/s"


@pytest.fixture
def drill(tmp_path: Path) -> Drill:
    folder = tmp_path / "stack"
    (folder / "config/sonarr/certs").mkdir(parents=True)
    (folder / "config/sonarr/lost.conf").touch()
    (folder / "cache").mkdir()
    (folder / "films").mkdir()
    (folder / "stack.toml").write_text('[stack]\nname = "s"\n')
    drilled = folder / ".usenet/drill-1"
    (drilled / "config/sonarr").mkdir(parents=True)
    return Drill(load_stack(folder), drilled, "usenet-drill-1")


def mounts(drill: Drill, *binds: str) -> dict[str, tuple[str, bool]]:
    """Return target, source and whether it is read-only of a copy's."""
    service = drill.stack.catalog["sonarr"]
    body = copied(drill, service, container(*binds))
    return {
        m["Target"]: (m["Source"], m["ReadOnly"])
        for m in body["HostConfig"]["Mounts"]
    }


def test_only_what_was_restored_is_seen(drill: Drill) -> None:
    stack, own = drill.stack.folder, drill.folder
    found = mounts(
        drill,
        f"{stack}/config/sonarr:/config",
        f"{stack}/config/sonarr/certs:/certs:ro",
        f"{stack}/cache:/cache",
        f"{stack}/data:/data",
        "/etc/hostname:/etc/hostname",
    )
    empty = own / "empty/sonarr"
    assert found == {
        "/config": (f"{own}/config/sonarr", False),
        "/certs": (f"{own}/config/sonarr/certs", True),
        "/cache": (f"{empty}/2", False),
        "/data": (f"{empty}/3", False),
        "/etc/hostname": ("/etc/hostname", True),
    }
    for source, _ in found.values():
        assert Path(source).exists()
    inside = {str(p.relative_to(empty / "3")) for p in empty.glob("3/**")}
    assert {"media", "downloads"} <= inside


def test_what_the_backup_lacks_or_leads_elsewhere_is_refused(
    drill: Drill,
) -> None:
    there = f"{drill.stack.folder}/config/sonarr"
    with pytest.raises(OSError, match=r"lost\.conf is not in the backup"):
        mounts(drill, f"{there}/lost.conf:/lost")
    (drill.folder / "config/sonarr/certs").symlink_to("/etc")
    with pytest.raises(OSError, match="leads out of the backup"):
        mounts(drill, f"{there}/certs:/certs")


def test_a_copy_publishes_nothing_and_keeps_what_makes_it(
    drill: Drill,
) -> None:
    found = container(
        Memory=1000,
        CapAdd=["CAP_NET_RAW"],
        Devices=[{"PathOnHost": "/dev/dri"}],
        ExtraHosts=["a:1.2.3.4"],
        PortBindings={"80/tcp": [{"HostPort": "80"}]},
        RestartPolicy={"Name": "always"},
        PublishAllPorts=True,
    )
    found["Mounts"] = [{"Type": "volume", "Destination": "/v", "Name": "big"}]
    body = copied(drill, drill.stack.catalog["sonarr"], found)
    host = body["HostConfig"]
    assert (body["Image"], body["Env"]) == ("sha256:1", ["A=b"])
    assert (host["Memory"], host["CapAdd"]) == (1000, ["CAP_NET_RAW"])
    assert body["Volumes"] == {"/v": {}}, "and not the one of that name"
    assert host["NetworkMode"] == "usenet-drill-1"
    assert body["Labels"] == {
        "com.docker.compose.project": "usenet-drill-1",
        "com.docker.compose.service": "sonarr",
    }
    (network,) = body["NetworkingConfig"]["EndpointsConfig"].values()
    assert network["Aliases"] == ["sonarr", "app", "db"]
    named = {*host, *body}
    assert not named & {
        *("Devices", "ExtraHosts", "PortBindings", "RestartPolicy"),
        *("PublishAllPorts", "ExposedPorts"),
    }


@pytest.mark.parametrize(
    ("target", "placed"),
    [
        ("near", True),
        ("../near", True),
        ("../..", True),
        ("../../..", False),
        ("/etc", False),
        # "up" may lead to the top of the service: then this leads out of it.
        ("up/..", False),
        ("near/./far", True),
    ],
)
def test_links_stay_inside_their_service(
    tmp_path: Path, target: str, placed: bool
) -> None:
    folders = [
        Member(name, "folder", 0o755)
        for name in (b"config/s", b"config/s/a", b"config/s/a/b")
    ]
    link = Member(b"config/s/a/b/l", "link", 0o777, target=target.encode())
    entries = [
        (member, FileRecord(member.name.decode()), Content(BytesIO(), member))
        for member in (*folders, link)
    ]
    assert unpack(iter(entries), tmp_path / "out") == []
    assert (tmp_path / "out/config/s/a/b/l").is_symlink() is placed
