"""The help pages, in three depths, made from the commands' descriptions."""

from collections.abc import Sequence

from usenet_stack.cli.registry import GLOBAL_OPTIONS, SECTIONS
from usenet_stack.cli.spec import Command, Group, Option
from usenet_stack.cli.usage import usage_line
from usenet_stack.render.page import (
    Style,
    headline,
    pairs,
    paragraphs,
    remarks,
    section,
    told,
)

_TITLE = "usenet - one command deploys and runs a self-hosted media stack"
_FIRST_STEPS = (
    ("usenet deploy --sandbox --yes", "Try it out with simulated services."),
    ("usenet deploy", "Bring up the real stack."),
    ("usenet services list", "See what runs, and where."),
)


def page(topic: Group | Command | None, style: Style) -> str:
    """Return the help page of the program, of a noun or of a command."""
    if topic is None:
        lines = _program(style)
    elif isinstance(topic, Group):
        lines = _group(topic, style)
    else:
        lines = _command(topic, style)
    return "\n".join(lines) + "\n"


def _program(style: Style) -> list[str]:
    lines = headline(_TITLE, style)
    lines += section("Usage", [usage_line(None)], style)
    names = [e.name for _, entries in SECTIONS for e in entries]
    column = max(map(len, names))
    for title, entries in SECTIONS:
        rows = [(entry.name, entry.summary) for entry in entries]
        lines += section(title, pairs(rows, style, column), style)
    lines += section("Examples", remarks(_FIRST_STEPS, style), style)
    lines += _global_options(style)
    more = ("help NOUN", "help NOUN VERB")
    return lines + _see_also(more, style)


def _group(group: Group, style: Style) -> list[str]:
    lines = _opening(group, style)
    rows = [(c.path.split()[-1], c.summary) for c in group.commands]
    lines += section("Verbs", pairs(rows, style), style)
    lines += section("Examples", remarks(group.examples, style), style)
    lines += _errors(group.errors, style)
    lines += _global_options(style)
    return lines + _see_also(group.see_also, style)


def _command(command: Command, style: Style) -> list[str]:
    lines = _opening(command, style)
    rows = [(a.name, _choices(a.help, a.choices)) for a in command.arguments]
    lines += section("Arguments", pairs(rows, style), style)
    lines += section("Options", _options(command.options, style), style)
    lines += section("Examples", remarks(command.examples, style), style)
    lines += _errors(command.errors, style)
    lines += _global_options(style)
    return lines + _see_also(command.see_also, style)


def _opening(topic: Group | Command, style: Style) -> list[str]:
    title = f"usenet {topic.path} - {_lower(topic.summary)}"
    lines = headline(title, style)
    lines += section("Usage", _folded(usage_line(topic), style), style)
    if topic.description:
        lines += ["", *paragraphs(topic.description, style)]
    return lines


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _folded(text: str, style: Style) -> list[str]:
    # Breaks between options and never inside the brackets of one.
    lines = [""]
    for part in text.replace(" [", "\n[").split("\n"):
        if len(lines[-1]) + len(part) + 3 > style.width:
            lines.append("    " + part)
        else:
            lines[-1] += f" {part}" if lines[-1] else part
    return lines


def _global_options(style: Style) -> list[str]:
    return section("Global options", _options(GLOBAL_OPTIONS, style), style)


def _options(options: Sequence[Option], style: Style) -> list[str]:
    rows = []
    for option in options:
        names = ", ".join(reversed(option.names))
        if len(option.names) == 1:
            names = f"    {names}"
        shown = f"{names} {option.metavar}".rstrip()
        rows.append((shown, _choices(option.help, option.choices)))
    return pairs(rows, style)


def _choices(text: str, choices: Sequence[str]) -> str:
    return f"{text}: {', '.join(choices)}" if choices else text


def _errors(codes: Sequence[str], style: Style) -> list[str]:
    from usenet_stack.errors import ERRORS

    rows = [
        (_placeholders(ERRORS[code].message), _placeholders(ERRORS[code].hint))
        for code in codes
    ]
    return section("Common errors", told(rows, style), style)


def _placeholders(template: str) -> str:
    return template.replace("{", "<").replace("}", ">")


def _see_also(commands: Sequence[str], style: Style) -> list[str]:
    shown = [style.term(f"usenet {command}") for command in commands]
    return section("See also", shown, style)
