"""Log lines of services."""

import re

from usenet_stack.render.terminal import printable

_CYAN, _PLAIN = "\033[36m", "\033[0m"
# Colours and the like that an application wrote for its own terminal.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|.)")


def line_text(service: str, text: str, width: int, colour: bool) -> str:
    """Return a log line with its newline.

    Args:
        service: shown before the text, padded to `width`; 0 leaves it out.
        text: as the application wrote it, with or without newline.
        width: columns for the name.
        colour: whether to colour the name.
    """
    shown = printable(_ESCAPES.sub("", text.rstrip("\r\n")))
    if not width:
        return f"{shown}\n"
    name = f"{service:<{width}}"
    return f"{_CYAN}{name}{_PLAIN} {shown}\n" if colour else f"{name} {shown}\n"
