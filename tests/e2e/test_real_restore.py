"""Real transmission-daemon and SABnzbd: backed up while they download.

What they download comes from a container in the stack's own network, as slow
as the test wants it.
"""

import hashlib
import http.client
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from transmission_rpc import Client
from transmission_rpc.error import TransmissionError

from cli_process import Cli, Ran
from docker_engine import until
from e2e import slow_feeder
from e2e.sandbox_stack import ALL, take_down
from images.build import docker, services_d
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.secrets import read_env

REAL = ("sabnzbd", "transmission")
FILM, EPISODE = "film.bin", "episode.bin"
SIZE = 3 * 1024 * 1024
PIECE = 32 * 1024
# Bytes a second: until each has begun, and so that neither comes to its end.
BEGINNING, CRAWLING = 100_000, 10_000
REFUSED = (OSError, http.client.HTTPException, TransmissionError, LookupError)


class Real(NamedTuple):
    """A stack of two real daemons, and what feeds them."""

    cli: Cli
    folder: Path
    feed: Path

    def __call__(self, *words: str) -> Ran:
        ran = self.cli(f"--stack={self.folder}", *words)
        assert ran.rc == 0, ran
        return ran

    def at(self, service: str) -> tuple[str, int]:
        stack = load_stack(self.folder)
        known = stack.catalog[service]
        found = stack.address(known, known.ports[0].container)
        assert found is not None
        return found

    def secret(self, name: str) -> str:
        return read_env(self.folder)[name].reveal()

    def feed_at(self, rate: int) -> None:
        (self.feed / "rate").write_text(str(rate))

    # -- transmission ------------------------------------------------------

    def torrents(self) -> dict[str, Any]:
        """Return the torrents by their names."""
        return {found.name: found for found in self.client().get_torrents()}

    def client(self) -> Client:
        host, port = self.at("transmission")
        password = self.secret("TRANSMISSION_PASSWORD")
        return Client(host=host, port=port, username="admin", password=password)

    # -- SABnzbd -----------------------------------------------------------

    def sabnzbd(self, mode: str, **more: str | int) -> Any:
        host, port = self.at("sabnzbd")
        key = self.secret("SABNZBD_API_KEY")
        words = {"mode": mode, "output": "json", "apikey": key} | more
        connection = http.client.HTTPConnection(host, port, timeout=20)
        try:
            connection.request("GET", f"/api?{urlencode(words)}")
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content
            return json.loads(content)
        finally:
            connection.close()

    def jobs(self) -> dict[str, dict[str, Any]]:
        """Return what waits in the queue, by name."""
        slots = self.sabnzbd("queue")["queue"]["slots"]
        return {slot["filename"]: slot for slot in slots}

    def done(self) -> dict[str, dict[str, Any]]:
        """Return the history, by name."""
        slots = self.sabnzbd("history")["history"]["slots"]
        return {slot["name"]: slot for slot in slots}


def write_stack(folder: Path, free_port: Callable[[], int]) -> None:
    (folder / "services.d").mkdir(parents=True)
    off = [name for name in ALL if name not in REAL]
    catalog, ports = load_catalog(), ""
    for name in REAL:
        pairs = ", ".join(
            f"{port.name} = {free_port()}" for port in catalog[name].ports
        )
        ports += f"{name} = {{ {pairs} }}\n"
    (folder / "stack.toml").write_text(
        f'[stack]\nname = "{folder.name}"\n'
        f"[services]\ndisable = {json.dumps(off)}\n[ports]\n{ports}"
    )


@contextmanager
def feeding(host: str, project: str, image: str, feed: Path) -> Iterator[None]:
    """Run the feeder as `feeder` in the network of a stack.

    Args:
        image: any that has Python.
    """
    label = f"label=com.docker.compose.project={project}"
    network = docker(host, "network", "ls", "-q", "--filter", label)
    name = f"usenet-test-{uuid4().hex[:12]}"
    program = Path(slow_feeder.__file__)
    try:
        docker(
            *(host, "run", "--detach", f"--name={name}"),
            *(f"--network={network.split()[0]}", "--network-alias=feeder"),
            f"--mount=type=bind,src={program},dst=/feeder.py,readonly",
            f"--mount=type=bind,src={feed},dst=/feed,readonly",
            *("--entrypoint=/usr/bin/python3", image),
            *("/feeder.py", "/feed"),
        )
        yield
    finally:
        docker(host, "rm", "--force", "--volumes", name)


@pytest.fixture
def real(
    tmp_path: Path,
    docker_host: str,
    real_images: dict[str, str],
    free_port: Callable[[], int],
) -> Iterator[Real]:
    folder, feed = tmp_path / f"real{os.getpid()}", tmp_path / "feed"
    write_stack(folder, free_port)
    for name in REAL:
        file, text = services_d(name, real_images[name])
        (folder / "services.d" / file).write_text(text)
    feed.mkdir()
    for name in (FILM, EPISODE):
        (feed / name).write_bytes(os.urandom(SIZE))
    found = Real(Cli(tmp_path, {"DOCKER_HOST": docker_host}), folder, feed)
    found.feed_at(BEGINNING)
    project = load_stack(folder).project
    try:
        found("deploy", "--yes")
        with feeding(docker_host, project, real_images["sabnzbd"], feed):
            yield found
    finally:
        take_down(docker_host, project, folder)


def bencoded(value: object) -> bytes:
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%b" % (len(value), value)
    assert isinstance(value, dict)
    pairs = sorted((key.encode(), item) for key, item in value.items())
    parts = (bencoded(key) + bencoded(item) for key, item in pairs)
    return b"d" + b"".join(parts) + b"e"


def torrent(path: Path) -> bytes:
    """Return a torrent of one file that has only a web seed."""
    content = path.read_bytes()
    pieces = b"".join(
        hashlib.sha1(content[at : at + PIECE]).digest()
        for at in range(0, len(content), PIECE)
    )
    info = {
        "name": path.name.encode(),
        "length": len(content),
        "piece length": PIECE,
        "pieces": pieces,
        "private": 1,
    }
    seed = f"http://feeder:{slow_feeder.HTTP_PORT}/{path.name}"
    return bencoded({"info": info, "url-list": seed.encode()})


def nzb(path: Path) -> str:
    """Return an NZB of one file, its articles as the feeder has them."""
    count = -(-path.stat().st_size // slow_feeder.PART)
    segments = "".join(
        f'<segment bytes="{slow_feeder.PART}" number="{number}">'
        f"{number}@{path.name}</segment>"
        for number in range(1, count + 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<nzb xmlns="http://www.newzbin.com/DTD/2003/nzb">'
        '<file poster="me" date="1700000000" '
        f'subject="&quot;{path.name}&quot; yEnc (1/{count})">'
        "<groups><group>alt.test</group></groups>"
        f"<segments>{segments}</segments></file></nzb>"
    )


def begin(real: Real) -> None:
    """Have both in the middle of a download."""
    server: dict[str, str | int] = {
        **{"keyword": "feeder", "host": "feeder", "enable": 1},
        **{"port": slow_feeder.NNTP_PORT, "ssl": 0, "connections": 1},
    }
    real.sabnzbd("set_config", section="servers", **server)
    inside = "data/downloads/usenet/episode.nzb"
    (real.folder / inside).write_text(nzb(real.feed / EPISODE))
    real.sabnzbd("addlocalfile", name=f"/{inside}")
    real.client().add_torrent(torrent(real.feed / FILM))
    until(lambda: in_progress(real), (AssertionError, *REFUSED))
    real.feed_at(CRAWLING)


def in_progress(real: Real) -> None:
    film = real.torrents()[FILM]
    assert 0 < film.percent_done < 1, film.percent_done
    job = real.jobs()["episode"]
    assert 0 < float(job["mbleft"]) < float(job["mb"]), job


def check_lists(real: Real, *, downloads: bool) -> None:
    """See that both run, take the keys in `.env`, and know what they should.

    Args:
        downloads: whether they have what they were downloading.
    """
    rows = real("services", "list", "--fresh", "--format=json").json
    states = {row["name"]: row["state"] for row in rows["data"]["services"]}
    assert states == dict.fromkeys(REAL, "ready")
    keys = real("keys", "list", "--format=json").json["data"]
    for row in keys["keys"]:
        if row["service"] in REAL:
            assert row["accepted"] == "accepted", row
            assert row["agrees"], row
    assert list(real.torrents()) == [FILM] * downloads
    assert list(real.jobs()) == ["episode"] * downloads


@pytest.mark.timeout(300)
def test_backed_up_while_downloading_restored_and_they_run_on(
    real: Real,
) -> None:
    begin(real)
    made = real("backup", "create", "--format=json").json["data"]
    assert made["stopped"] == []
    in_progress(real)  # it was, all the time
    real("backup", "verify", "latest")
    lose(real)
    real("backup", "restore", "latest", "--yes")
    check_lists(real, downloads=True)
    real("backup", "undo", "--yes")
    check_lists(real, downloads=False)
    real("backup", "undo", "--redo", "--yes")
    check_lists(real, downloads=True)
    assert real.torrents()[FILM].percent_done < 1
    real.feed_at(0)
    until(lambda: finished(real), (AssertionError, *REFUSED), 60)


def lose(real: Real) -> None:
    """Take both downloads out of the lists; what has come is on the disk.

    The keys change as well: those in the backup are of no use any more.
    """
    real.client().remove_torrent(real.torrents()[FILM].id)
    job = real.jobs()["episode"]["nzo_id"]
    real.sabnzbd("queue", name="delete", value=job, del_files=0)
    assert (real.torrents(), real.jobs()) == ({}, {})
    before = real.secret("SABNZBD_API_KEY")
    real("keys", "rotate", *REAL, "--yes")
    assert real.secret("SABNZBD_API_KEY") != before


def finished(real: Real) -> None:
    downloads = real.folder / "data/downloads"
    film = downloads / "torrents/complete" / FILM
    assert film.read_bytes() == (real.feed / FILM).read_bytes()
    assert real.torrents()[FILM].percent_done == 1
    assert real.done()["episode"]["status"] == "Completed"
    (episode,) = (downloads / "usenet/complete").rglob("episode*.bin")
    assert episode.read_bytes() == (real.feed / EPISODE).read_bytes()
