"""HTTP over the Engine's Unix socket, with every failure typed."""

import getpass
import http.client
import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from usenet_stack.errors import UsenetError

DEFAULT_SOCKET = Path("/var/run/docker.sock")
CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
BLOCK = 64 * 1024
# A line of a stream longer than this is no line of Docker's.
LONGEST_LINE = 4 * 1024 * 1024

Query = Mapping[str, str | int | bool | list[str] | None]


def socket_path(environ: Mapping[str, str]) -> Path:
    """Return the socket that DOCKER_HOST names, else the usual one.

    Raises:
        UsenetError: docker.host for anything but unix://.
    """
    host = environ.get("DOCKER_HOST", "")
    if not host:
        return DEFAULT_SOCKET
    scheme, _, path = host.partition("://")
    if scheme != "unix" or not path:
        # Volumes, ports and drives are those of this machine.
        raise UsenetError("docker.host", host=host)
    return Path(path)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, read_seconds: float | None) -> None:
        super().__init__("localhost")
        self._path = path
        self._read_seconds = read_seconds

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(CONNECT_SECONDS)
        self.sock.connect(str(self._path))
        self.sock.settimeout(self._read_seconds)


class Wire:
    """Sends one request per connection: any number of threads may use it.

    Args:
        path: the Engine's socket.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def open(
        self,
        method: str,
        target: str,
        query: Query | None = None,
        body: object = None,
        seconds: float | None = READ_SECONDS,
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request and hand out the answer, still unread.

        Args:
            query: lists repeat their name; None leaves it out.
            body: sent as JSON; an iterable of bytes is streamed as a tar.
            seconds: how long the Engine may stay silent; None: for ever.

        Raises:
            UsenetError: docker.not-found (404), docker.conflict (409),
                docker.api (others from 400 on), or the Engine is not there.
        """
        connection = _Connection(self.path, seconds)
        try:
            response = self._send(connection, method, _url(target, query), body)
            if response.status >= 400:
                raise _refusal(response)
            yield response
        except (OSError, http.client.HTTPException) as problem:
            call = f"{method} {target}"
            raise self._unreachable(problem, call, seconds) from problem
        finally:
            connection.close()

    @contextmanager
    def take_over(
        self, target: str, body: dict[str, Any]
    ) -> Iterator[tuple[socket.socket, BufferedReader]]:
        """Post a request and hand out its connection, open both ways.

        Raises:
            UsenetError: as `open`.
        Source: Docker Engine API, "Hijacking" of attach and exec.
        """
        data = json.dumps(body).encode()
        head = (
            f"POST {target} HTTP/1.1\r\nHost: docker\r\n"
            "Connection: Upgrade\r\nUpgrade: tcp\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        connection = _Connection(self.path, READ_SECONDS)
        try:
            connection.connect()
            connection.sock.sendall(head.encode() + data)
            with connection.sock.makefile("rb") as reader:
                response = http.client.HTTPResponse(connection.sock)
                response.fp = reader
                response.begin()
                if response.status >= 400:
                    raise _refusal(response)
                connection.sock.settimeout(None)
                yield connection.sock, reader
        except (OSError, http.client.HTTPException) as problem:
            call = f"POST {target}"
            raise self._unreachable(problem, call, None) from problem
        finally:
            connection.close()

    def _send(
        self,
        connection: _Connection,
        method: str,
        url: str,
        body: object,
    ) -> http.client.HTTPResponse:
        connection.connect()
        if isinstance(body, Iterable) and not isinstance(body, dict):
            headers = {"Content-Type": "application/x-tar"}
            headers["Transfer-Encoding"] = "chunked"
            try:
                connection.request(
                    method, url, body, headers, encode_chunked=True
                )
            except (BrokenPipeError, ConnectionResetError):
                # The Engine refuses before it has read all: hear why.
                connection.sock.settimeout(CONNECT_SECONDS)
                response = http.client.HTTPResponse(connection.sock)
                response.begin()
                return response
            return connection.getresponse()
        if body is None:
            connection.request(method, url)
        else:
            data = json.dumps(body).encode()
            headers = {"Content-Type": "application/json"}
            connection.request(method, url, data, headers)
        return connection.getresponse()

    def _unreachable(
        self, problem: Exception, call: str, seconds: float | None
    ) -> UsenetError:
        why = getattr(problem, "strerror", None) or str(problem)
        match problem:
            case TimeoutError():
                seconds = seconds or CONNECT_SECONDS
                return UsenetError("docker.silent", seconds=seconds, call=call)
            case PermissionError():
                return UsenetError("docker.denied", user=_user(), why=why)
            case FileNotFoundError() if not shutil.which("dockerd"):
                return UsenetError("docker.not-installed", why=self._absent())
            case FileNotFoundError():
                why = self._absent()
                return UsenetError(
                    "docker.not-running", socket=self.path, why=why
                )
            case ConnectionRefusedError() | NotADirectoryError():
                return UsenetError(
                    "docker.not-running", socket=self.path, why=why
                )
        return UsenetError(
            "docker.garbled", socket=self.path, call=call, why=why
        )

    def _absent(self) -> str:
        return f"There is no socket {self.path}."


def json_lines(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """Return the JSON objects of a stream as they come.

    Raises:
        http.client.HTTPException: something that is no JSON.
    """
    rest = b""
    while block := response.read1(BLOCK):
        *lines, rest = (rest + block).split(b"\n")
        yield from (_parse(line, dict) for line in lines if line.strip())
        if len(rest) > LONGEST_LINE:
            raise http.client.LineTooLong("stream")
    if rest.strip():
        yield _parse(rest, dict)


def read_json(response: http.client.HTTPResponse, kind: type) -> Any:
    """Return the JSON body of an answer, which must be of a kind.

    Raises:
        http.client.HTTPException: something else.
    """
    return _parse(response.read(), kind)


def _parse(text: bytes, kind: type) -> Any:
    try:
        found = json.loads(text)
    except ValueError as problem:
        why = "it is no JSON"
        raise http.client.HTTPException(why) from problem
    if not isinstance(found, kind):
        raise http.client.HTTPException("it is other JSON than expected")
    return found


def _url(target: str, query: Query | None) -> str:
    given: dict[str, str | int | list[str]] = {}
    for name, value in (query or {}).items():
        if isinstance(value, bool):
            given[name] = "true" if value else "false"
        elif value is not None:
            given[name] = value
    return f"{target}?{urlencode(given, doseq=True)}" if given else target


def _refusal(response: http.client.HTTPResponse) -> UsenetError:
    text = response.read(BLOCK).decode(errors="replace").strip()
    try:
        reason = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        reason = text or response.reason
    code = {404: "docker.not-found", 409: "docker.conflict"}.get(
        response.status, "docker.api"
    )
    return UsenetError(code, status=response.status, reason=reason)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
