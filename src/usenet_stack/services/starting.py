"""Start containers, again where the failure is one that passes."""

import random
import re
import time
from collections.abc import Callable, Iterable

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services.containers import Container

ATTEMPTS = 5
FIRST_PAUSE = 0.4
# No attempt begins later: an Engine that stays silent takes a minute each.
PATIENCE_SECONDS = 20.0
PASSING_CODES = ("docker.conflict", "docker.silent", "docker.garbled")
# What Docker says while the one before still lets go of something.
_TAKEN = r"address already in use|port is already allocated"
_PASSING = re.compile(
    rf"{_TAKEN}|resource busy|is restarting|being removed"
    r"|removal .* in progress|try again|temporarily unavailable"
    r"|context deadline exceeded",
    re.IGNORECASE,
)
_ENDED = re.compile(r"Exited \((?!0\))")

Sleep = Callable[[float], None]


def passes(error: UsenetError) -> bool:
    """Tell whether a failure may be gone when it is tried again."""
    if error.code in PASSING_CODES:
        return True
    return error.code == "docker.api" and bool(_PASSING.search(error.message))


def port_is_taken(reason: str) -> bool:
    """Tell whether Docker says that a port is in use."""
    return bool(re.search(_TAKEN, reason))


def pause(failures: int, jitter: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait after so many failures.

    Each is up to twice the one before, and drawn so that many containers do
    not come back at the same moment.
    """
    longest = FIRST_PAUSE * 2.0 ** (failures - 1)
    return longest * (0.5 + jitter() / 2)


def start_patiently(
    engine: Engine, container: str, sleep: Sleep = time.sleep
) -> None:
    """Start a container; try again, each time later, what may pass.

    Raises:
        UsenetError: the last failure, or one that will not pass.
    """
    began = time.monotonic()
    for failures in range(1, ATTEMPTS + 1):
        try:
            engine.start(container)
            return
        except UsenetError as error:
            late = time.monotonic() - began > PATIENCE_SECONDS
            if failures == ATTEMPTS or late or not passes(error):
                raise
        sleep(pause(failures))


class Reviver:
    """Starts containers again that ended at once.

    Docker does so by itself where they are to restart; this is for those
    that are not.

    Args:
        containers: of which the ends are looked for.
    """

    def __init__(
        self,
        engine: Engine,
        containers: Iterable[Container],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = [container.id for container in containers]
        self._failures: dict[str, int] = {}
        self._due: dict[str, float] = {}

    def look(self) -> None:
        """Start those that ended and whose pause is over."""
        if not self._ids:
            return
        filters = {"id": self._ids, "status": ["exited"]}
        for entry in self._engine.containers(filters=filters):
            if _ENDED.match(str(entry.get("Status", ""))):
                self._revive(str(entry["Id"]))

    def _revive(self, container: str) -> None:
        now = self._clock()
        if container not in self._due:
            failures = self._failures.get(container, 0) + 1
            if failures >= ATTEMPTS:
                return
            self._failures[container] = failures
            self._due[container] = now + pause(failures)
        if now < self._due[container]:
            return
        del self._due[container]
        try:
            self._engine.start(container)
        except UsenetError as error:
            if not passes(error):
                self._failures[container] = ATTEMPTS
