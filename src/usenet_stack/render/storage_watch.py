"""What `usenet storage watch` says, line by line."""

import json
from typing import Any

from usenet_stack.render.screen import Screen
from usenet_stack.render.terminal import printable

_COLOURS = {
    "fenced": "\033[31m",
    "failed": "\033[31m",
    "attached": "\033[32m",
}
_PLAIN = "\033[0m"


def notice_text(notice: dict[str, Any], colour: bool) -> str:
    """Return one notice as a line, and the mend of a failure as another."""
    event = str(notice["event"])
    start = _COLOURS.get(event, "") if colour else ""
    word = f"{start}{event:<8}{_PLAIN if start else ''}"
    line = f"{notice['time']}  {word}  {printable(str(notice['text']))}\n"
    if notice.get("hint"):
        line += f"{'':<22}try: {printable(str(notice['hint']))}\n"
    return line


def notice_json(notice: dict[str, Any]) -> str:
    """Return one notice as one line of JSON."""
    return json.dumps(notice, ensure_ascii=False) + "\n"


def show_watch(data: dict[str, Any], screen: Screen) -> None:
    """Print what a single look found, or the unit."""
    if "text" in data:
        for line in str(data["text"]).splitlines():
            screen.line(line)
    for notice in data.get("notices", ()):
        for line in notice_text(notice, False).splitlines():
            screen.line(line)
