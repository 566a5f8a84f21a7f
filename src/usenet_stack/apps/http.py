"""HTTP to one application: one connection, one deadline, no secrets told."""

import http.client
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from usenet_stack.apps.answer import Answer, read_answer
from usenet_stack.apps.failures import Place, judged
from usenet_stack.apps.message import Raw, Request, content_of, target_of
from usenet_stack.apps.retry import PASSING, Patience, asked_pause
from usenet_stack.apps.wire import Address, Connection, Deadline
from usenet_stack.errors import UsenetError
from usenet_stack.stack.secrets import SecretValue

SECONDS = 5.0
BODY_LIMIT = 4 * 2**20
# A library of ten thousand films, or every indexer that Prowlarr knows.
LARGE_BODY = 64 * 2**20
_BLOCK = 64 * 1024
_MOVED = (301, 302, 307, 308)
Judge = Callable[[Raw, Place], UsenetError | None]


class Http:
    """The way to one application.

    Args:
        service: its name, for errors.
        address: where this machine reaches it.
        headers, query: what carries the key.
        base: its URL base; one that it tells by a redirect is taken over.
        seconds: how long a call may take, with all its attempts.
        read_seconds: how long it may be silent.
        limit: the most bytes of an answer.
        patience: how a safe call is repeated.
        hide: returns a text without secrets.
        wrong_key: statuses by which it refuses a key.
    """

    def __init__(
        self,
        service: str,
        address: Address,
        *,
        headers: Mapping[str, SecretValue] | None = None,
        query: Mapping[str, SecretValue] | None = None,
        base: str = "",
        seconds: float = SECONDS,
        read_seconds: float = SECONDS,
        limit: int = BODY_LIMIT,
        patience: Patience | None = None,
        hide: Callable[[str], str] = str,
        wrong_key: tuple[int, ...] = (401,),
    ) -> None:
        self.service = service
        self.address = address
        self.base = base.rstrip("/")
        self.seconds = seconds
        self.read_seconds = read_seconds
        self.limit = limit
        self.patience = patience or Patience()
        self.wrong_key = wrong_key
        # Tells failures that mean something special to one application.
        self.judge: Judge = lambda raw, place: None
        self._secrets: list[SecretValue] = []
        self._headers = dict(headers or {})
        self._query = dict(query or {})
        self._hide = hide
        self._shared: Deadline | None = None
        self._connection: Connection | None = None

    def __repr__(self) -> str:
        return f"Http({self.service} at {self.address[0]}:{self.address[1]})"

    def authorise(
        self, header: str, value: SecretValue, secret: SecretValue
    ) -> None:
        """Send a header with every call from now on.

        Args:
            secret: the part of it that must not be told.
        """
        self._headers[header] = value
        self.keep_secret(secret)

    def keep_secret(self, secret: SecretValue) -> None:
        """Leave a text out of all errors from now on."""
        self._secrets.append(secret)

    @property
    def authorised(self) -> bool:
        """Return whether it has a key to send."""
        return bool(self._headers or self._query)

    def close(self) -> None:
        """Close the connection; a later call opens it again."""
        if self._connection is not None:
            self._connection.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let all calls inside share the time of one."""
        outer = self._shared
        self._shared = outer or self._deadline()
        try:
            yield
        finally:
            self._shared = outer

    def get(self, path: str, **query: object) -> Answer:
        """Return the JSON at a path; see `ask`."""
        return self.ask(Request("GET", path, query))

    def send(
        self, method: str, path: str, body: Any = None, **query: object
    ) -> Answer:
        """Send JSON, once; see `ask`."""
        return self.ask(Request(method, path, query, body))

    def ask(self, request: Request) -> Answer:
        """Make one call and return its JSON.

        Raises:
            UsenetError: one of app.*.
        """
        return self.read(request, self.exchange(request))

    def read(self, request: Request, raw: Raw) -> Answer:
        """Return the JSON of an answer.

        Raises:
            UsenetError: what a failure means, or app.not-json.
        """
        place = self.place(request)
        error = self.judge(raw, place)
        error = error or judged(raw, place, self.wrong_key)
        if error is not None:
            raise self.veiled(error)
        return read_answer(raw, place)

    def place(self, request: Request) -> Place:
        """Return what errors of a call say about where it was."""
        return Place(self.service, request.label)

    def veiled(self, error: UsenetError) -> UsenetError:
        """Return the error without any secret that we know."""
        return UsenetError(
            error.code,
            why=self._without_secrets(error.why),
            details=tuple(map(self._without_secrets, error.details)),
            **error.facts,
        )

    def exchange(self, request: Request) -> Raw:
        """Make one call and return whatever is answered.

        Raises:
            UsenetError: app.unreachable, app.silent, app.too-large,
                app.unexpected, app.no-key.
        """
        deadline = self._shared or self._deadline()
        failures = 0
        while True:
            error, raw = self._attempt(request, deadline)
            failures += 1
            asked = asked_pause(raw, time.time()) if raw else None
            pause = self.patience.pause(failures, asked)
            again = request.safe and _passing(error, raw)
            again = again and failures < self.patience.attempts
            if again and pause < deadline.left():
                time.sleep(pause)
            elif raw is not None:
                return raw
            else:
                assert error is not None
                raise error

    def _attempt(
        self, request: Request, deadline: Deadline
    ) -> tuple[UsenetError | None, Raw | None]:
        place = self.place(request)
        try:
            raw = self._once(request, deadline)
            if raw.status in _MOVED and self._moved(raw, request):
                raw = self._once(request, deadline)
            return None, raw
        except _TooLargeError:
            most = self._most(request)
            error = place.error(
                "app.too-large", limit=most, mebibytes=most // 2**20
            )
        except TimeoutError:
            seconds = min(self.seconds, self.read_seconds)
            error = place.error("app.silent", seconds=round(seconds, 1))
        except http.client.IncompleteRead:
            why = "it hung up in the middle of its answer"
            error = place.error("app.unreachable", reason=why)
        except ConnectionRefusedError:
            why = f"nothing listens on port {self.address[1]}"
            error = place.error("app.unreachable", reason=why)
        except ConnectionError:
            error = place.error("app.unreachable", reason="it hangs up")
        except http.client.HTTPException:
            error = place.error("app.unexpected", "it does not speak HTTP")
        except OSError as problem:
            why = problem.strerror or type(problem).__name__
            error = place.error("app.unreachable", reason=why)
        self.close()
        return error, None

    def _once(self, request: Request, deadline: Deadline) -> Raw:
        connection = self._connected(deadline)
        body, kind = content_of(request)
        headers = {
            # Several applications refuse names that they were not told of.
            "Host": f"127.0.0.1:{self.address[1]}",
            "Accept": "application/json",
            **({"Content-Type": kind} if kind else {}),
            **request.headers,
        }
        keys = {} if request.keyless else _revealed(self._headers)
        query = {} if request.keyless else _revealed(self._query)
        target = target_of(self.base, request, query)
        try:
            connection.request(
                request.method, target, body, {**headers, **keys}
            )
        except ValueError:
            # Its text would show the key.
            self.close()
            why = "it holds characters that cannot be sent"
            raise self.place(request).error("app.no-key", why) from None
        response = connection.getresponse()
        raw = self._received(response, self._most(request))
        if response.will_close:
            connection.close()
        return raw

    def _connected(self, deadline: Deadline) -> Connection:
        if self._connection is None:
            self._connection = Connection(self.address, deadline)
        self._connection.deadline = deadline
        if not self._connection.open:
            # The application ended it while we did something else. To know
            # before is what keeps us from sending a change twice.
            self._connection.close()
        return self._connection

    def _received(self, response: http.client.HTTPResponse, most: int) -> Raw:
        with response:
            if (response.length or 0) > most:
                self.close()
                raise _TooLargeError
            body = bytearray()
            while block := response.read(_BLOCK):
                body += block
                if len(body) > most:
                    self.close()
                    raise _TooLargeError
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)
            headers = {k.lower(): v for k, v in response.getheaders()}
            return Raw(response.status, headers, bytes(body))

    def _moved(self, raw: Raw, request: Request) -> bool:
        """Take over a URL base that the application tells of."""
        where = raw.headers.get("location", "").partition("?")[0]
        for start in ("http://127.0.0.1:", f"http://{self.address[0]}:"):
            where = where.removeprefix(f"{start}{self.address[1]}")
        path = request.path.partition("?")[0]
        base = where.removesuffix(path)
        if not where.endswith(path) or not base.startswith("/"):
            return False
        if base == self.base or base.startswith("//"):
            return False
        self.base = base
        return True

    def _most(self, request: Request) -> int:
        return request.limit or self.limit

    def _deadline(self) -> Deadline:
        return Deadline(self.seconds, self.read_seconds)

    def _without_secrets(self, text: str) -> str:
        text = self._hide(text)
        sent = (*self._headers.values(), *self._query.values())
        for value in (*sent, *self._secrets):
            if len(value.reveal()) >= 4:
                text = text.replace(value.reveal(), str(value))
        return text


class _TooLargeError(Exception):
    pass


def _passing(error: UsenetError | None, raw: Raw | None) -> bool:
    if raw is not None:
        return raw.status in PASSING
    return error is not None and error.code == "app.unreachable"


def _revealed(values: Mapping[str, SecretValue]) -> dict[str, str]:
    return {name: value.reveal() for name, value in values.items()}
