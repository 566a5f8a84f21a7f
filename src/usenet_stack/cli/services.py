"""`usenet services`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import (
    SERVICE_GROUPS,
    Argument,
    Command,
    Group,
    Option,
)
from usenet_stack.result import Result

_GROUP = Option(
    ("--group",),
    "Only the services of one group",
    metavar="GROUP",
    choices=SERVICE_GROUPS,
)
_ALL = Option(("--all", "-a"), "All services of the stack")
_NAMES = Argument(
    "NAME", "Services", required=False, many=True, complete="service"
)
_CHOICE = ("NAME", "--group", "--all")


def list_all(call: Call) -> Result:
    """Return the services of the stack and how they are."""
    from usenet_stack.cli.context import open_stack
    from usenet_stack.services import list_services

    return list_services(open_stack(call), group=call.text("group") or None)


def start(call: Call) -> Result:
    """Start services."""
    return _steer(call, "start")


def stop(call: Call) -> Result:
    """Stop services."""
    return _steer(call, "stop")


def restart(call: Call) -> Result:
    """Restart services."""
    return _steer(call, "restart")


def _steer(call: Call, verb: str) -> Result:
    from usenet_stack import services
    from usenet_stack.cli.context import open_stack, plan_result, progress

    plan, steer = {
        "start": (services.plan_start, services.start),
        "stop": (services.plan_stop, services.stop),
        "restart": (services.plan_restart, services.restart),
    }[verb]
    stack, names = open_stack(call), call.names("name")
    group, every = call.text("group") or None, call.flag("all")
    if call.dry_run:
        return plan_result(plan(stack, names, group=group, all=every))
    with progress(call) as observer:
        return steer(stack, names, group=group, all=every, observer=observer)


def logs(call: Call) -> Result:
    """Print log lines as they come; with JSON, return them all."""
    from usenet_stack.cli.context import open_stack
    from usenet_stack.cli.log_output import print_logs, without_secrets
    from usenet_stack.cli.usage import usage_error
    from usenet_stack.services import follow_logs

    follow = call.flag("follow")
    if follow and call.json:
        raise usage_error(
            "--follow never ends, and --format json prints one object.",
            "usenet services logs --help",
        )
    stack = open_stack(call)
    found = follow_logs(
        stack,
        call.names("name"),
        follow=follow,
        tail=call.number("tail", 100),
        since=call.text("since"),
        grep=call.text("grep"),
    )
    lines = without_secrets(stack, found)
    if call.json:
        return Result({"lines": [line._asdict() for line in lines]})
    return print_logs(call, lines)


def execute(call: Call) -> Result:
    """Run a program inside a service's container."""
    from usenet_stack.cli.context import ended_with, open_stack
    from usenet_stack.cli.usage import usage_error
    from usenet_stack.services import exec_in

    if call.json:
        raise usage_error(
            "The program writes its own output, which is no JSON of ours.",
            "Leave --format json out.",
        )
    name, words = call.text("name"), call.line("command")
    return ended_with(exec_in(open_stack(call), name, words))


LIST = Command(
    path="services list",
    summary="List the services and how they are",
    run=list_all,
    show="services:show_services",
    description="""
        Shows every service of the stack with its group, port, state and the
        memory it uses. The states: ready, starting, degraded, down, stopped,
        timer (runs at set times), unknown. Below the table stands why a
        service is not ready.
    """,
    options=(_GROUP,),
    examples=(
        ("usenet services list", "Shows all services."),
        ("usenet services list --group media", "Shows those of one group."),
        ("usenet services list --format json", "The same for a program."),
    ),
    errors=("stack.not-found",),
    see_also=("services logs", "services restart", "deploy"),
)

START = Command(
    path="services start",
    summary="Start services that are stopped",
    run=start,
    show="services:show_change",
    description="""
        Starts services and waits until they answer, in the right order.
    """,
    arguments=(_NAMES,),
    options=(_GROUP, _ALL),
    one_of=_CHOICE,
    examples=(
        ("usenet services start sonarr radarr", "Starts two services."),
        ("usenet services start --group download", "Starts a group."),
    ),
    errors=("service.off", "stack.not-found", "lock.held"),
    see_also=("services list", "services stop", "services logs"),
)

STOP = Command(
    path="services stop",
    summary="Stop services; they stay stopped",
    run=stop,
    show="services:show_change",
    description="""
        Stops services and gives each the time that it needs to close its
        database. They stay stopped until they are started or deployed again.
    """,
    arguments=(_NAMES,),
    options=(_GROUP, _ALL),
    one_of=_CHOICE,
    examples=(
        ("usenet services stop tdarr", "Stops one service."),
        ("usenet services stop --all", "Stops the whole stack."),
    ),
    errors=("service.off", "stack.not-found", "lock.held"),
    see_also=("services start", "services list", "destroy"),
)

RESTART = Command(
    path="services restart",
    summary="Stop services and start them again",
    run=restart,
    show="services:show_change",
    description="""
        Restarts services and waits until they answer again.
    """,
    arguments=(_NAMES,),
    options=(_GROUP, _ALL),
    one_of=_CHOICE,
    examples=(
        ("usenet services restart sonarr", "Restarts one service."),
        ("usenet services restart --group media", "Restarts a group."),
    ),
    errors=("service.off", "stack.not-found", "lock.held"),
    see_also=("services list", "services logs"),
)

LOGS = Command(
    path="services logs",
    summary="Print what services wrote to their logs",
    run=logs,
    description="""
        Prints the last lines of the logs of one service or of several, in
        the order of time; with several, each line begins with the name.
    """,
    arguments=(Argument("NAME", "Services", many=True, complete="service"),),
    options=(
        Option(("--follow", "-f"), "Go on printing until Ctrl-C"),
        Option(
            ("--tail",),
            "How many of the last lines (100)",
            metavar="LINES",
            kind="number",
        ),
        Option(
            ("--since",),
            "Only lines since then: 10m, 2h, 1d or a time",
            metavar="WHEN",
        ),
        Option(
            ("--grep",),
            "Only lines that hold this text, in any case",
            metavar="TEXT",
        ),
    ),
    examples=(
        ("usenet services logs sonarr", "Prints the last 100 lines."),
        ("usenet services logs sonarr --follow", "Goes on printing."),
        (
            "usenet services logs sonarr sabnzbd --since 1h --grep error",
            "Searches two logs of the last hour.",
        ),
    ),
    errors=("service.absent", "stack.not-found"),
    see_also=("services list", "services exec"),
)

EXEC = Command(
    path="services exec",
    summary="Run a program inside a service",
    run=execute,
    description="""
        Runs a program in the container of a service, with your terminal. Its
        exit code becomes that of this command. All words after the name
        belong to the program; `--` before it is allowed.
    """,
    arguments=(
        Argument("NAME", "The service", complete="service"),
        Argument(
            "COMMAND", "The program and its words", many=True, complete="file"
        ),
    ),
    passthrough=True,
    examples=(
        ("usenet services exec sonarr -- ls -l /config", "Lists a folder."),
        ("usenet services exec jellyfin sh", "Opens a shell."),
    ),
    errors=("service.not-running", "service.absent"),
    see_also=("services logs", "services list"),
)

GROUP = Group(
    path="services",
    summary="See and steer the services",
    commands=(LIST, START, STOP, RESTART, LOGS, EXEC),
    description="""
        The services are the applications of the stack, each in a container
        of its own. They come in groups: media, automation, download,
        monitoring, sharing, extra.
    """,
    examples=(
        ("usenet services list", "Shows all services."),
        ("usenet services restart sonarr", "Restarts one."),
        ("usenet services logs sonarr --follow", "Watches its log."),
    ),
    errors=("stack.not-found", "lock.held"),
    see_also=("deploy", "destroy", "validate"),
)
