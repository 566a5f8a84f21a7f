"""Drives of every kind join and leave all applications; nothing stops."""

import os
import signal
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from images.build import docker
from pool_stack import (
    KEEPERS,
    SEED,
    Sandbox,
    deployed,
    loop_device,
    tree,
)
from usenet_stack.stack.editing import change_text
from usenet_stack.storage import read_mounts
from usenet_stack.storage.mounting import unmount_tree
from usenet_stack.storage.mountpoints import is_immutable
from usenet_stack.storage.sentinel import FILE_NAME
from usenet_stack.storage.union import branches_of

pytestmark = pytest.mark.timeout(300)
PER_SECOND = 50
KINDS = ("ext4", "xfs", "btrfs")


@pytest.fixture(scope="module")
def sandbox(docker_host: str) -> Iterator[Sandbox]:
    # pytest's own folders let nobody through, and a union needs that.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        Path(home).chmod(0o755)
        with deployed(Path(home), docker_host) as found:
            yield found


class Visitors:
    """Clients that ask every application all the time."""

    def __init__(self, sandbox: Sandbox) -> None:
        stack = sandbox.stack
        self.urls = {}
        for service in stack.services:
            address = stack.address(service, service.health_port)
            if address and service.health.kind == "http":
                host, port = address
                path = service.health.path
                self.urls[service.name] = f"http://{host}:{port}{path}"
        self.asked = dict.fromkeys(self.urls, 0)
        self.failed: list[str] = []
        self._done = threading.Event()

    def ask(self, name: str) -> None:
        due = time.monotonic()
        while not self._done.is_set():
            try:
                with urllib.request.urlopen(self.urls[name], timeout=5) as got:
                    got.read()
            except urllib.error.HTTPError as error:
                # Transmission answers 409 to those without a session id.
                if error.code != 409:
                    self.failed.append(f"{name}: {error}")
            except OSError as error:
                self.failed.append(f"{name}: {error}")
            self.asked[name] += 1
            due += 1 / PER_SECOND
            self._done.wait(max(0.0, due - time.monotonic()))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self.ask, args=(name,))
            for name in self.urls
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()


def test_three_file_systems_come_and_go_unnoticed(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given applications in use, when drives come and go, none notices."""
    before, identities = sandbox.world(), sandbox.identities()
    compose = (sandbox.folder / "compose.yaml").read_bytes()
    visitors = Visitors(sandbox)
    seconds = {}
    with visitors.at_work():
        for kind in KINDS:
            with loop_device(tmp_path / kind, kind) as device:
                started = time.monotonic()
                added = sandbox.run("add", device, "--name", kind)
                seconds[kind] = time.monotonic() - started
                assert added.rc == 0, added
                check_added(sandbox, kind)
                # Audiobookshelf could not do without the drive before.
                sandbox.run("sync")
                again = sandbox.run("sync")
                assert again.json["data"]["steps"] == 0, again
                removed = sandbox.run("remove", kind)
                assert removed.rc == 0, removed
                assert removed.json["data"]["safe_to_unplug"], removed
    assert visitors.failed == []
    assert min(visitors.asked.values()) > 100
    assert sandbox.identities() == identities
    assert (sandbox.folder / "compose.yaml").read_bytes() == compose
    after = sandbox.world()
    assert after["places"] == before["places"]
    assert after["mounts"] == before["mounts"]
    for name in ("sonarr", "radarr", "lidarr", "readarr"):
        assert after["folders"][name] == before["folders"][name]
    # Of three, since the machine may have other things to do.
    assert min(seconds.values()) < 5, seconds


def check_added(sandbox: Sandbox, name: str) -> None:
    """Assert that all know the drive, and that it holds what it must."""
    place = sandbox.stack.media_root / name
    found = sandbox.folders()
    for service in KEEPERS:
        for media in sandbox.stack.resolve(service).keeps:
            path = f"/data/media/{name}/{media}"
            assert path in str(found[service]), (service, path)
    for media in ("tv", "movies", "music", "books", "comics"):
        status = (place / media).stat()
        assert (status.st_uid, status.st_gid) == (1000, 1000)
    assert (place / FILE_NAME).is_file()
    status = sandbox.run("status").json["data"]
    row = next(row for row in status["drives"] if row["name"] == name)
    assert (row["state"], row["fstype"]) == ("mounted", name)
    assert row["uuid"]
    services = sandbox.services().json["data"]
    assert services["totals"]["drives"] == [name]


def test_after_a_reboot_apply_brings_it_back(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    with loop_device(tmp_path / "disk", "ext4") as device:
        added = sandbox.run("add", device, "--name", "one")
        assert added.rc == 0, added
        place = sandbox.stack.media_root / "one"
        (place / "tv" / "film").write_text("x")
        unmount_tree(place)
        assert is_immutable(place)
        with pytest.raises(OSError, match="not permitted"):
            (place / "stray").write_text("hidden by the drive later")
        told = sandbox.run("status").json
        assert told["data"]["drives"][0]["state"] == "away"
        (warning,) = sandbox.services().json["messages"]
        assert "one of the pool is not mounted" in warning["text"]
        first, second = sandbox.run("apply"), sandbox.run("apply")
        assert (first.rc, second.rc) == (0, 0), (first, second)
        assert second.json["data"]["steps"] == 0
        assert (place / "tv" / "film").read_text() == "x"
        unmount_tree(place)
    # The drive is gone for good; its place stays empty.
    away = sandbox.run("apply")
    assert away.rc == 0
    assert away.json["data"]["drives"][0]["state"] == "away"
    assert "away" in str(away.json["messages"])
    gone = sandbox.run("remove", "one")
    assert gone.rc == 0, gone


def test_an_inhabited_drive_is_left_alone_without_force(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    with loop_device(tmp_path / "disk", "ext4") as device:
        assert sandbox.run("add", device, "--name", "full").rc == 0
        series = {"id": 1, "title": "Some Show", "titleSlug": "some-show",
                  "path": "/data/media/full/tv/Some Show", "tvdbId": 1,
                  "monitored": True, "qualityProfileId": 1,
                  "seasons": [], "tags": []}  # fmt: skip
        sandbox.tell("sonarr", SEED, {"series": [series]})
        before = sandbox.world(sandbox.stack.media_root / "full")
        refused = sandbox.run("remove", "full")
        assert refused.rc == 1, refused
        assert refused.json["errors"][0]["code"] == "storage.inhabited"
        assert "Some Show" in str(refused.json["errors"][0])
        assert sandbox.world(sandbox.stack.media_root / "full") == before
        forced = sandbox.run("remove", "full", "--force")
        assert forced.rc == 0, forced
        sandbox.tell("sonarr", SEED, {"series": []})


def test_an_open_file_in_a_container_is_named(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    with loop_device(tmp_path / "disk", "ext4") as device:
        assert sandbox.run("add", device, "--name", "busy").rc == 0
        container = sandbox.identities()["jellyfin"][0]
        script = "import time; f = open('/data/media/busy/tv/f', 'w'); print()"
        docker(
            sandbox.host, "exec", "--detach", container, "python3", "-c",
            f"{script}; time.sleep(20)",
        )  # fmt: skip
        deadline = time.monotonic() + 10
        while not (sandbox.stack.media_root / "busy/tv/f").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        before = sandbox.world()
        refused = sandbox.run("remove", "busy", "--force")
        assert refused.rc == 1, refused
        error = refused.json["errors"][0]
        assert error["code"] == "storage.busy"
        assert "jellyfin" in str(error)
        assert sandbox.world() == before
        end_sleepers(sandbox, container)
        assert sandbox.run("remove", "busy").rc == 0


def end_sleepers(sandbox: Sandbox, container: str) -> None:
    """End what `docker exec` started in a container, and wait for it."""
    rows = docker(sandbox.host, "top", container, "-eo", "pid,args")
    pids = [
        int(row.split()[0])
        for row in rows.splitlines()[1:]
        if "time.sleep(20)" in row
    ]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_union_grows_and_shrinks_under_one_root_folder(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = sandbox.folder / "stack.toml"
    text = settings.read_text()
    settings.write_text(change_text(text, settings, {"pool.layout": "union"}))
    identities = sandbox.identities()
    union = sandbox.stack.media_root / "media"
    try:
        with (
            loop_device(tmp_path / "one", "ext4") as one,
            loop_device(tmp_path / "two", "ext4") as two,
        ):
            first = sandbox.run("add", one, "--name", "one", "--timeout", "5")
            assert first.rc == 0, first.stdout
            assert len(branches_of(union)) == 1
            known = sandbox.folders()
            assert "/data/media/media/tv" in str(known["sonarr"])
            second = sandbox.run("add", two, "--name", "two")
            assert second.rc == 0, second
            assert sandbox.folders() == known
            assert len(branches_of(union)) == 2
            place = sandbox.stack.media_root / "two/tv"
            (place / "show").write_text("seen by all")
            for service in ("sonarr", "jellyfin"):
                container = identities[service][0]
                inside = "/data/media/media/tv/show"
                assert docker(
                    sandbox.host, "exec", container, "python3", "-c",
                    f"print(open({inside!r}).read())",
                ).strip() == "seen by all"  # fmt: skip
            assert sandbox.run("remove", "two").rc == 0
            assert len(branches_of(union)) == 1
            assert sandbox.folders() == known
            unmount_tree(union)
            applied = sandbox.run("apply")
            assert applied.rc == 0, applied
            assert len(branches_of(union)) == 1
            last = sandbox.run("remove", "one")
            assert last.rc == 0, last
            assert not any(
                m.target.startswith(str(sandbox.stack.media_root / ""))
                and m.fstype == "fuse.mergerfs"
                for m in read_mounts()
            )
    finally:
        settings.write_text(text)
    assert sandbox.identities() == identities


def test_a_union_that_the_applications_could_not_reach_is_refused(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = sandbox.folder / "stack.toml"
    text = settings.read_text()
    settings.write_text(change_text(text, settings, {"pool.layout": "union"}))
    before = sandbox.world()
    sandbox.folder.parent.chmod(0o700)
    try:
        with loop_device(tmp_path / "one", "ext4") as one:
            refused = sandbox.run("add", one)
        assert refused.rc == 1, refused
        (error,) = refused.json["errors"]
        assert error["code"] == "storage.unreachable"
        assert str(sandbox.folder.parent) in error["hint"]
        assert sandbox.world() == before
    finally:
        sandbox.folder.parent.chmod(0o755)
        settings.write_text(text)


def test_a_plain_folder_for_two_services(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "mine").write_text("stays")
    before = sandbox.world()
    added = sandbox.run("add", plain, "--services", "sonarr,jellyfin")
    assert added.rc == 0, added
    found = sandbox.folders()
    assert "/data/media/plain/tv" in str(found["sonarr"])
    assert "/data/media/plain/movies" in str(found["jellyfin"])
    assert found["radarr"] == before["folders"]["radarr"]
    assert sandbox.run("sync").json["data"]["steps"] == 0
    assert sandbox.run("remove", "plain").rc == 0
    assert ("mine", 0, b"stays") in tree(plain)
    assert FILE_NAME not in [name for name, *_ in tree(plain)]


def test_sync_mends_what_a_person_changed_and_keeps_the_rest(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    plain = tmp_path / "disk9"
    plain.mkdir()
    assert sandbox.run("add", plain).rc == 0
    assert sandbox.run("sync").rc == 0
    whole = sandbox.folders()
    own = [{"id": 7, "path": "/data/media/movies"}]
    sandbox.tell("radarr", SEED, {"rootfolder": own})
    assert "disk9" not in str(sandbox.folders()["radarr"])
    shown = sandbox.run("sync", "--dry-run").json["data"]["plan"]
    assert [step["operation"] for step in shown] == [
        "add /data/media/disk9/movies to radarr"
    ]
    assert sandbox.run("sync").rc == 0
    found = sandbox.folders()["radarr"]
    assert "/data/media/disk9/movies" in str(found)
    assert "/data/media/movies" in str(found)
    assert sandbox.folders()["sonarr"] == whole["sonarr"]
    assert sandbox.run("remove", "disk9").rc == 0
    assert "/data/media/movies" in str(sandbox.folders()["radarr"])
