"""The Docker Engine over its Unix socket.

Source: Docker Engine API 1.41 and later.
"""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from http.client import HTTPResponse
from io import BufferedReader
from pathlib import Path
from typing import Any, Self

from usenet_stack.docker.pull import Pulled, pull_stream, split_reference
from usenet_stack.docker.streams import (
    LogLine,
    StreamName,
    demultiplex,
    log_lines,
)
from usenet_stack.docker.wire import (
    READ_SECONDS,
    Query,
    Wire,
    json_lines,
    read_json,
    socket_path,
)
from usenet_stack.errors import UsenetError

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
OLDEST_API = (1, 41)
# The newest one that this module was written against: an Engine that speaks
# more is asked in this one, as it accepts everything from 1.44 on.
NEWEST_API = (1, 51)
# What `exec_capture` keeps of an output.
OUTPUT_LIMIT = 1024 * 1024
PING_SECONDS = 5.0

Filters = Mapping[str, list[str]]
Json = dict[str, Any]


class Engine:
    """One Docker Engine. Nothing is asked before the first call.

    Every call opens a connection of its own, so that threads can share it.
    Every method raises UsenetError: docker.not-installed,
    docker.not-running, docker.denied, docker.silent, docker.host,
    docker.too-old, docker.not-found, docker.conflict or docker.api.

    Args:
        path: its socket; None takes DOCKER_HOST, else the usual place.
        seconds: how long it may stay silent, where a call has no limit of
            its own.
    """

    def __init__(
        self,
        path: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        *,
        seconds: float = READ_SECONDS,
    ) -> None:
        self._path = path
        self._environ = environ
        self._seconds = seconds
        self._negotiating = threading.Lock()
        self._prefix = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open between calls."""

    @cached_property
    def wire(self) -> Wire:
        """Return the connection to its socket."""
        return Wire(self._path or socket_path(self._environ))

    # -- the Engine itself -----------------------------------------------

    def ping(self) -> str:
        """Return the API version that the Engine speaks, such as "1.41"."""
        seconds = min(self._seconds, PING_SECONDS)
        with self.wire.open("GET", "/_ping", seconds=seconds) as response:
            response.read()
            return response.headers.get("Api-Version") or "1.24"

    def version(self) -> Json:
        return self._object("GET", "/version")

    def info(self) -> Json:
        return self._object("GET", "/info")

    # -- containers ------------------------------------------------------

    def containers(
        self,
        project: str | None = None,
        *,
        all: bool = True,
        filters: Filters | None = None,
    ) -> list[Json]:
        """Return containers as `GET /containers/json` lists them.

        Args:
            project: only those of this Compose project.
            all: those that do not run as well.
            filters: the Engine's own, such as {"label": ["a=b"]}.
        """
        query: Query = {"all": all, "filters": _filters(project, filters)}
        return self._list("GET", "/containers/json", query)

    def inspect(self, container: str) -> Json:
        """Return all that the Engine knows of a container."""
        return self._object("GET", f"/containers/{container}/json")

    def stats(self, container: str) -> Json:
        """Return one sample, at once; it says nothing of CPU per cent."""
        query: Query = {"stream": False, "one-shot": True}
        target = f"/containers/{container}/stats"
        return self._object("GET", target, query)

    def create(self, name: str, body: Json) -> str:
        """Make a container, which does not run yet; return its id.

        Args:
            body: as `POST /containers/create` takes it.
        """
        target = "/containers/create"
        return str(self._object("POST", target, {"name": name}, body)["Id"])

    def start(self, container: str) -> None:
        """Start a container; one that runs is left alone."""
        self._do("POST", f"/containers/{container}/start")

    def stop(self, container: str, seconds: int | None = None) -> None:
        """Stop a container; one that is stopped is left alone.

        Args:
            seconds: before it is killed; None: what it was created with.
        """
        self._end("stop", container, seconds)

    def restart(self, container: str, seconds: int | None = None) -> None:
        """Stop a container and start it again."""
        self._end("restart", container, seconds)

    def _end(self, verb: str, container: str, seconds: int | None) -> None:
        # The Engine answers when it has stopped, which the container may
        # delay by as long as it was allowed to, ten minutes at most.
        patience = (600 if seconds is None else seconds) + READ_SECONDS
        target = f"/containers/{container}/{verb}"
        self._do("POST", target, {"t": seconds}, seconds=patience)

    def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Send a signal to a container that runs."""
        self._do("POST", f"/containers/{container}/kill", {"signal": signal})

    def remove(self, container: str, *, volumes: bool = False) -> None:
        """Remove a container, running or not; none there is fine.

        Args:
            volumes: its anonymous volumes as well.
        """
        query: Query = {"force": True, "v": volumes}
        with _absent_is_fine():
            self._do("DELETE", f"/containers/{container}", query)

    def logs(
        self,
        container: str,
        *,
        tail: int | None = None,
        since: float | None = None,
        follow: bool = False,
    ) -> Iterator[LogLine]:
        """Return log lines, oldest first, in bounded memory.

        Args:
            tail: only so many of the last lines.
            since: only lines after this time, in seconds since 1970.
            follow: go on until the container ends. Close the iterator to
                leave earlier.
        """
        terminal = bool(self.inspect(container)["Config"]["Tty"])
        query: Query = {
            "stdout": True,
            "stderr": True,
            "timestamps": True,
            "follow": follow,
            "tail": "all" if tail is None else str(tail),
            "since": None if since is None else f"{since:.9f}",
        }
        target = f"/containers/{container}/logs"
        wait = None if follow else READ_SECONDS
        with self._open("GET", target, query, seconds=wait) as response:
            yield from log_lines(demultiplex(response, terminal))

    def exec_stream(
        self,
        container: str,
        command: Iterable[str],
        write: Callable[[StreamName, bytes], object],
        user: str = "",
    ) -> int:
        """Run a command inside a container and return its exit code.

        Args:
            write: called with each piece of its output.
            user: name or uid[:gid]; "" is the container's own.
        """
        body = {
            "AttachStdout": True,
            "AttachStderr": True,
            "Cmd": list(command),
            "User": user,
        }
        target = f"/containers/{container}/exec"
        number = self._object("POST", target, body=body)["Id"]
        start = {"Detach": False, "Tty": False}
        target = f"/exec/{number}/start"
        with self._open("POST", target, body=start, seconds=None) as response:
            for stream, block in demultiplex(response, terminal=False):
                write(stream, block)
        return int(self._object("GET", f"/exec/{number}/json")["ExitCode"])

    def exec_create(
        self, container: str, command: Iterable[str], terminal: bool
    ) -> str:
        """Prepare a command with input and output; return its number."""
        body = {
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": terminal,
            "Cmd": list(command),
        }
        target = f"/containers/{container}/exec"
        return str(self._object("POST", target, body=body)["Id"])

    @contextmanager
    def exec_attach(
        self, number: str, terminal: bool
    ) -> Iterator[tuple[socket.socket, BufferedReader]]:
        """Start a prepared command: what is sent to the socket is its
        input, what is read its output (see `streams.demultiplex`).
        """
        target = self._versioned(f"/exec/{number}/start")
        body = {"Detach": False, "Tty": terminal}
        with self.wire.take_over(target, body) as opened:
            yield opened

    def exec_resize(self, number: str, rows: int, columns: int) -> None:
        """Tell the size of the terminal to a command that runs."""
        size: Query = {"h": rows, "w": columns}
        self._do("POST", f"/exec/{number}/resize", size)

    def exec_inspect(self, number: str) -> Json:
        """Return what the Engine knows of a command: ExitCode, Pid."""
        return self._object("GET", f"/exec/{number}/json")

    def exec_capture(
        self, container: str, command: Iterable[str], user: str = ""
    ) -> tuple[int, str]:
        """Run a command inside a container.

        Returns: its exit code and its output, standard error included, at
            most 1 MiB of it.
        """
        output = bytearray()

        def keep(_stream: StreamName, block: bytes) -> None:
            output.extend(block[: OUTPUT_LIMIT - len(output)])

        status = self.exec_stream(container, command, keep, user)
        return status, output.decode(errors="replace")

    def events(
        self,
        filters: Filters | None = None,
        *,
        since: float | None = None,
        until: float | None = None,
    ) -> Iterator[Json]:
        """Return what happens, as it happens, until the iterator is closed.

        Args:
            since, until: seconds since 1970; with both it ends.
        """
        query: Query = {
            "filters": _filters(None, filters),
            "since": None if since is None else f"{since:.9f}",
            "until": None if until is None else f"{until:.9f}",
        }
        with self._open("GET", "/events", query, seconds=None) as response:
            yield from json_lines(response)

    # -- images ----------------------------------------------------------

    def image(self, reference: str) -> Json | None:
        """Return what the Engine knows of an image, None when it is absent."""
        try:
            return self._object("GET", f"/images/{reference}/json")
        except UsenetError as error:
            if error.code == "docker.not-found":
                return None
            raise

    def image_digest(self, reference: str) -> str | None:
        """Return "sha256:..." under which the registry knows an image.

        Returns: None for an image that is absent or was made here.
        """
        found = self.image(reference)
        if found is None:
            return None
        name = split_reference(reference)[0].rpartition("/")[2]
        digests: list[str] = found.get("RepoDigests") or []
        for digest in digests:
            if digest.partition("@")[0].rpartition("/")[2] == name:
                return digest.partition("@")[2]
        return None

    def registry_digest(self, reference: str) -> str:
        """Return "sha256:..." that the registry has for a name now.

        The Engine asks the registry; nothing is pulled. A digest of
        several platforms is that of their list, as in `RepoDigests`.
        """
        found = self._object("GET", f"/distribution/{reference}/json")
        return str((found.get("Descriptor") or {}).get("digest", ""))

    def tag(self, image: str, reference: str) -> None:
        """Give an image a further name, taking it from any other image.

        Args:
            image: its id or a name of it.
            reference: name:tag.
        """
        name, tag = split_reference(reference)
        query: Query = {"repo": name, "tag": tag}
        self._do("POST", f"/images/{image}/tag", query)

    def pull(
        self,
        reference: str,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        """Pull an image from its registry.

        Args:
            reference: name:tag, name@sha256:..., or a name for :latest.
            on_progress: called with the bytes that arrived, and of how
                many as far as is known.

        Raises:
            UsenetError: image.pull-failed with the registry's own words.
        """
        name, tag = split_reference(reference)
        query: Query = {"fromImage": name, "tag": tag}
        pulled = Pulled(on_progress)
        try:
            with self._open(
                "POST", "/images/create", query, seconds=300
            ) as response:
                pull_stream(json_lines(response), reference, pulled)
        except UsenetError as error:
            if error.code not in ("docker.not-found", "docker.api"):
                raise
            raise UsenetError(
                "image.pull-failed",
                image=reference,
                why=str(error.facts["reason"]),
            ) from error

    def import_image(
        self,
        chunks: Iterable[bytes],
        reference: str,
        changes: Iterable[str] = (),
    ) -> str:
        """Make an image from a tar of its file system, streamed.

        Args:
            chunks: the tar in pieces; each is dropped once it is sent.
            reference: name:tag that the image gets.
            changes: Dockerfile lines such as `ENV A=b`.

        Returns: the image's id.
        Raises:
            UsenetError: image.import-failed.
        """
        name, tag = split_reference(reference)
        query: Query = {
            "fromSrc": "-",
            "repo": name,
            "tag": tag,
            "changes": list(changes),
        }
        made = ""
        with self._open(
            "POST", "/images/create", query, chunks, 300
        ) as response:
            for line in json_lines(response):
                if "error" in line:
                    raise UsenetError(
                        "image.import-failed",
                        image=reference,
                        why=str(line["error"]),
                    )
                made = str(line.get("status", made))
        return made

    def remove_image(self, reference: str, *, force: bool = False) -> None:
        """Remove an image; none there is fine."""
        with _absent_is_fine():
            self._do("DELETE", f"/images/{reference}", {"force": force})

    # -- networks and volumes --------------------------------------------

    def networks(self, project: str) -> list[Json]:
        """Return the networks of a Compose project."""
        query: Query = {"filters": _filters(project, None)}
        return self._list("GET", "/networks", query)

    def create_network(
        self, name: str, project: str, addresses: Json | None = None
    ) -> Json:
        """Make an internal network of a Compose project.

        Its containers reach each other and this machine; nothing that they
        send is forwarded.

        Args:
            addresses: Subnet, Gateway, AuxiliaryAddresses; None leaves the
                choice to the Engine.

        Returns: what the Engine knows of it.
        """
        body: Json = {
            "Name": name,
            "Driver": "bridge",
            "Internal": True,
            "CheckDuplicate": True,
            "Labels": {PROJECT_LABEL: project},
        }
        if addresses is not None:
            body["IPAM"] = {"Config": [addresses]}
        made = self._object("POST", "/networks/create", body=body)
        return self._object("GET", f"/networks/{made['Id']}")

    def remove_network(self, network: str) -> None:
        """Remove a network that no container uses; none there is fine."""
        with _absent_is_fine():
            self._do("DELETE", f"/networks/{network}")

    def volumes(self, project: str) -> list[Json]:
        """Return the named volumes of a Compose project."""
        query: Query = {"filters": _filters(project, None)}
        found: list[Json] | None = self._object("GET", "/volumes", query)[
            "Volumes"
        ]
        return found or []

    def remove_volume(self, volume: str) -> None:
        """Remove a volume with its data; none there is fine."""
        with _absent_is_fine():
            self._do("DELETE", f"/volumes/{volume}")

    # -- requests --------------------------------------------------------

    @contextmanager
    def _open(
        self,
        method: str,
        target: str,
        query: Query | None = None,
        body: object = None,
        seconds: float | None = READ_SECONDS,
    ) -> Iterator[HTTPResponse]:
        target = self._versioned(target)
        with self.wire.open(method, target, query, body, seconds) as response:
            yield response

    def _versioned(self, target: str) -> str:
        with self._negotiating:
            if not self._prefix:
                self._prefix = f"/v{_spoken(self.ping())}"
        return self._prefix + target

    def _object(
        self,
        method: str,
        target: str,
        query: Query | None = None,
        body: Json | None = None,
    ) -> Json:
        limit = self._seconds
        with self._open(method, target, query, body, limit) as response:
            found: Json = read_json(response, dict)
            return found

    def _list(
        self, method: str, target: str, query: Query | None
    ) -> list[Json]:
        limit = self._seconds
        with self._open(method, target, query, None, limit) as response:
            found: list[Json] = read_json(response, list)
            return found

    def _do(
        self,
        method: str,
        target: str,
        query: Query | None = None,
        seconds: float = READ_SECONDS,
    ) -> None:
        with self._open(method, target, query, None, seconds) as response:
            response.read()


def _spoken(offered: str) -> str:
    try:
        version = tuple(map(int, offered.split(".")))
    except ValueError:
        version = (0,)
    if version < OLDEST_API:
        oldest = ".".join(map(str, OLDEST_API))
        raise UsenetError("docker.too-old", version=offered, oldest=oldest)
    return ".".join(map(str, min(version, NEWEST_API)))


def _filters(project: str | None, more: Filters | None) -> str | None:
    found = {name: list(values) for name, values in (more or {}).items()}
    if project is not None:
        found.setdefault("label", []).append(f"{PROJECT_LABEL}={project}")
    return json.dumps(found) if found else None


@contextmanager
def _absent_is_fine() -> Iterator[None]:
    try:
        yield
    except UsenetError as error:
        if error.code != "docker.not-found":
            raise
