"""The heart: plan, journal, execute, undo, recover, lock and audit log.

Everything that changes the world is an `Operation` in a `Plan`. The executor
writes each step to an append-only journal before and after it happens, undoes
in reverse when one fails, and finishes or undoes at the next run what a crash
left behind.
"""

from usenet_stack.transaction.observer import SILENT, Observer
from usenet_stack.transaction.operation import Context, Operation
from usenet_stack.transaction.plan import Plan, Step
from usenet_stack.transaction.session import Outcome, Session, open_session

__all__ = [
    "SILENT",
    "Context",
    "Observer",
    "Operation",
    "Outcome",
    "Plan",
    "Session",
    "Step",
    "open_session",
]
