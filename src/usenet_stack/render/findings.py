"""What the checks of `usenet validate` found."""

from typing import Any

from usenet_stack.render.screen import Cell, Column, Screen

_WORDS = {
    "ok": Cell("ok", "green"),
    "warn": Cell("warning", "yellow"),
    "fail": Cell("failed", "bold red"),
}


def show_checks(data: dict[str, Any], screen: Screen) -> None:
    """Print one line for each check, and how to mend what is not well."""
    rows = data["checks"]
    shown = [row for row in rows if not screen.quiet or row["status"] != "ok"]
    columns = [Column("Check", fixed=True), Column("Subject"), Column("Found")]
    screen.table(
        columns,
        [
            [_WORDS[row["status"]], row["subject"], row["message"]]
            for row in shown
        ],
    )
    _mends(rows, screen)
    _count(rows, screen)


def _mends(rows: list[dict[str, Any]], screen: Screen) -> None:
    bad = [row for row in rows if row["status"] != "ok" and row["hint"]]
    if not bad:
        return
    screen.line()
    screen.heading("To mend it")
    for row in bad:
        screen.line(f"  {row['subject']}")
        screen.exact(f"      {row['hint']}")


def _count(rows: list[dict[str, Any]], screen: Screen) -> None:
    if screen.quiet:
        return
    counts = dict.fromkeys(_WORDS, 0)
    for row in rows:
        counts[row["status"]] += 1
    screen.line()
    screen.line(
        f"{counts['ok']} well, {counts['warn']} with a warning, "
        f"{counts['fail']} failed."
    )
