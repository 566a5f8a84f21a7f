"""Since when a key is in use, as far as the audit log tells."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from usenet_stack.stack.model import Stack

_MADE = "generate "


def changed_at(stack: Stack) -> dict[str, str]:
    """Return when keys were made or last rotated, by the name in `.env`.

    Returns: RFC 3339 times; a name that is not there is not known. The key
        "" stands for the names that only one deploy can have made.
    """
    found: dict[str, str] = {}
    deploys = []
    for line in _lines(stack.state_path / "audit.jsonl"):
        plan = [str(each) for each in line.get("plan") or ()]
        at = str(line.get("at", ""))
        if line.get("outcome") not in ("committed", "partial"):
            continue
        if any(each.startswith(_MADE) for each in plan):
            deploys.append(at)
        if line.get("command") == "keys rotate" and plan:
            for word in plan[0].replace(",", " ").replace(";", " ").split():
                if word.endswith(("_KEY", "_PASSWORD")):
                    found[word] = at
    if len(deploys) == 1:
        found[""] = deploys[0]
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found
