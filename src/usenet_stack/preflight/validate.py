"""`usenet validate [--fix]`: what is well, what is not, and mending it."""

import msgspec

from usenet_stack.errors import UsenetError
from usenet_stack.preflight.checks import run_checks
from usenet_stack.preflight.finding import Finding
from usenet_stack.preflight.fixes import plan_fixes
from usenet_stack.preflight.site import Site
from usenet_stack.result import Result
from usenet_stack.stack.locate import data_home
from usenet_stack.transaction import SILENT, Observer, Plan, open_session


def validate(site: Site) -> Result:
    """Return every finding; an error when one of them fails."""
    return report(run_checks(site))


def report(findings: list[Finding]) -> Result:
    """Return findings as the result of `usenet validate`."""
    counts = {"ok": 0, "warn": 0, "fail": 0}
    for finding in findings:
        counts[finding.status] += 1
    result = Result({"checks": list(map(_shown, findings)), "counts": counts})
    failed = [finding for finding in findings if finding.status == "fail"]
    if failed:
        result.errors.append(
            UsenetError(
                "validate.failed",
                count=len(failed),
                subjects=", ".join(sorted({f.subject for f in failed})),
                hint=failed[0].hint,
            )
        )
    return result


def _shown(finding: Finding) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(finding)
    del fields["facts"]
    return fields


def mend(site: Site, plan: Plan, observer: Observer = SILENT) -> Result:
    """Carry out a plan of fixes that the user has agreed to.

    Args:
        site: as the checks saw it.
        plan: from `plan_fixes`.
        observer: is told of the steps.

    Returns: the findings of a second look, with the failures of fixes.
    Raises:
        UsenetError: "lock.held".
    Effects: those of the plan. The journal lies with the stack, or below
        the program's own data folder while there is none.
    """
    if site.stack is not None:
        folder = site.stack.folder
    else:
        folder = data_home(site.environ) / "machine"
        folder.mkdir(parents=True, exist_ok=True)
    with open_session(folder, "validate --fix", observer) as session:
        outcome = session.run(plan)
    again = Site(site.stack, site.environ, site.root, site.resolve)
    result = validate(again)
    result.errors[:0] = [failure.error for failure in outcome.failures]
    result.data["fixed"] = len(plan.steps) - len(outcome.failures)
    return result


def mend_findings(
    site: Site, findings: list[Finding], observer: Observer = SILENT
) -> Result:
    """Plan the fixes of findings and carry them out at once."""
    return mend(site, plan_fixes(site, findings), observer)
