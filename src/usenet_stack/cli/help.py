"""`usenet help`: the help pages, by name."""

import os
import sys

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Argument, Command, Group
from usenet_stack.result import Result


def explain(call: Call) -> Result:
    """Return the page of the topic that the words name."""
    from usenet_stack.cli import usage
    from usenet_stack.cli.registry import ENTRIES, load

    topic: Group | Command | None = None
    for word in call.line("topic"):
        if topic is None:
            if word not in ENTRIES:
                raise usage.unknown_command(word)
            topic = load(word)
            continue
        found = topic.find(word) if isinstance(topic, Group) else None
        if found is None:
            if isinstance(topic, Group):
                raise usage.unknown_verb(topic, word)
            raise usage.incomplete(COMMAND, f"has no page `{word}` there")
        topic = found
    return help_result(topic, no_color=call.flag("no_color"))


def help_result(
    topic: Group | Command | None, *, no_color: bool = False
) -> Result:
    """Return the help page of a topic as a result.

    Its width and colours are those of the terminal on stdout.
    """
    from usenet_stack.cli.manual import page
    from usenet_stack.render import terminal
    from usenet_stack.render.page import Style

    width = terminal.width_of(sys.stdout, os.environ, terminal.PAGE)
    colour = terminal.wants_colour(sys.stdout, os.environ, no_color)
    return Result({"help": page(topic, Style(width, colour))})


COMMAND = Command(
    path="help",
    summary="Explain a command",
    run=explain,
    show="text:help",
    description="""
        Without a topic it lists all commands. With a noun it lists its
        verbs; with a noun and a verb it explains that command, exactly as
        --help after the command does. A noun alone, and `usenet` alone,
        print their help too and exit with 0.
    """,
    arguments=(
        Argument(
            "TOPIC",
            "A command, or a noun and a verb",
            required=False,
            many=True,
            complete="topic",
        ),
    ),
    examples=(
        ("usenet help", "Lists all commands."),
        ("usenet help storage", "Lists what can be done with drives."),
        ("usenet help storage add", "Explains how a drive is added."),
    ),
    see_also=("version", "completion bash"),
)
