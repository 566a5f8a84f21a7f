"""`usenet journal`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Group
from usenet_stack.result import Result


def list_all(call: Call) -> Result:
    """Return what was done to the stack, newest last."""
    from usenet_stack.cli.context import locate_stack
    from usenet_stack.cli.journal_data import summaries

    found = summaries(locate_stack(call).folder)
    result = Result({"journals": found})
    left = [row["id"] for row in found if row["outcome"] == "unfinished"]
    if left:
        result.warn(
            f"{left[-1]} was cut off.\nTo settle it: usenet journal recover"
        )
    return result


def show(call: Call) -> Result:
    """Return the steps of one journal."""
    from usenet_stack.cli.context import locate_stack
    from usenet_stack.cli.journal_data import details

    return details(locate_stack(call).folder, call.text("id"))


def recover(call: Call) -> Result:
    """Settle what a crash cut off."""
    from usenet_stack.cli.context import locate_stack, progress
    from usenet_stack.cli.journal_data import settle, unfinished_plan

    folder = locate_stack(call).folder
    named = call.text("id")
    if call.dry_run:
        return unfinished_plan(folder, named)
    with progress(call) as observer:
        return settle(folder, named, observer)


_ID = Argument("ID", "The journal; its beginning suffices", complete="journal")

LIST = Command(
    path="journal list",
    summary="List what was done to the stack",
    run=list_all,
    show="journal:show_journals",
    description="""
        Lists the last runs of commands that changed something: when, what,
        and how it ended. The last hundred are kept.
    """,
    examples=(("usenet journal list", "Lists the runs, newest last."),),
    errors=("stack.not-found",),
    see_also=("journal show", "journal recover"),
)

SHOW = Command(
    path="journal show",
    summary="Show the steps of one run",
    run=show,
    show="journal:show_journal",
    description="""
        Shows each step of a run with its cause and how far it got. For a
        run that could not be undone it shows what to do by hand.
    """,
    arguments=(_ID,),
    examples=(
        (
            "usenet journal show 20260102T030405Z-deploy-1a2b",
            "Shows that run.",
        ),
    ),
    errors=("journal.unknown", "stack.not-found"),
    see_also=("journal list", "journal recover"),
)

RECOVER = Command(
    path="journal recover",
    summary="Settle a run that was cut off",
    run=recover,
    show="journal:show_recovered",
    description="""
        Completes or undoes what a crash or a power cut left half done. Any
        command that changes the stack does that first by itself; this does
        it and nothing else.
    """,
    arguments=(_ID._replace(required=False),),
    examples=(
        ("usenet journal recover", "Settles whatever was cut off."),
        ("usenet journal recover --dry-run", "Shows what that would be."),
    ),
    errors=("lock.held", "journal.corrupt", "journal.unknown"),
    see_also=("journal list", "journal show"),
)

GROUP = Group(
    path="journal",
    summary="What was done, and what to undo",
    commands=(LIST, SHOW, RECOVER),
    description="""
        Every change to a stack is written down before and after it is made,
        so that it can be undone when something fails, and completed after a
        crash.
    """,
    examples=(
        ("usenet journal list", "Lists the runs."),
        ("usenet journal recover", "Settles what was cut off."),
    ),
    errors=("stack.not-found", "journal.corrupt"),
    see_also=("deploy", "validate"),
)
