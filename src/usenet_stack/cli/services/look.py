"""`usenet services list`, `status`, `top` and `open`: how they are."""

from typing import TYPE_CHECKING

from usenet_stack.cli.call import Call
from usenet_stack.cli.services.choice import GROUP
from usenet_stack.cli.spec import Argument, Command, Option
from usenet_stack.result import Result

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_SECONDS = 5.0
WATCH_SECONDS = 2.0


def list_all(call: Call) -> Result:
    """Return the services of the stack and how they are."""
    from usenet_stack.cli.context import locate_stack

    seconds = _seconds(call, "timeout", DEADLINE_SECONDS)
    if call.flag("watch"):
        from usenet_stack.cli.services.live import watch_list

        return watch_list(call, seconds, _interval(call))
    return look_at(call, locate_stack(call).folder, seconds)


def look_at(call: Call, folder: "Path", seconds: float) -> Result:
    """Return the last look at a stack while it counts, else look anew."""
    from usenet_stack.services.snapshot import part, recall

    group = call.text("group")
    if not call.flag("fresh"):
        known = recall(folder, seconds)
        if known is not None:
            return Result(part(known, group))
    from usenet_stack.services import list_services
    from usenet_stack.stack.model import load_stack

    return list_services(
        load_stack(folder), group=group or None, deadline_s=seconds
    )


def explain(call: Call) -> Result:
    """Return why services are as they are."""
    from usenet_stack.cli.context import open_stack
    from usenet_stack.services import explain_services

    result = explain_services(
        open_stack(call),
        call.names("name"),
        deadline_s=_seconds(call, "timeout", DEADLINE_SECONDS),
    )
    # JSON is complete in any case: this is about the page.
    result.data["detailed"] = call.flag("detailed") or call.verbose > 0
    return result


def top(call: Call) -> Result:
    """Show what each service uses, until the user has seen enough."""
    from usenet_stack.cli.services.live import watch_top

    return watch_top(call, _interval(call), call.text("sort", "cpu"))


def open_page(call: Call) -> Result:
    """Print the address of a service's page, and open it on a desktop."""
    from usenet_stack.cli.context import open_stack
    from usenet_stack.cli.services.browser import open_in_browser
    from usenet_stack.services.page import page_of

    found = page_of(open_stack(call), call.text("name"))
    if not (call.flag("print") or call.json):
        open_in_browser(str(found["url"]))
    return Result(found)


def _interval(call: Call) -> float:
    return _seconds(call, "interval", WATCH_SECONDS)


def _seconds(call: Call, key: str, default: float) -> float:
    from usenet_stack.cli.usage import help_command, usage_error

    text = call.text(key)
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise usage_error(
            f"--{key} needs seconds from 0.1 to 3600: not `{text}`.",
            help_command(call.topic),
        )
    return seconds


TIMEOUT = Option(
    ("--timeout",),
    "How many seconds a service may take to answer (5)",
    metavar="SECONDS",
)
INTERVAL = Option(
    ("--interval",), "Seconds from one look to the next (2)", metavar="SECONDS"
)

LIST = Command(
    path="services list",
    summary="List the services and how they are",
    run=list_all,
    show="services:show_services",
    description="""
        Shows the services by group, each with its state, port, memory, CPU
        (per cent of one core), whether its API takes our key, and what
        matters to it: downloads, streams, requests, indexers. Below a
        service that is not well stands why.

        The states: ready, starting, degraded (it runs, but not as it
        should), down, stopped, timer (runs at set times), unknown.

        All services are asked at once. What they said counts for 30 seconds
        or until this program changes something; --fresh asks anew.
    """,
    options=(
        GROUP,
        Option(("--watch", "-w"), "Look again and again, until Ctrl-C"),
        INTERVAL,
        Option(("--fresh",), "Ask now, whatever is known"),
        TIMEOUT,
    ),
    examples=(
        ("usenet services list", "Shows all services."),
        ("usenet services list --group media", "Shows those of one group."),
        ("usenet services list --watch", "Goes on showing them."),
        ("usenet services list --format json", "The same for a program."),
    ),
    errors=("stack.not-found",),
    see_also=("services status", "services top", "services logs"),
)

STATUS = Command(
    path="services status",
    summary="Tell why services are as they are",
    run=explain,
    show="status:show_status",
    description="""
        Tells all that is known of a service: its container, its own health
        check, what it answers and how fast, its API, version, image, folder
        and addresses, what it needs, who needs it, the last errors in its
        log, and the command to try next. Keys and passwords are masked.

        Without a name it explains those that are not well and counts the
        rest. It only looks: the exit code is 0 however the services are.
    """,
    arguments=(
        Argument(
            "NAME", "Services", required=False, many=True, complete="service"
        ),
    ),
    options=(
        Option(
            ("--detailed",),
            "Also mounts, networks, limits, environment, more of the logs",
        ),
        TIMEOUT,
    ),
    examples=(
        ("usenet services status", "Explains those that are not well."),
        ("usenet services status sonarr", "Tells all about one."),
        ("usenet services status sonarr --detailed", "Tells still more."),
    ),
    errors=("service.off", "service.unknown", "stack.not-found"),
    see_also=("services list", "services logs", "validate"),
)

TOP = Command(
    path="services top",
    summary="Watch what the services use",
    run=top,
    show="top:show_top",
    description="""
        Shows memory, CPU (per cent of one core) and network of each
        service, and goes on until q or Ctrl-C. The keys c, m and n sort by
        CPU, memory and name. Without a terminal it prints one table.
    """,
    options=(
        INTERVAL,
        Option(
            ("--sort",),
            "What comes first",
            metavar="BY",
            choices=("cpu", "memory", "name"),
        ),
    ),
    examples=(
        ("usenet services top", "Watches all services."),
        ("usenet services top --sort memory", "The largest first."),
    ),
    errors=("stack.not-found", "docker.not-running"),
    see_also=("services list", "services status"),
)

OPEN = Command(
    path="services open",
    summary="Print or open the address of a service",
    run=open_page,
    show="text:url",
    description="""
        Prints the address of the service's page. On a desktop, in a
        terminal, it opens the page in the browser as well.
    """,
    arguments=(Argument("NAME", "The service", complete="service"),),
    options=(Option(("--print",), "Print only, never open"),),
    examples=(
        ("usenet services open sonarr", "Opens Sonarr."),
        ("usenet services open sonarr --print", "Prints its address."),
    ),
    errors=("service.no-page", "service.off", "service.unknown"),
    see_also=("services list", "services status"),
)
