"""Links lead somewhere, and pages keep to the house's form."""

import re
from pathlib import Path

import pytest
from pages import CHECKOUT, DOCS, all_pages, plain, shown

PAGES = all_pages()
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
WIDTH = 80


def anchors(page: Path) -> set[str]:
    """Return the names of a page's headings, as links use them."""
    found = set()
    for heading in HEADING.findall(plain(page.read_text())):
        kept = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(kept.replace(" ", "-"))
    return found


def links(page: Path) -> list[str]:
    found = LINK.findall(plain(page.read_text()))
    return [link for link in found if not link.startswith("http")]


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    broken = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [DOCS / "README.md", CHECKOUT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists():
                waiting.append(target)
    assert set(PAGES) <= reached


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_prose_keeps_to_eighty_columns(page: Path) -> None:
    # A table's row, a list of links and an address cannot be broken.
    long = [
        line
        for line in plain(page.read_text()).splitlines()
        if len(line) > WIDTH and not line.lstrip().startswith(("|", "- [", "<"))
    ]
    assert long == []
