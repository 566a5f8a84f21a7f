"""The options by which several services are chosen."""

from usenet_stack.cli.spec import SERVICE_GROUPS, Argument, Option

GROUP = Option(
    ("--group",),
    "Only the services of one group",
    metavar="GROUP",
    choices=SERVICE_GROUPS,
)
ALL = Option(("--all", "-a"), "All services of the stack")
NAMES = Argument(
    "NAME", "Services", required=False, many=True, complete="service"
)
CHOICE = ("NAME", "--group", "--all")
