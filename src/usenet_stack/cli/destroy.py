"""`usenet destroy`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Command, Option
from usenet_stack.result import Result


def destroy(call: Call) -> Result:
    """Take the containers of a stack down, after asking."""
    from usenet_stack.cli.context import (
        confirm,
        open_stack,
        plan_result,
        progress,
    )
    from usenet_stack.deploy.destroy import destroy_stack, plan_destroy

    stack, volumes = open_stack(call), call.flag("volumes")
    if call.dry_run:
        return plan_result(plan_destroy(stack, volumes=volumes))
    data = " and delete the services' data" if volumes else ""
    confirm(
        call,
        f"Remove the containers of {stack.folder}{data}?",
        "taking the stack down",
    )
    with progress(call) as observer:
        return destroy_stack(stack, volumes, observer)


COMMAND = Command(
    path="destroy",
    summary="Take the stack down; data stays",
    run=destroy,
    show="deploy:show_destroy",
    description="""
        Stops and removes the containers and the network of the stack. The
        settings, the databases of the services and your media stay, and
        `usenet deploy` brings everything back. --volumes deletes the
        settings and databases of the services too; media is never touched.
    """,
    options=(Option(("--volumes",), "Delete the services' own data as well"),),
    examples=(
        ("usenet destroy", "Asks, then takes the stack down."),
        (
            "usenet destroy --volumes --yes",
            "Takes it down with the services' data, without asking.",
        ),
        ("usenet destroy --dry-run", "Prints what would go."),
    ),
    errors=("cancelled", "stack.not-found", "lock.held"),
    see_also=("deploy", "services stop", "config path"),
)
