"""`usenet services logs` and `exec`: look inside a service."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Option
from usenet_stack.result import Result


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
