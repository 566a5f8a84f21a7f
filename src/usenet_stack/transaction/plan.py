"""A plan: operations in order, each with its cause."""

from typing import Any, Literal, Self

import msgspec

from usenet_stack.transaction.operation import Operation

OnFailure = Literal["abort", "continue"]
Recovery = Literal["forward", "back"]


class Step(msgspec.Struct, frozen=True):
    """One operation of a plan.

    Args:
        operation: the change.
        why: its cause, one clause that the user understands.
        on_failure: "abort" undoes the plan; "continue" notes the failure
            and goes on (one service of many).
        commits: once it has begun, a crash is no reason to go back: the
            next run completes the plan, whatever its recovery.
    """

    operation: Operation
    why: str
    on_failure: OnFailure = "abort"
    commits: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the step as plain JSON."""
        commits = {"commits": True} if self.commits else {}
        return {
            "operation": self.operation.as_dict(),
            "why": self.why,
            "on_failure": self.on_failure,
            **commits,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the step that `as_dict` wrote."""
        return cls(
            Operation.from_dict(data["operation"]),
            data["why"],
            data["on_failure"],
            data.get("commits", False),
        )


class Plan(msgspec.Struct, frozen=True):
    """What a command is going to do.

    Args:
        command: the command that made it, as the user knows it ("deploy").
        steps: in the order in which they run.
        recovery: what the next run does with a plan that a crash cut off:
            "back" undoes it, "forward" completes it; a step that `commits`
            makes it "forward" from there on.
    """

    command: str
    steps: tuple[Step, ...]
    recovery: Recovery = "back"

    def as_text(self) -> str:
        """Return the plan as numbered lines, as `--dry-run` prints it."""
        if not self.steps:
            return "Nothing to do.\n"
        return "".join(
            f"{number}. {step.operation.describe()}\n   why: {step.why}\n"
            for number, step in enumerate(self.steps, 1)
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON."""
        return {
            "command": self.command,
            "recovery": self.recovery,
            "steps": [step.as_dict() for step in self.steps],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the plan that `as_dict` wrote."""
        steps = tuple(Step.from_dict(step) for step in data["steps"])
        return cls(data["command"], steps, data["recovery"])
