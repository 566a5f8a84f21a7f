"""The Docker Engine that tests use, and containers that they start."""

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from images.build import docker

Answer = TypeVar("Answer")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float = 5) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def engine_socket() -> Path:
    """Return the socket of the Engine named by DOCKER_HOST.

    Raises: RuntimeError when none answers there. A tier that needs an
        Engine must fail without one: a skip would pass for success.
    """
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    path = Path(host.removeprefix("unix://"))
    connection = UnixConnection(path)
    try:
        connection.request("GET", "/_ping")
        answer = connection.getresponse().read()
    except OSError as error:
        raise RuntimeError(f"no Docker Engine at {host}: {error}") from error
    finally:
        connection.close()
    if answer != b"OK":
        raise RuntimeError(f"{host} is no Docker Engine: {answer!r}")
    return path


def until(
    attempt: Callable[[], Answer],
    refused: type[Exception] | tuple[type[Exception], ...] = OSError,
    seconds: float = 30,
) -> Answer:
    """Return what `attempt` returns once it no longer raises `refused`.

    For daemons that announce their readiness to nobody.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except refused:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


@dataclass(frozen=True)
class Container:
    """A running container of a test."""

    host: str
    name: str

    def address(self, port: int) -> tuple[str, int]:
        """Return where a published port is reached."""
        published = docker(self.host, "port", self.name, str(port))
        address, _, number = published.splitlines()[0].rpartition(":")
        return address, int(number)

    def exec(
        self, *command: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside; failure is for the caller to judge."""
        options = [
            part
            for name, value in (env or {}).items()
            for part in ("--env", f"{name}={value}")
        ]
        start = ["docker", "--host", self.host, "exec", *options]
        return subprocess.run(
            [*start, self.name, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def stop(self) -> None:
        docker(self.host, "stop", "--time", "20", self.name)

    def logs(self) -> str:
        return docker(self.host, "logs", self.name)


@contextmanager
def running(
    host: str,
    image: str,
    *,
    ports: Sequence[int] = (),
    env: Mapping[str, str] | None = None,
    binds: Mapping[Path, str] | None = None,
) -> Iterator[Container]:
    """Run an image with ports on free ports of 127.0.0.1, then remove it."""
    name = f"usenet-test-{uuid4().hex[:12]}"
    options = [f"--publish=127.0.0.1::{port}" for port in ports]
    options += [f"--env={key}={value}" for key, value in (env or {}).items()]
    for source, target in (binds or {}).items():
        options.append(f"--mount=type=bind,src={source},dst={target}")
    container = Container(host, name)
    try:
        docker(host, "run", "--detach", f"--name={name}", *options, image)
        yield container
    finally:
        docker(host, "rm", "--force", "--volumes", name)
