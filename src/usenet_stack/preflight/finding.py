"""What one check found."""

from typing import Literal

import msgspec

Status = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """One observation, and the command that mends it.

    Args:
        code: "area.thing", the same whether it is well or not.
        status: "fail" stops a deploy, "warn" does not.
        subject: what was looked at: "port 8989", a path.
        message: one sentence.
        hint: the command that mends it; "" when all is well.
        facts: what the fix needs; never shown.
    """

    code: str
    status: Status
    subject: str
    message: str
    hint: str = ""
    facts: dict[str, str | int] = {}


def ok(code: str, subject: str, message: str) -> Finding:
    """Return a finding that says that all is well."""
    return Finding(code, "ok", subject, message)
