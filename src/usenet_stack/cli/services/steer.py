"""`usenet services start`, `stop` and `restart`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.services.choice import ALL, CHOICE, GROUP, NAMES
from usenet_stack.cli.spec import Command
from usenet_stack.result import Result

# What ends sooner needs no display.
SHOWN_AFTER_SECONDS = 2.0


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
    with progress(call, SHOWN_AFTER_SECONDS) as observer:
        return steer(stack, names, group=group, all=every, observer=observer)


START = Command(
    path="services start",
    summary="Start services that are stopped",
    run=start,
    show="services:show_change",
    description="""
        Starts services and waits until they answer: download clients first,
        then automation, then media, those of a kind at once. A failure that
        may pass (a port that is still in use for a moment) is tried again.

        A service that uses the network of another one (a VPN) starts after
        it; that one is started as well. What a service needs is told when
        it does not run. One that runs already is left alone.
    """,
    arguments=(NAMES,),
    options=(GROUP, ALL),
    one_of=CHOICE,
    examples=(
        ("usenet services start sonarr radarr", "Starts two services."),
        ("usenet services start --group download", "Starts a group."),
        ("usenet services start --all --dry-run", "Prints what it would do."),
    ),
    errors=("service.unwell", "service.port-taken", "service.off", "lock.held"),
    see_also=("services list", "services stop", "services logs"),
)

STOP = Command(
    path="services stop",
    summary="Stop services; they stay stopped",
    run=stop,
    show="services:show_change",
    description="""
        Stops services and gives each the time that it needs to close its
        database: media first, then automation, then download clients. They
        stay stopped until they are started or deployed again.

        Services that go on running and need one of them are named.
    """,
    arguments=(NAMES,),
    options=(GROUP, ALL),
    one_of=CHOICE,
    examples=(
        ("usenet services stop tdarr", "Stops one service."),
        ("usenet services stop --all", "Stops the whole stack."),
    ),
    errors=("service.off", "stack.not-found", "lock.held"),
    see_also=("services start", "services disable", "destroy"),
)

RESTART = Command(
    path="services restart",
    summary="Stop services and start them again",
    run=restart,
    show="services:show_change",
    description="""
        Stops services, media first, then starts them again, download
        clients first, and waits until they answer. Those that use the
        network of one of them (a VPN's) get new containers: the old ones
        would have no connection.
    """,
    arguments=(NAMES,),
    options=(GROUP, ALL),
    one_of=CHOICE,
    examples=(
        ("usenet services restart sonarr", "Restarts one service."),
        ("usenet services restart --group media", "Restarts a group."),
        ("usenet services restart --all", "Restarts the whole stack."),
    ),
    errors=("service.unwell", "service.off", "stack.not-found", "lock.held"),
    see_also=("services list", "services logs", "services start"),
)
