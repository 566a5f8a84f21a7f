"""Log lines of services."""

import re

from usenet_stack.render.terminal import printable

_PLAIN = "\033[0m"
# Cyan, yellow, green, magenta, blue, then the same in bright; red is for
# errors.
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
# Colours and the like that an application wrote for its own terminal.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|.)")


def line_text(service: str, text: str, width: int, colour: int = 0) -> str:
    """Return a log line with its newline.

    Args:
        service: shown before the text, padded to `width`; 0 leaves it out.
        text: as the application wrote it, with or without newline.
        width: columns for the name.
        colour: one of COLOURS for the name, 0 for none.
    """
    shown = printable(_ESCAPES.sub("", text.rstrip("\r\n")))
    if not width:
        return f"{shown}\n"
    name = f"{service:<{width}}"
    if not colour:
        return f"{name} {shown}\n"
    return f"\033[{colour}m{name}{_PLAIN} {shown}\n"
