"""A sandbox with all applications that keep media, and drives for it."""

import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli_process import Cli, Ran
from e2e.sandbox_stack import ALL, identities, take_down
from usenet_stack.apps.registry import open_app
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.storage import read_mounts
from usenet_stack.storage.mounting import unmount_tree
from usenet_stack.storage.mountpoints import set_immutable

SERVARR = ("sonarr", "radarr", "lidarr", "readarr")
LIBRARIES = ("jellyfin", "audiobookshelf")
KEEPERS = (*SERVARR, *LIBRARIES)
FAULTS = ".simulator-faults.json"
SEED = ".simulator-seed.json"


@dataclass(frozen=True)
class Sandbox:
    """A deployed stack.

    Args:
        host: the Engine's address.
    """

    cli: Cli
    host: str
    folder: Path

    @property
    def stack(self) -> Stack:
        return load_stack(self.folder)

    def run(self, *words: str | Path, timeout: float = 120) -> Ran:
        """Run a storage command; it asks nothing and answers in JSON."""
        return self.cli(
            "storage", *words, "--stack", self.folder, "--format", "json",
            "--yes", env={"DOCKER_HOST": self.host}, timeout=timeout,
        )  # fmt: skip

    def services(self) -> Ran:
        """List the services."""
        return self.cli(
            "services", "list", "--stack", self.folder, "--format", "json",
            env={"DOCKER_HOST": self.host},
        )  # fmt: skip

    def identities(self) -> dict[str, tuple[str, str]]:
        return identities(self.host, self.stack.project)

    def tell(self, service: str, name: str, content: Any) -> None:
        """Give a simulator a file in its config folder; None takes it."""
        path = self.folder / "config" / service
        path = path / "config" if service == "audiobookshelf" else path
        path = path / name
        if content is None:
            path.unlink(missing_ok=True)
            return
        new = path.with_suffix(".new")
        new.write_text(json.dumps(content))
        new.replace(path)

    def folders(self) -> dict[str, list[str]]:
        """Return what every application has, row for row, without ids."""
        stack, found = self.stack, {}
        for name in KEEPERS:
            if not stack.enabled(name):
                continue
            service = stack.resolve(name)
            app = open_app(stack, service, read_env(stack.folder), 10)
            assert app is not None
            with app:
                found[name] = sorted(map(_row, _rows(app)))
        return found

    def world(self, *drives: Path) -> dict[str, Any]:
        """Return all that adding or removing a drive could change."""
        data = str(self.stack.data_root)
        pool = self.folder / ".usenet/pool.json"
        return {
            "folders": self.folders(),
            "mounts": [
                (m.target, m.fstype)
                for m in read_mounts()
                if m.target.startswith(f"{data}/")
            ],
            "places": sorted(p.name for p in self.stack.media_root.iterdir()),
            "stack.toml": (self.folder / "stack.toml").read_bytes(),
            "pool.json": pool.read_bytes() if pool.exists() else None,
            "drives": [tree(drive) for drive in drives],
        }


def _rows(app: Any) -> list[dict[str, Any]]:
    rows = app.root_folders() if app.name in SERVARR else app.libraries()
    assert isinstance(rows, list)
    return rows


def _row(row: dict[str, Any]) -> str:
    """Return a row as text, without ids and what the disk says."""
    free = ("id", "ItemId", "PrimaryImageItemId", "freeSpace", "totalSpace",
            "accessible", "unmappedFolders", "createdAt", "uuid",
            "lastUpdate")  # fmt: skip
    kept = {key: value for key, value in row.items() if key not in free}
    if isinstance(kept.get("folders"), list):
        kept["folders"] = sorted(each["fullPath"] for each in kept["folders"])
    return json.dumps(kept, sort_keys=True)


def tree(top: Path) -> list[tuple[str, int, bytes]]:
    """Return every name below a folder, with its owner and content."""
    return sorted(
        (
            str(path.relative_to(top)),
            path.lstat().st_uid,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in top.rglob("*")
    )


def free_ports(count: int) -> list[int]:
    with ExitStack() as sockets:
        found = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]


@contextmanager
def deployed(
    home: Path,
    host: str,
    services: tuple[str, ...] = KEEPERS,
    pool: str = "",
) -> Iterator[Sandbox]:
    """Hand out a sandbox with these services, set up; take it down again.

    Args:
        home: a folder of its own.
        pool: lines of [pool] in stack.toml.
    """
    (home / "home").mkdir(parents=True)
    folder = home / f"p{os.getpid()}-{os.urandom(3).hex()}"
    folder.mkdir()
    ports = zip(services, free_ports(len(services)), strict=True)
    off = [service for service in ALL if service not in services]
    on = [service for service in services if service not in ALL]
    lines = [
        f'[stack]\nname = "{folder.name}"\nsandbox = true',
        f"[services]\ndisable = {json.dumps(off)}\nenable = {json.dumps(on)}",
        "[ports]",
        *(f"{name} = {port}" for name, port in ports),
        f"[pool]\n{pool}",
    ]
    (folder / "stack.toml").write_text("\n".join(lines) + "\n")
    sandbox = Sandbox(Cli(home / "home"), host, folder)
    try:
        done = sandbox.cli(
            "deploy", "--stack", folder, "--yes", env={"DOCKER_HOST": host}
        )
        assert done.rc == 0, done
        set_up(sandbox.stack)
        yield sandbox
    finally:
        clear(folder)
        take_down(host, load_stack(folder).project, folder)


def clear(folder: Path) -> None:
    """Unmount and unlock whatever stands in a stack's pool."""
    inside = [
        mount.target
        for mount in read_mounts()
        if mount.target.startswith(f"{folder}/data/")
    ]
    for target in reversed(inside):
        unmount_tree(Path(target))
    for place in (folder / "data/media").glob("*"):
        set_immutable(place, False)


def set_up(stack: Stack) -> None:
    """Be the first administrator, with the passwords in .env."""
    env = read_env(stack.folder)
    if stack.enabled("jellyfin"):
        host, port = stack.address(stack.resolve("jellyfin")) or ("", 0)
        base = f"http://{host}:{port}/Startup"
        password = env["JELLYFIN_ADMIN_PASSWORD"].reveal()
        send("GET", f"{base}/User")
        send("POST", f"{base}/User", {"Name": "admin", "Password": password})
        send("POST", f"{base}/Complete")
    if stack.enabled("audiobookshelf"):
        host, port = stack.address(stack.resolve("audiobookshelf")) or ("", 0)
        password = env["AUDIOBOOKSHELF_PASSWORD"].reveal()
        root = {"username": "root", "password": password}
        send("POST", f"http://{host}:{port}/init", {"newRoot": root})


def send(method: str, url: str, body: Any = None) -> bytes:
    """Send a request, with JSON."""
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content


MIB = {"ext4": 24, "xfs": 300, "btrfs": 120}
MAKE = {
    "ext4": ("mkfs.ext4", "-q"),
    "xfs": ("mkfs.xfs", "-q"),
    "btrfs": ("mkfs.btrfs", "-q"),
}


@contextmanager
def loop_device(image: Path, kind: str) -> Iterator[Path]:
    """Hand out a device with a new file system of a kind."""
    with image.open("wb") as file:
        file.truncate(MIB[kind] * 2**20)
    command = ["losetup", "--find", "--show", str(image)]
    device = subprocess.check_output(command, text=True).strip()
    try:
        subprocess.run(
            [*MAKE[kind], device], check=True, stdout=subprocess.DEVNULL
        )
        yield Path(device)
    finally:
        for mount in [m for m in read_mounts() if m.source == device]:
            subprocess.run(["umount", "-l", mount.target], check=False)
        subprocess.run(["losetup", "--detach", device], check=True)
