"""The journals of a stack."""

from typing import Any

from usenet_stack.render.screen import Cell, Column, Screen
from usenet_stack.render.sentences import whole_words
from usenet_stack.render.units import counted

_OUTCOMES = {
    "committed": "green",
    "partial": "yellow",
    "rolled-back": "yellow",
    "unfinished": "bold red",
    "damaged": "bold red",
}
_MARKS = {"done": "green", "undone": "yellow", "failed": "red", "begun": "red"}


def show_journals(data: dict[str, Any], screen: Screen) -> None:
    """Print one row for each run."""
    rows = data["journals"]
    if not rows:
        screen.line("Nothing was done to this stack yet.")
        return
    columns = [
        Column("Journal"),
        Column("Command"),
        Column("Steps", "right", fixed=True),
        Column("Outcome", fixed=True),
    ]
    screen.table(
        columns,
        [
            [
                row["id"],
                row["command"],
                str(row["steps"]),
                _outcome(row["outcome"]),
            ]
            for row in rows
        ],
    )


def _outcome(outcome: str) -> Cell:
    return Cell(outcome, _OUTCOMES.get(outcome, ""))


def show_journal(data: dict[str, Any], screen: Screen) -> None:
    """Print a run step by step, with what to do by hand."""
    journal = data["journal"]
    facts: list[tuple[str, str | Cell]] = [
        ("Journal", journal["id"]),
        ("Command", f"usenet {journal['command']}"),
        ("Begun", journal["at"]),
        ("Ended", journal["ended"] or "-"),
        ("Outcome", _outcome(journal["outcome"])),
    ]
    if journal.get("undone_because"):
        facts.append(("Because", journal["undone_because"]))
    screen.facts(facts)
    screen.line()
    for number, step in enumerate(journal["steps"], 1):
        _step(number, step, screen)


def _step(number: int, step: dict[str, Any], screen: Screen) -> None:
    label = f"{number:>3}. {step['state']:<8} "
    hang = " " * len(label)
    room = screen.width - len(label)
    lines = whole_words(step["operation"], room)
    screen.exact(label + lines[0], _MARKS.get(step["state"], "dim"))
    for line in [*lines[1:], *whole_words(f"why: {step['why']}", room)]:
        screen.exact(hang + line)
    if "by_hand" in step:
        screen.exact(f"{hang}by hand: {step['by_hand']}", "bold")


def show_recovered(data: dict[str, Any], screen: Screen) -> None:
    """Print what was settled."""
    rows = data["recovered"]
    if not rows:
        screen.line("Nothing was cut off: there is nothing to recover.")
        return
    screen.line(f"{counted(len(rows), 'run')} settled:")
    for row in rows:
        screen.exact(f"  {row['id']}  {row['outcome']}")
