"""A plan, as `--dry-run` shows it: numbered, each step with its cause."""

from typing import Any

from usenet_stack.render.screen import Screen
from usenet_stack.render.sentences import whole_words
from usenet_stack.render.units import counted


def show_plan(data: dict[str, Any], screen: Screen) -> None:
    """Print `data["plan"]`: a list of {"operation": ..., "why": ...}."""
    steps = data["plan"]
    if not steps:
        screen.line("Nothing to do.")
        return
    digits = len(str(len(steps)))
    for number, step in enumerate(steps, 1):
        label = f"{number:>{digits}}. "
        hang = " " * len(label)
        for index, line in enumerate(_wrapped(step["operation"], screen, hang)):
            screen.exact((hang if index else label) + line)
        for line in _wrapped(f"why: {step['why']}", screen, hang):
            screen.exact(hang + line, "dim")
    screen.line()
    screen.line(f"{counted(len(steps), 'step')} planned; nothing was changed.")


def _wrapped(text: str, screen: Screen, hang: str) -> list[str]:
    return whole_words(text, screen.width - len(hang))
