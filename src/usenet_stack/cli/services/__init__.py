"""`usenet services`."""

from usenet_stack.cli.services.inside import EXEC, LOGS
from usenet_stack.cli.services.look import LIST, OPEN, STATUS, TOP
from usenet_stack.cli.services.steer import RESTART, START, STOP
from usenet_stack.cli.services.switch import DISABLE, ENABLE
from usenet_stack.cli.services.update import UPDATE
from usenet_stack.cli.spec import Group

GROUP = Group(
    path="services",
    summary="See and steer the services",
    commands=(
        LIST,
        STATUS,
        TOP,
        OPEN,
        START,
        STOP,
        RESTART,
        ENABLE,
        DISABLE,
        LOGS,
        EXEC,
        UPDATE,
    ),
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
