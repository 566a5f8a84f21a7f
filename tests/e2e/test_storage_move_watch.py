"""The content of a drive moves; a drive is yanked and comes back."""

import fcntl
import json
import os
import select
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pool_stack import FAULTS, Sandbox, deployed, tree
from usenet_stack.apps.jellyfin import Jellyfin
from usenet_stack.apps.registry import open_app
from usenet_stack.apps.servarr import Servarr
from usenet_stack.apps.transmission import Transmission
from usenet_stack.stack.secrets import read_env
from usenet_stack.storage import read_mounts
from usenet_stack.storage.registry import read_registry

pytestmark = pytest.mark.timeout(300)
SERVICES = ("sonarr", "radarr", "jellyfin", "transmission", "mylar3")
SIZE = 48 << 20
LOOP_SET_STATUS64, LOOP_GET_STATUS64 = 0x4C04, 0x4C05
OFFSET_AT, STATUS_BYTES = 24, 232


@pytest.fixture(scope="module")
def sandbox(
    docker_host: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    home = tmp_path_factory.mktemp("move")
    with deployed(home, docker_host, SERVICES) as found:
        yield found


class Plug:
    """A drive that can be plugged in and yanked out, on one image."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.image, self.place = folder / "image", folder / "disk"
        self.place.mkdir()
        self.image.touch()
        os.truncate(self.image, SIZE)
        make = ["mkfs.ext4", "-q", "-E", "root_owner=1000:1000", self.image]
        subprocess.run(make, check=True)
        self.loops: list[str] = []

    def plug(self) -> None:
        command = ["losetup", "--find", "--show", str(self.image)]
        loop = subprocess.check_output(command, text=True).strip()
        self.loops.append(loop)
        subprocess.run(["mount", loop, self.place], check=True)

    def yank(self) -> None:
        """Make the device empty under its mount: all its I/O fails now.

        The kernel tells of it as it does of a reader without its card.
        """
        device = os.open(self.loops[-1], os.O_RDONLY)
        try:
            status = bytearray(STATUS_BYTES)
            fcntl.ioctl(device, LOOP_GET_STATUS64, status)
            struct.pack_into("<Q", status, OFFSET_AT, SIZE)
            fcntl.ioctl(device, LOOP_SET_STATUS64, status)
        finally:
            os.close(device)

    def clear(self) -> None:
        for mount in reversed(read_mounts()):
            if mount.source in self.loops:
                subprocess.run(["umount", "-l", mount.target], check=True)
        for loop in self.loops:
            subprocess.run(["losetup", "--detach", loop], check=False)


@pytest.fixture
def make_plug(tmp_path: Path) -> Iterator[Callable[[str], Plug]]:
    made: list[Plug] = []

    def make(name: str) -> Plug:
        made.append(Plug(tmp_path / name))
        made[-1].plug()
        return made[-1]

    yield make
    for plug in made:
        plug.clear()


@pytest.fixture(autouse=True)
def empty(sandbox: Sandbox, make_plug: Callable[[str], Plug]) -> Iterator[None]:
    """Leave nothing to the other tests of the module."""
    yield
    sonarr = app_of(sandbox, "sonarr")
    for each in sonarr.list("series"):
        sonarr.delete("series", each["id"])
    for name in read_registry(sandbox.folder):
        assert sandbox.run("remove", name, "--force").rc == 0


def app_of(sandbox: Sandbox, name: str) -> Any:
    stack = sandbox.stack
    env = read_env(stack.folder)
    app = open_app(stack, stack.resolve(name), env, 10)
    assert app is not None
    return app


def fill(sandbox: Sandbox, drive: Path, pool_name: str, first: int) -> None:
    """Put two series and a torrent on a drive, known to applications."""
    sonarr = app_of(sandbox, "sonarr")
    assert isinstance(sonarr, Servarr)
    profile = sonarr.list("qualityprofile")[0]["id"]
    for number in (first, first + 1):
        folder = drive / "tv" / f"Show {number}"
        folder.mkdir()
        (folder / "S01E01.mkv").write_bytes(os.urandom(200_000))
        os.sync()
        sonarr.create(
            "series",
            {
                "title": f"Show {number}",
                "tvdbId": number,
                "qualityProfileId": profile,
                "rootFolderPath": f"/data/media/{pool_name}/tv",
                "monitored": True,
            },
        )
    seeds = app_of(sandbox, "transmission")
    assert isinstance(seeds, Transmission)
    if not seeds.torrents():
        seeds._call(
            "torrent-add",
            {
                "filename": f"magnet:?xt=urn:btih:{'a' * 40}&dn=Show",
                "download-dir": f"/data/media/{pool_name}/tv",
            },
        )


def episodes(drive: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(drive)): path.read_bytes()
        for path in drive.glob("tv/*/*")
    }


def files_known(sandbox: Sandbox) -> dict[str, int]:
    """Return how many files Sonarr knows of each series, by path."""
    return {
        each["path"]: each["statistics"]["episodeFileCount"]
        for each in app_of(sandbox, "sonarr").list("series")
    }


def scanned(sandbox: Sandbox) -> dict[str, int]:
    """Let Sonarr scan its disks, and return what it knows afterwards."""
    sonarr = app_of(sandbox, "sonarr")
    number = sonarr.command("RescanSeries")["id"]
    end = time.monotonic() + 20
    while sonarr.get("command", number)["status"] != "completed":
        assert time.monotonic() < end
        time.sleep(0.05)
    return files_known(sandbox)


def test_move_to_another_drive(
    sandbox: Sandbox, make_plug: Callable[[str], Plug]
) -> None:
    """Given series on a drive, when it is emptied, all follow."""
    one, two = make_plug("one"), make_plug("two")
    for name, plug in (("old", one), ("new", two)):
        assert sandbox.run("add", plug.place, "--name", name).rc == 0
    fill(sandbox, one.place, "old", 10)
    assert list(scanned(sandbox).values()) == [1, 1]
    before = episodes(one.place)
    identities = sandbox.identities()

    planned = sandbox.run("remove", "old", "--move-to", "new", "--dry-run")
    assert planned.rc == 0, planned
    assert files_known(sandbox).keys() == {
        "/data/media/old/tv/Show 10",
        "/data/media/old/tv/Show 11",
    }
    done = sandbox.run("remove", "old", "--move-to", "new")
    assert done.rc == 0, done
    assert done.json["data"]["moved"]["files"] == 2
    assert done.json["data"]["removed"] == "old"
    (not_told,) = [
        message["text"]
        for message in done.json["messages"]
        if message["text"].startswith("Not told")
    ]
    assert "mylar3" in not_told
    assert "sonarr" not in not_told

    assert episodes(two.place) == before
    assert not list(one.place.glob("tv/*"))
    assert scanned(sandbox) == {
        "/data/media/new/tv/Show 10": 1,
        "/data/media/new/tv/Show 11": 1,
    }
    (torrent,) = app_of(sandbox, "transmission").torrents("downloadDir")
    assert torrent["downloadDir"] == "/data/media/new/tv"
    jellyfin = app_of(sandbox, "jellyfin")
    jellyfin.sign_in()
    items = jellyfin.http.get("/Items").list_at("Items")
    assert [i["Path"] for i in items] == [
        f"/data/media/new/tv/Show {n}/S01E01.mkv" for n in (10, 11)
    ]
    assert sandbox.identities() == identities


@contextmanager
def watching(sandbox: Sandbox) -> Iterator[Iterator[dict[str, Any]]]:
    """Run `usenet storage watch`; hand out its notices as they come."""
    process = sandbox.cli.start(
        "storage", "watch", "--stack", sandbox.folder, "--format", "json",
        env={"DOCKER_HOST": sandbox.host},
    )  # fmt: skip
    assert process.stdout is not None

    def notices() -> Iterator[dict[str, Any]]:
        while True:
            ready, _, _ = select.select([process.stdout], [], [], 15)
            assert ready, "nothing was said for 15 seconds"
            yield json.loads(process.stdout.readline())

    try:
        yield notices()
    finally:
        process.send_signal(signal.SIGTERM)
        _, problems = process.communicate(timeout=20)
        assert (process.returncode, problems) == (0, "")


def reading(sandbox: Sandbox, service: str, path: str) -> subprocess.Popen[str]:
    """Let a container read a file all the time."""
    project = sandbox.stack.project
    script = f"while :; do cat '{path}' >/dev/null 2>&1; done"
    docker = shutil.which("docker")
    assert docker is not None
    return subprocess.Popen(
        [docker, "--host", sandbox.host, "exec", f"{project}-{service}-1",
         "sh", "-c", script],
        text=True,
    )  # fmt: skip


def test_a_yanked_drive_is_fenced_and_comes_back(
    sandbox: Sandbox, make_plug: Callable[[str], Plug]
) -> None:
    """Given a drive in use, when it is yanked, nobody forgets its files."""
    plug = make_plug("usb")
    assert sandbox.run("add", plug.place, "--name", "usb").rc == 0
    fill(sandbox, plug.place, "usb", 20)
    known = scanned(sandbox)
    assert list(known.values()) == [1, 1]
    jellyfin = app_of(sandbox, "jellyfin")
    assert isinstance(jellyfin, Jellyfin)
    triggers, live = jellyfin.scan_triggers(), jellyfin.realtime()
    assert triggers
    assert live
    folders = sandbox.folders()
    place = sandbox.stack.media_root / "usb"
    with watching(sandbox) as notices:
        assert next(notices)["event"] == "watching"
        file = "/data/media/usb/tv/Show 20/S01E01.mkv"
        reader = reading(sandbox, "sonarr", file)
        start = time.monotonic()
        plug.yank()
        lost = next(notices)
        assert (lost["event"], lost["drive"]) == ("fenced", "usb")
        assert time.monotonic() - start < 2
        reader.kill()
        reader.wait()
        assert str(place) not in {m.target for m in read_mounts()}
        with pytest.raises(OSError):
            (place / "stray").touch()
        noted = next(notices)
        assert noted["event"] == "noted"
        assert noted["journal"]
        assert jellyfin.scan_triggers() == []
        assert jellyfin.realtime() == []

        assert scanned(sandbox) == known

        subprocess.run(["umount", "-l", plug.place], check=True)
        plug.plug()
        back = next(notices)
        assert (back["event"], back["drive"]) == ("attached", "usb"), back
    assert (place / "tv/Show 20/S01E01.mkv").stat().st_size == 200_000
    assert scanned(sandbox) == known
    assert jellyfin.scan_triggers() == triggers
    assert jellyfin.realtime() == live
    assert sandbox.folders() == folders


FAULTY = (
    ("sonarr", "/editor$", {"status": 500, "count": 1}),
    ("sonarr", "/editor$", {"status": 401, "count": 1}),
    ("sonarr", "/editor$", {"status": 409, "count": 1}),
    ("sonarr", "/editor$", {"reset": True, "after_apply": True, "count": 1}),
    ("sonarr", "/editor$", {"garbage": True, "count": 1}),
    ("transmission", "/rpc$", {"status": 500, "count": 9}),
    ("transmission", "/rpc$", {"reset": True, "after_apply": True}),
)


@pytest.fixture
def two_drives(
    sandbox: Sandbox, make_plug: Callable[[str], Plug]
) -> Iterator[tuple[Path, Path]]:
    places = []
    for name in ("from", "to"):
        plug = make_plug(name)
        assert sandbox.run("add", plug.place, "--name", name).rc == 0
        places.append(plug.place)
    fill(sandbox, places[0], "from", 30)
    yield places[0], places[1]
    for service in ("sonarr", "transmission"):
        sandbox.tell(service, FAULTS, None)


def test_an_application_that_fails_undoes_all(
    sandbox: Sandbox, two_drives: tuple[Path, Path]
) -> None:
    """Given a move, when any application fails, nothing has moved."""
    scanned(sandbox)
    torrents = app_of(sandbox, "transmission")
    seeds = torrents.torrents("downloadDir")[0]["downloadDir"]
    torrents.set_location("a" * 40, "/data/media/from/tv")
    before = [tree(place) for place in two_drives], files_known(sandbox)
    for service, path, fault in FAULTY:
        method = {"sonarr": "PUT", "transmission": "POST"}[service]
        body = [{"path": path, "method": method, **fault}]
        sandbox.tell(service, FAULTS, body)
        failed = sandbox.run("remove", "from", "--move-to", "to")
        sandbox.tell(service, FAULTS, None)
        where = (service, fault, failed)
        # Refused before anything began, or undone.
        assert failed.rc in (1, 12, 13), where
        if service == "sonarr":
            assert failed.rc == 13, where
        now = [tree(place) for place in two_drives], files_known(sandbox)
        assert now == before, where
        (torrent,) = torrents.torrents("downloadDir")
        assert torrent["downloadDir"] == "/data/media/from/tv", where
    torrents.set_location("a" * 40, seeds)
