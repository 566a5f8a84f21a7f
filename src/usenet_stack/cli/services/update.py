"""`usenet services update`: newer images, with a way back."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.services.choice import ALL, CHOICE, GROUP, NAMES
from usenet_stack.cli.spec import Command, Option
from usenet_stack.result import Result


def update(call: Call) -> Result:
    """Update services, or tell what an update would change."""
    from usenet_stack import update as room
    from usenet_stack.cli.context import open_stack, plan_result, progress

    stack, names = open_stack(call), call.names("name")
    group, every = call.text("group") or None, call.flag("all")
    if call.flag("check"):
        return room.check_updates(stack, names, group=group, all=every)
    if call.dry_run:
        plan = room.plan_update(stack, names, group=group, all=every)
        return plan_result(plan)
    with progress(call) as observer:
        return room.update_services(
            stack, names, group=group, all=every, observer=observer
        )


UPDATE = Command(
    path="services update",
    summary="Update services; what fails is put back",
    run=update,
    show="update:show_updates",
    description="""
        Asks the registries for a newer image of the name that each service
        has, and updates those that have one, one after the other: the image
        is pulled while the service still runs; then it is stopped, its
        settings are copied, and its container is made anew. When it does not
        get well, the old image and the old settings are put back.

        With --check it only tells what would change. What is pinned to a
        digest is left alone. A service that is stopped stays stopped.

        Exit code 13: what was tried was put back. 3: some were updated, and
        some were not.
    """,
    arguments=(NAMES,),
    options=(
        GROUP,
        ALL,
        Option(("--check",), "Only tell what would change"),
    ),
    one_of=(*CHOICE, "--check"),
    examples=(
        ("usenet services update --check", "Shows what is newer."),
        ("usenet services update sonarr", "Updates one service."),
        ("usenet services update --all", "Updates all, one by one."),
    ),
    errors=(
        "transaction.rolled-back",
        "update.unwell",
        "update.registry",
        "update.not-deployed",
        "update.no-room",
        "update.needs-root",
        "update.mount-inside",
        "service.absent",
        "lock.held",
    ),
    see_also=("services list", "journal show", "backup create", "deploy"),
)
