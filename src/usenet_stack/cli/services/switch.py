"""`usenet services enable` and `disable`: what belongs to the stack."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command
from usenet_stack.result import Result


def enable(call: Call) -> Result:
    """Switch services on."""
    return _switch(call, on=True)


def disable(call: Call) -> Result:
    """Switch services off."""
    return _switch(call, on=False)


def _switch(call: Call, *, on: bool) -> Result:
    from usenet_stack.cli.context import (
        approve,
        locate_stack,
        plan_result,
        progress,
    )
    from usenet_stack.deploy.switching import plan_switch, switch_services

    folder, names = locate_stack(call).folder, call.names("name")
    if call.dry_run:
        return plan_result(plan_switch(folder, names, on=on))
    with progress(call) as observer:
        return switch_services(
            folder,
            names,
            on=on,
            observer=observer,
            approve=lambda fixes: approve(call, fixes),
        )


_NAMES = Argument("NAME", "Services", many=True, complete="service")

ENABLE = Command(
    path="services enable",
    summary="Add services to the stack and start them",
    run=enable,
    show="services:show_change",
    description="""
        Switches services of the catalogue on: writes stack.toml, whose
        comments stay, then does what a deploy would do for these services
        alone, and waits until they answer. If one of them fails, everything
        is put back as it was.
    """,
    arguments=(_NAMES,),
    examples=(
        ("usenet services enable plex", "Adds one service."),
        ("usenet services enable plex --dry-run", "Prints each step."),
    ),
    errors=("service.unknown", "secret.wanting", "transaction.rolled-back"),
    see_also=("services disable", "services start", "config set"),
)

DISABLE = Command(
    path="services disable",
    summary="Take services out of the stack; data stays",
    run=disable,
    show="services:show_change",
    description="""
        Switches services off: stops and removes their containers, and
        writes stack.toml, whose comments stay. What the services keep in
        their folders stays, and is used again when they are switched on
        again. Services that need one of them are named. If a step fails,
        everything is put back as it was.
    """,
    arguments=(_NAMES,),
    examples=(
        ("usenet services disable tdarr", "Takes one service out."),
        ("usenet services disable tdarr --dry-run", "Prints each step."),
    ),
    errors=("service.unknown", "network.off", "transaction.rolled-back"),
    see_also=("services enable", "services stop", "destroy"),
)
