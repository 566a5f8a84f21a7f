"""One definition of health: container, its own check, our question, its API.

Each is asked only when the one before it is well; the API in what is left
of the time.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services.asking import ask_all
from usenet_stack.services.containers import (
    Container,
    Details,
    details,
    stack_containers,
)
from usenet_stack.services.probe import Answer, Heard, listen
from usenet_stack.services.seen import SCHEDULE, Figures, seen_figures
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets, read_env
from usenet_stack.stack.service import Service

State = Literal[
    "ready", "starting", "degraded", "down", "stopped", "timer", "unknown"
]
# none: it has no API, or we have no key for it; setup: it waits for its
# first administrator; unknown: it was not asked, or has too much to do.
Api = Literal["ok", "refused", "failing", "setup", "none", "unknown"]

DEADLINE_SECONDS = 5.0
WELL = ("ready", "timer")
# What a container ends with when it was told to: by itself, by SIGINT,
# SIGKILL or SIGTERM.
STOPPED_CODES = (0, 130, 137, 143)
# Docker starts a broken container again and again, each time later.
RESTARTS = 3
SETTLED_SECONDS = 30.0
# What an application may answer while it still starts.
STARTING = ("app.failing", "app.silent", "app.unreachable")


NO_FIGURES: Figures = {}


class Health(NamedTuple):
    """How a service is.

    Args:
        reason: one clause, "" when there is nothing to say.
        restarts: how often Docker has started it again by itself; 0 when
            it is well.
        api: what its API says to our key.
        figures: what the API tells, and what can be seen from outside.
        mend: the command that the API's failure calls for, "".
        heard: what it answered from outside, None when it was not asked.
    """

    state: State
    reason: str = ""
    restarts: int = 0
    api: Api = "unknown"
    figures: Figures = NO_FIGURES
    mend: str = ""
    heard: Heard | None = None


class Asking(NamedTuple):
    """What all questions of one look at a stack share.

    Args:
        engine: None when it does not answer.
        env: the keys.
        seconds: how long one service may take.
    """

    stack: Stack
    engine: Engine | None
    env: Secrets
    seconds: float


def asking(stack: Stack, engine: Engine | None, seconds: float) -> Asking:
    """Return what the questions of one look share.

    A `.env` that cannot be read leaves the APIs out.
    """
    return Asking(stack, engine, keys_of(stack)[0], seconds)


def keys_of(stack: Stack) -> tuple[Secrets, UsenetError | None]:
    """Return the keys of a stack, or none and why they cannot be read."""
    try:
        return read_env(stack.folder), None
    except UsenetError as error:
        return Secrets({}), error


def probe_services(
    stack: Stack,
    engine: Engine,
    names: Sequence[str],
    deadline_s: float = DEADLINE_SECONDS,
) -> dict[str, Health]:
    """Return how services are; all are asked at once.

    Args:
        names: of services of the catalogue.
        deadline_s: one that takes longer is told as degraded.

    Raises:
        UsenetError: the Engine does not answer.
    """
    containers = stack_containers(engine, stack.project)
    ask = asking(stack, engine, deadline_s)
    return examine_all(ask, [stack.catalog[name] for name in names], containers)


def examine_all(
    ask: Asking,
    services: Sequence[Service],
    containers: Mapping[str, Container],
) -> dict[str, Health]:
    """Return how services are, in no more than the deadline.

    Args:
        containers: of the stack by service; none without an Engine.
    """
    questions = {
        service.name: partial(
            examine, ask, service, containers.get(service.name)
        )
        for service in services
    }
    found = ask_all(questions, ask.seconds + 0.5)
    late = Health("degraded", f"gave no answer within {ask.seconds:g} s")
    return {s.name: found.get(s.name, late) for s in services}


def examine(
    ask: Asking, service: Service, container: Container | None
) -> Health:
    """Return how one service is.

    Args:
        container: its container, None when it has none.
    """
    until = time.monotonic() + ask.seconds
    if ask.engine is None:
        return _without_engine(ask, service, until)
    if container is None:
        return Health("stopped", "has no container yet")
    try:
        return _examine(ask, ask.engine, service, container, until)
    except UsenetError as error:
        return Health("unknown", error.message)


def _examine(
    ask: Asking,
    engine: Engine,
    service: Service,
    container: Container,
    until: float,
) -> Health:
    # Looked at before our own question makes a connection.
    seen = seen_figures(ask.stack, service, container.id)
    if not container.running:
        found = _idle(container, details(engine, container.id))
        return found._replace(figures=seen)
    heard = _probe(ask, service)
    if heard is not None and heard.answer.verdict != "well":
        found = _unwell(service, heard.answer, details(engine, container.id))
        return found._replace(figures=seen, heard=heard)
    found = _running(service, container)
    told = _ask_api(ask, service, until - time.monotonic())
    if told.reason:
        known = details(engine, container.id)
        young = known.seconds < service.health.limit_seconds
        state: State = "starting" if told.starts and young else "degraded"
        found = Health(state, told.reason, known.restarts)
    return _with_api(found, told, seen)._replace(heard=heard)


def _with_api(found: Health, told: "_Told", seen: Figures) -> Health:
    figures = seen | told.figures
    return found._replace(api=told.api, figures=figures, mend=told.mend)


def _without_engine(ask: Asking, service: Service, until: float) -> Health:
    """Return what can be said of a service when Docker does not answer."""
    seen = seen_figures(ask.stack, service, None)
    heard = _probe(ask, service)
    if heard is None:
        return Health("unknown", "only Docker could tell", figures=seen)
    if heard.answer.verdict != "well":
        reason = heard.answer.reason
        return Health("unknown", reason, figures=seen, heard=heard)
    told = _ask_api(ask, service, until - time.monotonic())
    found = Health("degraded" if told.reason else "ready", told.reason)
    return _with_api(found, told, seen)._replace(heard=heard)


def _probe(ask: Asking, service: Service) -> Heard | None:
    if service.health.kind == "container":
        return None
    address = ask.stack.address(service, service.health_port)
    return address and listen(service.health, address, ask.seconds)


class _Told(NamedTuple):
    """What the API said; `reason` when it is not well, else ""."""

    api: Api
    figures: Figures = NO_FIGURES
    reason: str = ""
    starts: bool = False
    mend: str = ""


def _ask_api(ask: Asking, service: Service, seconds: float) -> _Told:
    from usenet_stack.apps.registry import open_app

    try:
        app = open_app(ask.stack, service, ask.env, max(0.05, seconds))
        if app is None:
            return _Told("none")
        with app:
            figures = dict(app.figures())
    except UsenetError as error:
        return _failed(service, error)
    pending = figures.pop("setup", "") == "pending"
    return _Told("setup" if pending else "ok", figures)


def _failed(service: Service, error: UsenetError) -> _Told:
    match error.code:
        case "app.no-key":
            return _Told("none")
        case "app.setup-pending":
            return _Told("setup")
        case "app.busy":
            return _Told("unknown")
        case "app.unauthorised":
            reason = "refuses the key in .env"
            return _Told("refused", reason=reason, mend=error.hint)
    said = error.message.removeprefix(f"{service.name} ").rstrip(".")
    starts = error.code in STARTING
    return _Told("failing", {}, f"its API {said}", starts, error.hint)


def _idle(container: Container, known: Details) -> Health:
    match container.state:
        case "restarting":
            return _restarting(known)
        case "paused":
            return Health("degraded", "its container is paused")
        case "created" if known.error:
            return Health("down", f"could not start: {known.error}")
        case "created":
            return Health("stopped", "was never started")
    if known.out_of_memory:
        return Health("down", "ran out of memory")
    if known.error:
        return Health("down", f"could not start: {known.error}")
    if container.state == "exited" and known.exit_code in STOPPED_CODES:
        return Health("stopped")
    return Health("down", f"ended with exit code {known.exit_code}")


def _restarting(known: Details) -> Health:
    reason = "keeps ending"
    if known.exit_code:  # 0 may be that of one that just runs again
        reason += f" with exit code {known.exit_code}"
    if known.out_of_memory:
        reason = "keeps running out of memory"
    return Health("down", reason, known.restarts)


def _running(service: Service, container: Container) -> Health:
    if container.check == "unhealthy":
        return Health("degraded", "its own health check fails")
    if service.health.kind != "container":
        return Health("ready")
    if container.check == "starting":
        return Health("starting")
    return Health("timer" if runs_by_schedule(service) else "ready")


def runs_by_schedule(service: Service) -> bool:
    """Return whether it works at set times and rests in between."""
    return SCHEDULE in service.environment


def _unwell(service: Service, answer: Answer, known: Details) -> Health:
    if known.restarts >= RESTARTS and known.seconds < SETTLED_SECONDS:
        return _restarting(known)
    young = known.seconds < service.health.limit_seconds
    starts = answer.verdict == "absent" or answer.reason.startswith("answers 5")
    if answer.verdict == "starting" or (young and starts):
        return Health("starting", answer.reason, known.restarts)
    state: State = "down" if answer.verdict == "absent" else "degraded"
    return Health(state, answer.reason, known.restarts)
