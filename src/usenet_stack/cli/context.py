"""What commands need of the world around them: stack, questions, progress."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from usenet_stack.cli.call import Call
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result

if TYPE_CHECKING:
    from usenet_stack.stack.locate import StackLocation
    from usenet_stack.stack.model import Stack
    from usenet_stack.transaction import Observer, Plan


def locate_stack(call: Call) -> "StackLocation":
    """Return where the stack of a call is, and say so if there are others.

    Raises:
        UsenetError: stack.not-found (exit 10).
    Effects: one line on stderr when another stack is known.
    """
    from usenet_stack.stack.locate import find_stack

    where = find_stack(call.stack_folder, Path.cwd(), os.environ)
    announce(call, where.folder)
    return where


def announce(call: Call, folder: Path) -> None:
    """Say which stack is meant when there are others.

    Args:
        folder: absolute and resolved; need not be a stack yet.

    Effects: one line on stderr, unless --quiet.
    """
    from usenet_stack.stack.locate import known_stacks, sandbox_folder

    if call.quiet or not set(known_stacks(os.environ)) - {folder}:
        return
    sandbox = folder == sandbox_folder(os.environ).resolve()
    mark = " (sandbox)" if sandbox else ""
    sys.stderr.write(f"stack: {folder}{mark}\n")


def open_stack(call: Call) -> "Stack":
    """Return the stack that a call acts on.

    Raises:
        UsenetError: there is none, or its stack.toml is wrong.
    """
    where = locate_stack(call)
    # Not before it is known that there is a stack to read.
    from usenet_stack.stack.model import load_stack

    return load_stack(where)


def stack_if_any(call: Call) -> "Stack | None":
    """Return the stack of a call, or None when there is none.

    Raises:
        UsenetError: --stack or $USENET_STACK names what is no stack, or
            its stack.toml is wrong.
    """
    try:
        return open_stack(call)
    except UsenetError as error:
        named = call.stack_folder or os.environ.get("USENET_STACK")
        if error.code == "stack.not-found" and not named:
            return None
        raise


def plan_result(plan: "Plan") -> Result:
    """Return what --dry-run prints: every step with its cause."""
    return Result(
        {
            "plan": [
                {"operation": step.operation.describe(), "why": step.why}
                for step in plan.steps
            ]
        }
    )


def confirm(call: Call, question: str, what: str) -> None:
    """Ask before something that cannot be taken back.

    Args:
        question: "Take down 19 services?"
        what: what needs the yes, for the error: "taking the stack down".

    Raises:
        UsenetError: "cancelled" without a yes: the user said no, or there
            is no terminal to ask on.
    """
    if call.yes or call.dry_run or ask(call, question):
        return
    raise UsenetError("cancelled", what=what, command=with_yes(call.words))


def ask(call: Call, question: str) -> bool:
    """Return the answer to a question; no, where there is no terminal."""
    if call.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def approve(
    call: Call,
    plan: "Plan",
    heading: str = "This changes the machine itself:",
) -> None:
    """Show steps that cannot be taken lightly, and ask about them.

    Raises:
        UsenetError: "cancelled", as `confirm`.
    """
    if not (call.json or call.quiet):
        sys.stderr.write(f"{heading}\n")
        for number, step in enumerate(plan.steps, 1):
            sys.stderr.write(f"{number:>3}. {step.operation.describe()}\n")
            sys.stderr.write(f"     why: {step.why}\n")
    confirm(call, "Take these steps?", "changing the machine")


def with_yes(words: Sequence[str]) -> str:
    """Return the command line of a call with --yes."""
    from shlex import join

    end = words.index("--") if "--" in words else len(words)
    return join(["usenet", *words[:end], "--yes", *words[end:]])


class _Ended(Result):
    def __init__(self, code: int) -> None:
        super().__init__()
        self._code = code

    @property
    def exit_code(self) -> int:
        return self._code


def ended_with(code: int) -> Result:
    """Return the result of another program: its exit code becomes ours."""
    return _Ended(code)


@contextmanager
def progress(call: Call, after_s: float = 0.0) -> "Iterator[Observer]":
    """Show the progress of a plan while the block runs.

    A live display on a terminal, plain lines elsewhere, both on stderr;
    nothing with --quiet or JSON.

    Args:
        after_s: the live display appears after so many seconds.
    """
    if call.quiet or (call.json and not call.verbose):
        from usenet_stack.transaction import SILENT

        yield SILENT
        return
    from usenet_stack.render.progress import open_display

    with open_display(
        sys.stderr,
        os.environ,
        no_color=call.flag("no_color"),
        verbose=call.verbose,
        after_s=after_s,
    ) as display:
        yield display
