"""The live display of a running plan, for a terminal."""

import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, cast

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from usenet_stack.render.progress import amount
from usenet_stack.render.terminal import printable, speaks_unicode
from usenet_stack.render.units import counted, duration

if TYPE_CHECKING:
    from usenet_stack.transaction import Plan, Step
    from usenet_stack.transaction.observer import StepOutcome

# Quicker steps are counted, not listed: a deploy has dozens of them.
LISTED_S = 0.3
ROWS = 8
_MARKS = {
    "done": ("\N{CHECK MARK}", "ok", "green"),
    "failed": ("\N{BALLOT X}", "!!", "red"),
    "undone": ("\N{LEFTWARDS ARROW WITH HOOK}", "<-", "yellow"),
    "skipped": ("-", "-", "dim"),
}

Amounts = dict[str, tuple[int | None, int | None, str]]


class _Lasting:
    """A terminal that may vanish: the work goes on all the same."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class LiveDisplay:
    """Shows the running step with a spinner and how far its parts are.

    Steps that took a while stay on the screen as lines; the rest vanishes.

    Args:
        stream: the terminal.
        width: columns to fill.
        colour: whether to colour.
        verbose: 1 lists every step with its cause.
        after_s: seconds during which nothing is shown: what ends by then
            needs no display.
    """

    def __init__(
        self,
        stream: IO[str],
        width: int,
        *,
        colour: bool,
        verbose: int,
        after_s: float = 0.0,
    ) -> None:
        self._console = Console(
            file=cast(IO[str], _Lasting(stream)),
            width=width,
            force_terminal=True,
            no_color=not colour,
            markup=False,
            highlight=False,
            emoji=False,
        )
        self._unicode = speaks_unicode(stream)
        self._verbose = verbose
        self._total = 0
        self._finished = 0
        self._begun = self._step_begun = time.monotonic()
        self._current = ""
        self._amounts: Amounts = {}
        self._lock = threading.Lock()
        self._held: list[Text] | None = [] if after_s and not verbose else None
        self._timer = threading.Timer(after_s, self._appear)
        self._timer.daemon = True
        self._spinner = Spinner("dots" if self._unicode else "line")
        self._live = Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def plan(self, plan: "Plan") -> None:
        self._total, self._finished = len(plan.steps), 0
        self._begun = time.monotonic()
        if not plan.steps:
            return
        if self._held is None:
            self._live.start()
        else:
            self._timer.start()

    def _appear(self) -> None:
        with self._lock:
            held, self._held = self._held, None
            for line in held or []:
                self._console.print(line)
        # Not while the lock is held: it draws at once.
        self._live.start()

    def _print(self, line: Text) -> None:
        with self._lock:
            if self._held is not None:
                self._held.append(line)
                return
        self._console.print(line)

    def step_started(self, index: int, total: int, step: "Step") -> None:
        with self._lock:
            self._current = step.operation.describe()
            self._amounts = {}
            self._step_begun = time.monotonic()

    def progress(
        self, text: str, done: int | None, total: int | None, unit: str
    ) -> None:
        with self._lock:
            self._amounts.pop(text, None)
            if done is None or total is None or done < total:
                self._amounts[text] = (done, total, unit)

    def step_finished(
        self, index: int, step: "Step", outcome: "StepOutcome", seconds: float
    ) -> None:
        with self._lock:
            self._finished = index if outcome == "undone" else index + 1
            self._current, self._amounts = "", {}
        if outcome == "done" and seconds < LISTED_S and not self._verbose:
            return
        mark, plain, style = _MARKS[outcome]
        line = Text.assemble(
            (mark if self._unicode else plain, style),
            f" {printable(step.operation.describe())}  ",
            (duration(seconds), "dim"),
        )
        self._print(line)
        if self._verbose:
            self._print(Text(f"  why: {printable(step.why)}", "dim"))

    def warning(self, text: str) -> None:
        self._console.print(
            Text.assemble(("warning: ", "yellow"), printable(text))
        )

    def close(self) -> None:
        """Remove the live part; what was listed stays."""
        self._timer.cancel()
        if self._timer.is_alive():
            self._timer.join()
        self._live.stop()
        if self._held is not None:
            return
        if self._total and self._finished == self._total:
            taken = duration(time.monotonic() - self._begun)
            steps = counted(self._total, "step")
            self._console.print(Text(f"{steps} done in {taken}", "dim"))

    def _render(self) -> RenderableType:
        with self._lock:
            current, amounts = self._current, dict(self._amounts)
            begun, finished = self._step_begun, self._finished
        taken = duration(time.monotonic() - begun)
        head = f"[{min(finished + 1, self._total)}/{self._total}] {current}"
        self._spinner.update(text=Text(f"{printable(head)}  {taken}"))
        return Group(self._spinner, _parts(amounts))


def _parts(amounts: Amounts) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    shown = list(amounts.items())[-ROWS:]
    for text, (done, total, unit) in shown:
        bar: RenderableType = Text("")
        if done is not None and total:
            bar = ProgressBar(total=total, completed=done, width=24)
        table.add_row(
            Text("  " + printable(text)), bar, Text(amount(done, total, unit))
        )
    if len(amounts) > ROWS:
        table.add_row(Text(f"  and {len(amounts) - ROWS} more"))
    return table
