"""The way of a command: words, call, result, output, exit code."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from usenet_stack.cli.output import Output
from usenet_stack.cli.parse import wants_json

if TYPE_CHECKING:
    from usenet_stack.cli.call import Call
    from usenet_stack.result import Result


def run(words: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        words: what follows "usenet"; None takes them from the process.

    Effects: those of the command; output on stdout and stderr. Never raises.
    """
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["__complete"]:
        from usenet_stack.cli.complete import answer

        return answer(words[1:])
    from usenet_stack.cli.boundary import guard

    output = Output(
        os.environ,
        json=wants_json(words),
        no_color="--no-color" in words,
    )
    return guard(lambda: _go(words, output), words, output)


def _go(words: Sequence[str], output: Output) -> int:
    from usenet_stack.cli.legacy import rewrite
    from usenet_stack.cli.parse import parse

    current, deprecated = rewrite(words)
    if deprecated:
        output.deprecate(deprecated)
    call = parse(current)
    output.json, output.quiet = call.json, call.quiet
    output.verbose = call.verbose
    result, show = _result(call)
    output.finish(result, show)
    return int(result.exit_code)


def _result(call: "Call") -> "tuple[Result, str]":
    from usenet_stack.cli.spec import Command

    if call.flag("version"):
        from usenet_stack.cli.version import COMMAND

        return COMMAND.run(call), COMMAND.show
    if call.flag("help") or not isinstance(call.topic, Command):
        from usenet_stack.cli.help import help_result

        shown = help_result(call.topic, no_color=call.flag("no_color"))
        return shown, "text:help"
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    result = call.topic.run(call)
    planned = call.dry_run and "plan" in result.data
    return result, "plan:show_plan" if planned else call.topic.show


def _interrupt(number: int, _frame: object) -> None:
    # As Ctrl-C: a plan is put back, or left for the next run to continue.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
