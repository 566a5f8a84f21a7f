"""`services list --watch` and `services top`: pages that go on."""

import os
import sys
import time
from collections.abc import Callable
from textwrap import wrap

from usenet_stack.cli.call import Call
from usenet_stack.cli.context import locate_stack
from usenet_stack.cli.usage import help_command, usage_error
from usenet_stack.render import terminal
from usenet_stack.render.service_rows import Look, service_lines
from usenet_stack.result import Result
from usenet_stack.stack.model import load_stack

QUIT = ("q", "Q", "\x1b")
SORTS = {"c": "cpu", "m": "memory", "n": "name"}
ONCE_SECONDS = 0.5
TOP_KEYS = "q leaves; c, m and n sort by CPU, memory and name."


def watch_list(call: Call, deadline_s: float, interval: float) -> Result:
    """Show the list again and again, until q or Ctrl-C.

    Raises:
        UsenetError: usage: there is no terminal, or JSON is wanted.
    """
    from usenet_stack.services import list_services

    if call.json or not sys.stdout.isatty():
        raise usage_error(
            "--watch draws on a terminal: not into a pipe, a file or JSON.",
            help_command(call.topic),
        )
    stack = load_stack(locate_stack(call))
    group = call.text("group") or None

    def page(look: Look) -> list[str]:
        result = list_services(stack, group=group, deadline_s=deadline_s)
        told = [
            line
            for message in result.messages
            for line in wrap(look.plain(message.text), look.width)
        ]
        clock = time.strftime("%H:%M:%S")
        foot = look.paint(f"{clock}, every {interval:g} s; q leaves.", "dim")
        return [*service_lines(result.data, look), *told, foot]

    return _show(call, interval, page, lambda key: None)


def watch_top(call: Call, interval: float, by: str) -> Result:
    """Show what services use, until q or Ctrl-C; once without a terminal.

    Raises:
        UsenetError: the Engine does not answer.
    """
    from usenet_stack.render.top import top_lines
    from usenet_stack.services.top import Top, ordered, top_once

    stack = load_stack(locate_stack(call))
    if call.json or not sys.stdout.isatty():
        return Result({"services": top_once(stack, ONCE_SECONDS, by)})
    top, sort = Top(stack), [by]
    top.rows()

    def page(look: Look) -> list[str]:
        lines = top_lines(ordered(top.rows(), sort[0]), look)
        return [*lines, "", look.paint(TOP_KEYS, "dim")]

    def press(key: str) -> None:
        sort[0] = SORTS.get(key.lower(), sort[0])

    return _show(call, interval, page, press)


def _show(
    call: Call,
    interval: float,
    page: Callable[[Look], list[str]],
    press: Callable[[str], None],
) -> Result:
    from usenet_stack.render.full_screen import FullScreen

    try:
        with FullScreen(sys.stdout) as screen:
            while True:
                screen.draw(page(_look(call)))
                key = screen.wait(interval)
                if key in QUIT:
                    break
                press(key)
    except KeyboardInterrupt:
        pass  # that is how it is meant to end
    return Result()


def _look(call: Call) -> Look:
    out = sys.stdout
    return Look(
        terminal.width_of(out, os.environ, terminal.WIDE),
        terminal.wants_colour(out, os.environ, call.flag("no_color")),
        terminal.speaks_unicode(out),
        call.verbose,
    )
