"""`usenet validate`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Command, Option
from usenet_stack.result import Result


def validate(call: Call) -> Result:
    """Check the machine and the stack; with --fix mend what can be."""
    import os

    from usenet_stack.cli.context import (
        approve,
        plan_result,
        progress,
        stack_if_any,
    )
    from usenet_stack.preflight import (
        Site,
        mend,
        plan_fixes,
        report,
        run_checks,
    )

    site = Site(stack_if_any(call), os.environ)
    findings = run_checks(site)
    plan = plan_fixes(site, findings) if call.flag("fix") else None
    if plan is None or not plan.steps:
        return report(findings)
    if call.dry_run:
        return plan_result(plan)
    approve(call, plan)
    with progress(call) as observer:
        return mend(site, plan, observer)


COMMAND = Command(
    path="validate",
    summary="Check the machine and mend it",
    run=validate,
    show="findings:show_checks",
    description="""
        Checks Docker and Compose, permissions, ports, free space, paths,
        hard links between downloads and media, mounts, limits, clock and
        name resolution. It needs no stack, and checks more when there is
        one. It exits with 1 when a check fails.

        --fix shows each step that would mend something, asks, and takes
        them: installing and starting Docker, making folders and giving them
        to the right user, raising limits. Most of that needs root.
    """,
    options=(Option(("--fix",), "Mend what can be mended, after asking"),),
    examples=(
        ("usenet validate", "Checks everything; changes nothing."),
        ("usenet validate --fix", "Shows what it would mend, and asks."),
        ("usenet validate --fix --dry-run", "Only shows what it would mend."),
    ),
    errors=("validate.failed", "file.denied", "cancelled"),
    see_also=("deploy", "hardware list", "storage status"),
)
