"""`usenet services list`: how the services are."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.services.choice import GROUP
from usenet_stack.cli.spec import Command
from usenet_stack.result import Result


def list_all(call: Call) -> Result:
    """Return the services of the stack and how they are."""
    from usenet_stack.cli.context import open_stack
    from usenet_stack.services import list_services

    return list_services(open_stack(call), group=call.text("group") or None)


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
    options=(GROUP,),
    examples=(
        ("usenet services list", "Shows all services."),
        ("usenet services list --group media", "Shows those of one group."),
        ("usenet services list --format json", "The same for a program."),
    ),
    errors=("stack.not-found",),
    see_also=("services logs", "services restart", "deploy"),
)
