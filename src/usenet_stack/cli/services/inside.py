"""`usenet services logs` and `exec`: look inside a service."""

from typing import TYPE_CHECKING

from usenet_stack.cli.call import Call
from usenet_stack.cli.services.choice import ALL, CHOICE, GROUP, NAMES
from usenet_stack.cli.spec import Argument, Command, Option
from usenet_stack.result import Result

if TYPE_CHECKING:
    from usenet_stack.stack.model import Stack


def logs(call: Call) -> Result:
    """Print log lines as they come; with JSON, return them all."""
    from usenet_stack.cli.context import open_stack
    from usenet_stack.cli.log_output import print_logs, without_secrets
    from usenet_stack.cli.usage import usage_error
    from usenet_stack.services import Wish, follow_logs

    follow = call.flag("follow")
    if follow and call.json:
        raise usage_error(
            "--follow never ends, and --format json prints one object.",
            "usenet services logs --help",
        )
    stack = open_stack(call)
    names = _names(call, stack)
    wish = Wish(
        tail=call.number("tail", 100),
        since=call.text("since"),
        grep=call.text("grep"),
        level=call.text("level"),
    )
    found = follow_logs(stack, names, wish, follow=follow)
    lines = without_secrets(stack, found)
    if call.json:
        return Result({"lines": [line._asdict() for line in lines]})
    return print_logs(call, names, lines)


def _names(call: Call, stack: "Stack") -> tuple[str, ...]:
    """Return which services are meant; those that never ran may be among
    the named ones only, where it is told.
    """
    from usenet_stack.services import with_container

    names = [stack.resolve(name).name for name in call.names("name")]
    group = call.text("group")
    if call.flag("all") or group:
        chosen = stack.select((), (group,) if group else ())
        there = with_container(stack, [service.name for service in chosen])
        names += there
    return tuple(dict.fromkeys(names))


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
        the order of time; with several, each line begins with the name. The
        log of a container that has ended is there as well.

        --grep takes a regular expression as Python knows it. Without a
        capital letter it finds both cases. --level finds lines of that level
        and above, in the forms that the applications use, each with the
        stack trace below it; a line that names no level counts as info.
        With either, --tail counts the lines that are printed.

        Ctrl-C ends --follow with exit code 130.
    """,
    arguments=(NAMES,),
    options=(
        GROUP,
        ALL,
        Option(("--follow", "-f"), "Go on printing until Ctrl-C"),
        Option(
            ("--tail",),
            "How many of the last lines of each (100)",
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
            "Only lines that hold this regular expression",
            metavar="RE",
        ),
        Option(
            ("--level",),
            "Only lines of this level and above",
            metavar="LEVEL",
            choices=("debug", "info", "warning", "error"),
        ),
    ),
    one_of=CHOICE,
    examples=(
        ("usenet services logs sonarr", "Prints the last 100 lines."),
        ("usenet services logs sonarr --follow", "Goes on printing."),
        (
            "usenet services logs --all --level error --since 1d",
            "Prints what went wrong since yesterday.",
        ),
        (
            "usenet services logs sonarr sabnzbd --grep 'import(ed|ing)'",
            "Searches two logs.",
        ),
    ),
    errors=("service.absent", "stack.not-found"),
    see_also=("services status", "services list", "services exec"),
)

EXEC = Command(
    path="services exec",
    summary="Run a program inside a service",
    run=execute,
    description="""
        Runs a program in the container of a service, with your terminal. Its
        exit code becomes that of this command; it gets what is piped in,
        and the signals that this command gets. All words after the name
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
        ("usenet services exec sonarr sh < script", "Runs a script there."),
    ),
    errors=("service.not-running", "service.absent"),
    see_also=("services logs", "services list"),
)
