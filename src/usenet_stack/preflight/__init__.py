"""The preflight room: is this machine fit for the stack?"""

from usenet_stack.preflight.checks import run_checks
from usenet_stack.preflight.finding import Finding
from usenet_stack.preflight.fixes import plan_fixes
from usenet_stack.preflight.ports import port_is_free
from usenet_stack.preflight.site import Site
from usenet_stack.preflight.validate import (
    mend,
    mend_findings,
    report,
    validate,
)

__all__ = [
    "Finding",
    "Site",
    "mend",
    "mend_findings",
    "plan_fixes",
    "port_is_free",
    "report",
    "run_checks",
    "validate",
]
