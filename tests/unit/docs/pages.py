"""What the tests read out of the documentation."""

import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
DOCS = CHECKOUT / "docs"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")


def all_pages() -> list[Path]:
    """Return every page: those of docs/ and the two at the root."""
    found = sorted(DOCS.rglob("*.md"))
    return [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *found]


def shown(page: Path) -> str:
    """Return a page's path as a test names it."""
    return str(page.relative_to(CHECKOUT))


def blocks(text: str, kind: str) -> list[str]:
    """Return the contents of the fenced blocks of one kind."""
    return [body for found, body in FENCE.findall(text) if found == kind]


def plain(text: str) -> str:
    """Return a page without its fenced blocks."""
    return FENCE.sub("", text)


def first_cells(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (code in the first cell, all cells) of each row of a table."""
    for line in plain(text).splitlines():
        if not line.startswith("| `"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        yield CODE.findall(cells[0])[0], cells
