"""What went wrong, why, and the command that mends it, as sentences."""

from textwrap import wrap

from usenet_stack.errors import UsenetError
from usenet_stack.render.terminal import printable

_RED, _YELLOW, _BOLD, _PLAIN = "\033[31m", "\033[33m", "\033[1m", "\033[0m"


def error_text(error: UsenetError, width: int, colour: bool) -> str:
    """Return an error as lines: what, why, details, and the mend.

    Log lines and the mend are never wrapped: they are there to be copied.
    """
    lines = _labelled("error:", error.message, width, _RED if colour else "")
    if error.why:
        lines += _labelled("  why:", error.why, width, "")
    for detail in error.details:
        for line in printable(detail).splitlines():
            lists = error.code == "usage"
            folded = wrap(line, width - 4) if lists else [line]
            lines += [f"    {part}" for part in folded]
    if error.hint:
        mend = printable(error.hint)
        shown = f"{_BOLD}{mend}{_PLAIN}" if colour else mend
        lines.append(f"  fix: {shown}")
    return "\n".join(lines) + "\n"


def warning_text(text: str, width: int, colour: bool) -> str:
    """Return a warning."""
    lines = _labelled("warning:", text, width, _YELLOW if colour else "")
    return "\n".join(lines) + "\n"


def whole_words(text: str, width: int) -> list[str]:
    """Return text folded between words; a long path stays whole."""
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _labelled(label: str, text: str, width: int, colour: str) -> list[str]:
    shown = f"{colour}{label}{_PLAIN}" if colour else label
    room = width - len(label) - 1
    lines: list[str] = []
    for line in printable(text).splitlines():
        lines += whole_words(line, room) or [""]
    lines = lines or [""]
    hang = " " * (len(label) + 1)
    return [f"{shown} {lines[0]}", *(hang + line for line in lines[1:])]
