"""`usenet services start`, `stop` and `restart`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.services.choice import ALL, CHOICE, GROUP, NAMES
from usenet_stack.cli.spec import Command
from usenet_stack.result import Result


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


START = Command(
    path="services start",
    summary="Start services that are stopped",
    run=start,
    show="services:show_change",
    description="""
        Starts services and waits until they answer, in the right order.
    """,
    arguments=(NAMES,),
    options=(GROUP, ALL),
    one_of=CHOICE,
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
    arguments=(NAMES,),
    options=(GROUP, ALL),
    one_of=CHOICE,
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
    arguments=(NAMES,),
    options=(GROUP, ALL),
    one_of=CHOICE,
    examples=(
        ("usenet services restart sonarr", "Restarts one service."),
        ("usenet services restart --group media", "Restarts a group."),
    ),
    errors=("service.off", "stack.not-found", "lock.held"),
    see_also=("services list", "services logs"),
)
