"""`usenet storage list|health|select`: see the drives, choose among them."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Option
from usenet_stack.result import Result


def list_all(call: Call) -> Result:
    """Return the drives that could hold media."""
    from usenet_stack.storage import ask_for_devices

    # The slowest part: it works while the rest is imported and read.
    asked = ask_for_devices()
    from usenet_stack.cli.context import stack_if_any
    from usenet_stack.storage import list_drives

    stack = stack_if_any(call)
    return list_drives(all=call.flag("all"), stack=stack, asked=asked)


def health(call: Call) -> Result:
    """Return how long each drive is to be trusted."""
    from usenet_stack.cli.context import stack_if_any
    from usenet_stack.storage import check_health

    return check_health(list(call.names("drive")), stack_if_any(call))


LIST = Command(
    path="storage list",
    summary="List the drives of this machine",
    run=list_all,
    show="storage:show_drives",
    description="""
        Lists every place that could hold media: disks, shares, clouds,
        drives that are plugged but not mounted, and those that the pool
        knows and misses. A btrfs or ZFS of several disks is one row. --all
        adds the system's own, -v shows all facts of each.

        A mount whose server is gone is shown as "not answering" and holds
        nothing up.
    """,
    options=(Option(("--all", "-a"), "List the system's own mounts as well"),),
    examples=(
        ("usenet storage list", "Lists the drives."),
        ("usenet storage list -v", "Shows UUID, model and the rest."),
        ("usenet storage list --format json", "The same for a program."),
    ),
    errors=("storage.silent",),
    see_also=("storage health", "storage add", "storage status"),
)

HEALTH = Command(
    path="storage health",
    summary="Say how long the drives are to be trusted",
    run=health,
    show="storage:show_health",
    description="""
        Asks the disks themselves (SMART, by smartctl), looks at the errors
        that the kernel has counted and at how fast each drive fills, and
        gives a verdict: good, watch it, replace it, or unknown, with the
        reason and the command that helps. A sleeping disk is not woken.

        Asking disks takes root and smartmontools; without them the rest is
        told all the same. -v shows the counters.
    """,
    arguments=(
        Argument(
            "DRIVE",
            "Mount points, devices, labels, UUIDs or names in the pool",
            required=False,
            many=True,
            complete="drive",
        ),
    ),
    examples=(
        ("usenet storage health", "Judges all drives."),
        ("usenet storage health /mnt/disk2 -v", "Shows the counters."),
    ),
    errors=("storage.no-drive",),
    see_also=("storage list", "storage remove"),
)
