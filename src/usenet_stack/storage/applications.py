"""The applications that keep media: which run, and what folders they have."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec

from usenet_stack.docker.engine import SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError
from usenet_stack.services import ask_all
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Service
from usenet_stack.storage.shelving import APP_SECONDS, open_shelf

# No fault: the application waits for its first administrator, or has one
# whose password we do not know.
_NOT_SET_UP = ("app.setup-pending", "app.no-key")
_LOGINS = ("POST /Users/AuthenticateByName", "POST /login")
_NO_ENGINE = ("docker.not-installed", "docker.not-running")


class Application(msgspec.Struct, frozen=True):
    """One application that keeps media.

    Args:
        paths: the folders it has, as it sees them.
        kept: those of them that it cannot do without.
    """

    service: Service
    paths: tuple[str, ...]
    kept: tuple[str, ...] = ()


class Folders(NamedTuple):
    """What an application told: see `Application`."""

    paths: tuple[str, ...]
    kept: tuple[str, ...]


class Applications(msgspec.Struct, frozen=True):
    """What was found.

    Args:
        ready: those that answered.
        skipped: why others are left out, by service: no faults.
    """

    ready: tuple[Application, ...]
    skipped: dict[str, str]


def find_applications(
    stack: Stack,
    services: tuple[str, ...] = (),
    seconds: float = APP_SECONDS,
    *,
    all_well: bool = True,
) -> Applications:
    """Ask every application that keeps media for its folders, all at once.

    Args:
        services: only these; empty means all.
        all_well: one that runs and does not answer well is an error, and
            not left out.

    Raises:
        UsenetError: a service that is not on or keeps no media was named;
            one of app.* when an application runs and does not answer well.
    """
    chosen = _chosen(stack, services)
    answers = _answers(stack, chosen, seconds)
    ready, skipped = [], {}
    for service in chosen:
        answer = answers.get(service.name)
        if answer is None:
            skipped[service.name] = f"{service.title} does not run"
        elif isinstance(answer, Folders):
            ready.append(Application(service, *answer))
        elif all_well and _is_fault(answer):
            raise answer
        else:
            skipped[service.name] = answer.message.rstrip(".")
    return Applications(tuple(ready), skipped)


def ask_for_folders(
    stack: Stack, seconds: float
) -> dict[str, Folders | UsenetError]:
    """Return what each running application that is set up tells, or not.

    Raises:
        UsenetError: the Engine does not answer.
    """
    chosen = _chosen(stack, ())
    answers = _answers(stack, chosen, seconds)
    return {
        service.name: answers[service.name]
        for service in chosen
        if service.name in answers
        and (
            isinstance(answer := answers[service.name], Folders)
            or _is_fault(answer)
        )
    }


def _answers(
    stack: Stack, chosen: list[Service], seconds: float
) -> dict[str, Folders | UsenetError]:
    running = _running(stack)
    questions: dict[str, Callable[[], Folders | UsenetError]] = {
        service.name: partial(_ask, stack, service, seconds)
        for service in chosen
        if service.name in running
    }
    # A call has its own limit; an application is asked a few of them.
    answers = ask_all(questions, 3 * seconds)
    for service in chosen:
        if service.name in questions and service.name not in answers:
            answers[service.name] = _late(service, seconds)
    return answers


def _chosen(stack: Stack, services: tuple[str, ...]) -> list[Service]:
    named = [stack.resolve(name) for name in services]
    for service in named:
        if not stack.enabled(service.name):
            raise UsenetError("service.off", name=service.name)
        if not service.keeps:
            raise UsenetError("storage.no-shelf", service=service.name)
    names = {service.name for service in named}
    return [
        service
        for service in stack.services
        if service.keeps and (not names or service.name in names)
    ]


def _running(stack: Stack) -> set[str]:
    try:
        found = Engine().containers(stack.project, all=False)
    except UsenetError as error:
        if error.code in _NO_ENGINE:
            return set()
        raise
    return {each["Labels"].get(SERVICE_LABEL, "") for each in found}


def _ask(
    stack: Stack, service: Service, seconds: float
) -> Folders | UsenetError:
    try:
        with open_shelf(stack.folder, service.name, seconds) as shelf:
            paths = tuple(shelf.paths())
            return Folders(paths, shelf.needed())
    except UsenetError as error:
        return error


def _late(service: Service, seconds: float) -> UsenetError:
    return UsenetError(
        "app.silent", service=service.name, seconds=seconds, call="folders"
    )


def _is_fault(error: UsenetError) -> bool:
    login = error.facts.get("call") in _LOGINS
    not_let_in = login and error.code == "app.unauthorised"
    return error.code not in _NOT_SET_UP and not not_let_in
