"""Operations and an observer that write down what happens to them."""

from pathlib import Path
from typing import Any, ClassVar

from usenet_stack.errors import UsenetError
from usenet_stack.transaction import Context, Operation, Plan, Step


class Traced(Operation, frozen=True):
    """Adds a line to a log file for everything that it is asked to do.

    Args:
        log: where; each line is "do NAME", "undo NAME" ...
        name: which operation.
        fail: the methods that fail ("prepare", "do", "verify", "undo");
            "undo" fails only while the file `stuck` beside the log exists.
        raises: what `do` does: "error", "os" (EACCES), "full" (ENOSPC),
            "ctrl-c" or "bug".
    """

    kind: ClassVar[str] = "test.traced"
    log: Path
    name: str
    fail: tuple[str, ...] = ()
    raises: str = "error"

    def describe(self) -> str:
        return f"trace {self.name}"

    def prepare(self, context: Context) -> dict[str, Any]:
        self._tell("prepare")
        return {"was": len(self.log.read_text().splitlines())}

    def do(self, context: Context, before: dict[str, Any]) -> None:
        assert before["was"] > 0
        self._tell("do")

    def verify(self, context: Context) -> bool:
        return "verify" not in self.fail

    def undo(self, context: Context, before: dict[str, Any]) -> None:
        assert before["was"] > 0
        if "undo" in self.fail and self.log.with_name("stuck").exists():
            raise UsenetError("file.failed", path=self.name, folder="/")
        self._tell("undo")

    def manual(self, before: dict[str, Any]) -> str:
        return f"by hand: {self.name}"

    def _tell(self, what: str) -> None:
        with self.log.open("a") as log:
            log.write(f"{what} {self.name}\n")
        if what in self.fail and what != "undo":
            raise problem(self.raises)


def problem(name: str) -> BaseException:
    return {
        "error": UsenetError("journal.unknown", journal="x", why="It is so."),
        "os": PermissionError(13, "Permission denied", "/etc/secret/file"),
        "full": OSError(28, "No space left on device"),
        "io": OSError(5, "Input/output error", "/dev/x"),
        "ctrl-c": KeyboardInterrupt(),
        "bug": ZeroDivisionError(),
    }[name]


def step(log: Path, name: str, on_failure: Any = "abort", **how: Any) -> Step:
    return Step(Traced(log, name, **how), f"because {name}", on_failure)


def plan(*steps: Step, recovery: Any = "back") -> Plan:
    return Plan("test", steps, recovery)


def lines(log: Path) -> list[str]:
    """Return what was traced, preparations left out."""
    found = log.read_text().splitlines() if log.exists() else []
    return [line for line in found if not line.startswith("prepare")]


class Told:
    """An observer that remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.warnings: list[str] = []

    def plan(self, plan: Plan) -> None:
        self.events.append(f"plan of {len(plan.steps)}")

    def step_started(self, index: int, total: int, step: Step) -> None:
        self.events.append(f"started {index} of {total}")

    def progress(
        self, text: str, done: int | None, total: int | None, unit: str
    ) -> None:
        self.events.append(f"progress {text}")

    def step_finished(
        self, index: int, step: Step, outcome: str, seconds: float
    ) -> None:
        assert seconds >= 0
        self.events.append(f"{outcome} {index}")

    def warning(self, text: str) -> None:
        self.warnings.append(text)
