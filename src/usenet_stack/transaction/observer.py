"""What a plan tells whoever watches it run."""

from typing import Literal, Protocol

from usenet_stack.transaction.plan import Plan, Step

StepOutcome = Literal["done", "failed", "undone", "skipped"]


class Observer(Protocol):
    """Receives the events of a running plan; shows them or drops them."""

    def plan(self, plan: Plan) -> None:
        """The plan is about to run."""

    def step_started(self, index: int, total: int, step: Step) -> None:
        """Step `index` (from 0) of `total` begins."""

    def progress(
        self, text: str, done: int | None, total: int | None, unit: str
    ) -> None:
        """The running step got on: `done` of `total` in `unit`."""

    def step_finished(
        self, index: int, step: Step, outcome: StepOutcome, seconds: float
    ) -> None:
        """Step `index` ended after `seconds`."""

    def warning(self, text: str) -> None:
        """Something that the user should know, and no failure."""


class _Silent:
    """An observer that shows nothing."""

    def plan(self, plan: Plan) -> None: ...

    def step_started(self, index: int, total: int, step: Step) -> None: ...

    def progress(
        self, text: str, done: int | None, total: int | None, unit: str
    ) -> None: ...

    def step_finished(
        self, index: int, step: Step, outcome: StepOutcome, seconds: float
    ) -> None: ...

    def warning(self, text: str) -> None: ...


SILENT: Observer = _Silent()
