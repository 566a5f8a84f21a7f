"""All checks, in the order in which they are shown."""

from collections.abc import Callable, Iterator

from usenet_stack.errors import UsenetError
from usenet_stack.preflight import (
    docker,
    exposure,
    folders,
    machine,
    ports,
)
from usenet_stack.preflight.finding import Finding, ok
from usenet_stack.preflight.site import Site
from usenet_stack.stack.ports import refuse_duplicates

Check = Callable[[Site], Iterator[Finding]]


def check_stack(site: Site) -> Iterator[Finding]:
    """Settings and catalogue are sound: reading them proved most of it."""
    if site.stack is None:
        return
    code, subject = "stack.valid", str(site.stack.folder / "stack.toml")
    try:
        refuse_duplicates(site.stack)
    except UsenetError as problem:
        yield Finding(code, "fail", subject, problem.message, problem.hint)
        return
    count = len(site.stack.services)
    yield ok(code, subject, f"Sound; {count} services are on.")


CHECKS: tuple[Check, ...] = (
    check_stack,
    docker.check_installed,
    docker.check_running,
    docker.check_api,
    docker.check_compose,
    ports.check_ports,
    folders.check_writable,
    folders.check_space,
    folders.check_config_filesystem,
    folders.check_hard_link,
    folders.check_propagation,
    machine.check_inotify,
    machine.check_clock,
    machine.check_names,
    exposure.check_socket_exposure,
    exposure.check_open_services,
)


def run_checks(site: Site) -> list[Finding]:
    """Run every check; none changes anything that stays.

    Args:
        site: the machine and the stack, which may be None.

    Effects: probe files that are gone again at once; for a stack that
        fetches images, one DNS question.
    """
    return [finding for check in CHECKS for finding in check(site)]
