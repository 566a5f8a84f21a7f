"""Log lines on their way to the user: keys masked, printed as they come."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle

from usenet_stack.cli.call import Call
from usenet_stack.cli.context import ended_with
from usenet_stack.errors import Exit
from usenet_stack.render import terminal
from usenet_stack.render.logs import COLOURS, line_text
from usenet_stack.result import Result
from usenet_stack.services import LogLine
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import read_env


def without_secrets(
    stack: Stack, lines: Iterable[LogLine]
) -> Iterator[LogLine]:
    """Yield the lines with the values of the stack's `.env` masked.

    Some applications write their own key into their log as they start.
    """
    secrets = read_env(stack.folder)
    for line in lines:
        yield line._replace(text=secrets.masked(line.text))


def print_logs(
    call: Call, names: Sequence[str], lines: Iterable[LogLine]
) -> Result:
    """Print log lines as they come, each with its service if several.

    Args:
        names: the services that may write.

    Returns: nothing to show; Ctrl-C while following gives exit code 130
        and no further word, because that is how following ends.
    """
    width = max(map(len, names)) if len(names) > 1 else 0
    out, follow = sys.stdout, call.flag("follow")
    coloured = terminal.wants_colour(out, os.environ, call.flag("no_color"))
    colours = dict(
        zip(names, cycle(COLOURS if coloured else (0,)), strict=False)
    )
    try:
        for line in lines:
            colour = colours.get(line.service, 0)
            out.write(line_text(line.service, line.text, width, colour))
            if follow:
                out.flush()
    except KeyboardInterrupt:
        if not follow:
            raise
        return ended_with(Exit.INTERRUPTED)
    return Result()
