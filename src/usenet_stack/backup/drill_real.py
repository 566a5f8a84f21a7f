"""The services of a drill from their real images, on a network of their own.

Containers are made as the stack's are, from the same images, on what was
restored; see `drill_container`. The network leads nowhere: nothing is
downloaded, asked or told. Each is stopped as soon as it is ready.
"""

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import Any, NamedTuple

from usenet_stack.backup.drill_container import (
    Drill,
    copied,
    needs_the_machine,
)
from usenet_stack.backup.drill_network import make_network
from usenet_stack.backup.drill_report import Started
from usenet_stack.backup.facts import service_facts
from usenet_stack.backup.manifest import Manifest
from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services import probe_once
from usenet_stack.stack.service import Service
from usenet_stack.transaction.operation import Progress

ONE_OFF_LABEL = "com.docker.compose.oneoff"
AT_ONCE = 4
ASK_SECONDS = 3.0
PAUSE_SECONDS = 0.5
# One without a check of its own is well when it still runs by then.
SETTLED_SECONDS = 5.0
# A server that makes itself anew from a dump.
LOADING_SECONDS = 1800.0
FAR = "Its network cannot be reached from here: only its container was seen."
# What the Engine says of one container; anything else is no use to go on
# after.
OF_ONE = ("docker.api", "docker.not-found", "docker.conflict")


class _Case(NamedTuple):
    """A service, the stack's own container, and both versions."""

    service: Service
    found: dict[str, Any]
    version: str
    data_version: str

    def ended(self, why: str = "", note: str = "") -> Started:
        """Return how it fared; `why` is what is wrong."""
        return Started(
            self.service.name,
            not why,
            why or note,
            "real",
            self.version,
            self.data_version,
        )


def start_real(
    drill: Drill, manifest: Manifest, names: Sequence[str], progress: Progress
) -> tuple[Started, ...]:
    """Start services one after the other, and stop them again.

    Args:
        names: of services of the backup that are known.

    Returns: how each fared, in the order of `names`.
    Raises:
        UsenetError: backup.drill-start: none has a container here; the
            Engine does not answer.
    Effects: a network and containers, of which a `remove_drill` is needed
        when it is interrupted.
    """
    engine = Engine()
    there = _containers(engine, drill.stack.project)
    if not there.keys() & set(names):
        why = (
            "None of its services has a container here: deploy first, or "
            "take simulated ones (--simulated)."
        )
        raise UsenetError("backup.drill-start", why=why)
    told: dict[str, Started] = {}
    cases = []
    for case in _cases(engine, drill, manifest, names, there, told):
        if case.ended().is_older:
            told[case.service.name] = case.ended("It is older than its data.")
        else:
            cases.append(case)
    with closing(_Trial(engine, drill).run(cases)) as trial:
        for number, ended in enumerate(trial, 1):
            told[ended.name] = ended
            progress("starting the services", number, len(cases), "services")
    return tuple(told[name] for name in names)


def _containers(engine: Engine, project: str) -> dict[str, str]:
    return {
        str(found["Labels"].get(SERVICE_LABEL)): str(found["Id"])
        for found in engine.containers(project)
        if found["Labels"].get(ONE_OFF_LABEL) != "True"
    }


def _cases(
    engine: Engine,
    drill: Drill,
    manifest: Manifest,
    names: Sequence[str],
    there: dict[str, str],
    told: dict[str, Started],
) -> Iterator[_Case]:
    """Yield those that can be tried, in the order of their start."""
    chosen = [drill.stack.catalog[name] for name in names]
    here = {f.name: f.version for f in service_facts(drill.stack, chosen)}
    was = {fact.name: fact.version for fact in manifest.services}
    for service in (s for batch in drill.stack.batches(chosen) for s in batch):
        name = service.name
        if name not in there:
            why = "has no container here"
        else:
            found = engine.inspect(there[name])
            why = needs_the_machine(found)
        if why:
            told[name] = Started(name, None, why, "skipped")
        else:
            yield _Case(service, found, here[name], was[name])


class _Trial:
    """All that is tried in one drill, by a few threads."""

    def __init__(self, engine: Engine, drill: Drill) -> None:
        self._engine = engine
        self._drill = drill
        self._given_up = threading.Event()
        self._near = True

    def run(self, cases: Sequence[_Case]) -> Generator[Started, None, None]:
        """Yield how services fare, in the order in which they start.

        Database servers begin, and stay until all others were tried.
        """
        self._near = make_network(self._engine, self._drill.project)
        servers = [c for c in cases if c.service.backup.postgres is not None]
        others = [c for c in cases if c.service.backup.postgres is None]
        running = []
        for case in servers:
            container, ended = self._start(case)
            running.append((container, case.service))
            yield ended
        with self._threads() as threads:
            yield from threads.map(self._try, others)
        for container, service in running:
            self._stop(container, service)

    @contextmanager
    def _threads(self) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            try:
                yield threads
            except BaseException:
                # Nobody waits for minutes after a Ctrl-C.
                self._given_up.set()
                threads.shutdown(wait=True, cancel_futures=True)
                raise

    def _try(self, case: _Case) -> Started:
        container, ended = self._start(case)
        self._stop(container, case.service)
        return ended

    def _start(self, case: _Case) -> tuple[str, Started]:
        """Start one and wait for it; return its container, if there is one."""
        container = ""
        try:
            body = copied(self._drill, case.service, case.found)
            name = f"{self._drill.project}-{case.service.name}"
            container = self._engine.create(name, body)
            self._engine.start(container)
            return container, self._wait(case, container)
        except OSError as problem:
            return container, case.ended(f"{problem}.")
        except UsenetError as error:
            if error.code not in OF_ONE:
                raise
            return container, case.ended(f"{error.message} {error.why}".strip())

    def _wait(self, case: _Case, container: str) -> Started:
        service, began = case.service, time.monotonic()
        limit: float = service.health.limit_seconds
        if service.backup.postgres is not None:
            limit = max(limit, LOADING_SECONDS)
        why = "It never answered."
        while (spent := time.monotonic() - began) < limit:
            known = self._engine.inspect(container)
            if not known["State"]["Running"]:
                return case.ended(_how_it_ended(known["State"]))
            said = self._ask(service, known, spent)
            if not said:
                asks = service.health.kind != "container"
                return case.ended(note=FAR if asks and not self._near else "")
            why = f"It {said}."
            if self._given_up.wait(PAUSE_SECONDS):
                break
        return case.ended(f"Not ready after {spent:.0f} s: {why}")

    def _ask(
        self, service: Service, known: dict[str, Any], spent: float
    ) -> str:
        """Return what is not right yet, or ""."""
        if service.backup.postgres is not None:
            return self._ask_postgres(known["Id"])
        if service.health.kind != "container" and self._near:
            wanted = service.health_port
            port = next(
                (
                    self._drill.stack.container_port(service, port)
                    for port in service.ports
                    if port.container == wanted
                ),
                wanted,
            )
            networks = known["NetworkSettings"]["Networks"]
            host = networks[self._drill.project]["IPAddress"]
            return probe_once(service.health, (host, port), ASK_SECONDS).reason
        check = (known["State"].get("Health") or {}).get("Status", "none")
        if check in ("none", ""):
            return "has not settled" if spent < SETTLED_SECONDS else ""
        return "" if check == "healthy" else f"says {check}"

    def _ask_postgres(self, container: str) -> str:
        # While it makes itself anew it listens on its own socket only.
        command = ("pg_isready", "--quiet", "--host=127.0.0.1")
        try:
            status, _ = self._engine.exec_capture(container, command)
        except UsenetError as error:
            if error.code != "docker.conflict":  # it has just ended
                raise
            status = 1
        return "still makes itself anew" if status else ""

    def _stop(self, container: str, service: Service) -> None:
        if container:
            seconds = 0 if self._given_up.is_set() else service.stop_seconds
            with suppress(UsenetError):
                self._engine.stop(container, seconds)
            self._engine.remove(container, volumes=True)


def _how_it_ended(state: dict[str, Any]) -> str:
    if state["OOMKilled"]:
        return "It ran out of memory."
    if state["Error"]:
        return f"It could not start: {state['Error']}."
    return f"It ended with exit code {state['ExitCode']}."
