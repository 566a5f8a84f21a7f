"""Shows a running plan: live on a terminal, plain lines anywhere else."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from usenet_stack.render import sentences, terminal
from usenet_stack.render.terminal import printable
from usenet_stack.render.units import counted, duration, size

if TYPE_CHECKING:
    from usenet_stack.transaction import Observer, Plan, Step
    from usenet_stack.transaction.observer import StepOutcome

BETWEEN_LINES_S = 5.0
WORTH_TELLING_S = 2.0


@contextmanager
def open_display(
    stream: IO[str],
    environ: Mapping[str, str],
    *,
    no_color: bool = False,
    verbose: int = 0,
    after_s: float = 0.0,
) -> "Iterator[Observer]":
    """Hand out an observer that shows on `stream` what it is told.

    Args:
        stream: a terminal gets a live display, anything else plain lines.
        environ: for NO_COLOR, COLUMNS and TERM.
        no_color: as the option says.
        verbose: 1 adds the cause of each step and all progress.
        after_s: the live display appears after so many seconds.
    """
    width = terminal.width_of(stream, environ, terminal.WIDE)
    colour = terminal.wants_colour(stream, environ, no_color)
    if not stream.isatty() or environ.get("TERM") == "dumb":
        yield PlainDisplay(stream, width, verbose)
        return
    from usenet_stack.render.live import LiveDisplay

    display = LiveDisplay(
        stream, width, colour=colour, verbose=verbose, after_s=after_s
    )
    try:
        yield display
    finally:
        display.close()


def amount(done: int | None, total: int | None, unit: str) -> str:
    """Return how far something got: "120 MiB of 1.4 GiB", "3 of 19"."""
    in_bytes = unit in ("B", "bytes")
    shown = [
        size(number) if in_bytes else str(number)
        for number in (done, total)
        if number is not None
    ]
    text = " of ".join(shown)
    return f"{text} {unit}" if shown and unit and not in_bytes else text


class PlainDisplay:
    """One line for each step, for pipes, logs and dumb terminals."""

    def __init__(self, stream: IO[str], width: int, verbose: int) -> None:
        self._stream = stream
        self._width = width
        self._verbose = verbose
        self._total = 0
        self._indent = ""
        self._told = 0.0
        self._last = ""
        # Images are pulled by several threads that all report progress.
        self._lock = threading.Lock()

    def plan(self, plan: "Plan") -> None:
        self._total = len(plan.steps)
        steps = counted(self._total, "step")
        self._line(f"{plan.command}: {steps}" if plan.steps else "")

    def step_started(self, index: int, total: int, step: "Step") -> None:
        label = self._label(index, total)
        self._indent = " " * len(label)
        self._told = time.monotonic()
        self._line(f"{label}{step.operation.describe()}")
        if self._verbose:
            self._line(f"{self._indent}why: {step.why}")

    def progress(
        self, text: str, done: int | None, total: int | None, unit: str
    ) -> None:
        with self._lock:
            now = time.monotonic()
            if not self._verbose and now - self._told < BETWEEN_LINES_S:
                return
            told = f"{text} {amount(done, total, unit)}".rstrip()
            if told == self._last:
                return
            self._told, self._last = now, told
        self._line(f"{self._indent}{told}")

    def step_finished(
        self, index: int, step: "Step", outcome: "StepOutcome", seconds: float
    ) -> None:
        if outcome == "undone":
            label = self._label(index, self._total)
            self._line(f"{label}undone: {step.operation.describe()}")
        elif outcome == "failed":
            self._line(f"{self._indent}failed after {duration(seconds)}")
        elif seconds >= WORTH_TELLING_S or self._verbose:
            self._line(f"{self._indent}{outcome} in {duration(seconds)}")

    def warning(self, text: str) -> None:
        self._line(sentences.warning_text(text, self._width, False).rstrip())

    def _label(self, index: int, total: int) -> str:
        digits = len(str(total))
        return f"[{index + 1:>{digits}}/{total}] "

    def _line(self, text: str) -> None:
        if text:
            # Whoever read it may be gone; the work goes on all the same.
            with suppress(OSError):
                self._stream.write(f"{printable(text)}\n")
                self._stream.flush()
