"""What `usenet journal` tells, read from the journals of a stack."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.transaction import Observer, Operation, open_session
from usenet_stack.transaction.journal import Journal, Record, decode, journals


def summaries(stack_folder: Path) -> list[dict[str, Any]]:
    """Return one row for each journal, oldest first."""
    return [_summary(path) for path in journals(stack_folder)]


def _summary(path: Path) -> dict[str, Any]:
    records, damage = _read(path)
    first, last = records[0], records[-1]
    ended = last.get("event") == "end"
    outcome = last["outcome"] if ended else "unfinished"
    return {
        "id": path.stem,
        "command": first.get("command", ""),
        "at": first.get("at", ""),
        "ended": last.get("at", "") if ended else "",
        "steps": len(first.get("steps", ())),
        "outcome": "damaged" if damage else outcome,
    }


def _read(path: Path) -> tuple[list[Record], UsenetError | None]:
    """Read the records; of a damaged journal, those that can be read."""
    try:
        return Journal.open(path).records, None
    except UsenetError as damage:
        records: list[Record] = []
        for line in path.read_bytes().splitlines(keepends=True):
            with suppress(UsenetError):
                records += decode(line, path)[0]
        return records or [{"event": "unreadable"}], damage


def find(stack_folder: Path, named: str) -> Path:
    """Return the journal of an id or of the beginning of one.

    Raises:
        UsenetError: "journal.unknown" when none or several begin so.
    """
    matching = [p for p in journals(stack_folder) if p.stem.startswith(named)]
    exact = [path for path in matching if path.stem == named]
    if len(exact or matching) != 1:
        raise UsenetError("journal.unknown", journal=named)
    return (exact or matching)[0]


def details(stack_folder: Path, named: str) -> Result:
    """Return one journal with its steps and how far each got."""
    path = find(stack_folder, named)
    records, damage = _read(path)
    planned = records[0].get("steps", [])
    steps = [
        _step(raw, [r for r in records if r.get("step") == index])
        for index, raw in enumerate(planned)
    ]
    about = {**_summary(path), "undone_because": _reason(records)}
    result = Result({"journal": {**about, "steps": steps}})
    if damage:
        result.errors.append(damage)
    return result


def _reason(records: list[Record]) -> str:
    """Return why it was first put back, "" when it was not."""
    reasons = [r["reason"] for r in records if r.get("event") == "undoing"]
    return str(reasons[0]) if reasons else ""


def _step(raw: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
    event = records[-1]["event"] if records else "pending"
    state = {"begin": "begun"}.get(event, event)
    kind = str(raw["operation"].get("kind", ""))
    found = {"operation": kind, "why": raw["why"], "state": state}
    try:
        operation = Operation.from_dict(raw["operation"])
    except msgspec.ValidationError:
        return found  # a newer or older version of the program wrote it
    found["operation"] = operation.describe()
    begun = [r["before"] for r in records if r["event"] == "begin"]
    if begun and state in ("begun", "failed"):
        found["by_hand"] = operation.manual(begun[-1])
    return found


def unfinished_plan(stack_folder: Path, named: str) -> Result:
    """Return the steps that `settle` would complete or undo."""
    paths = [find(stack_folder, named)] if named else journals(stack_folder)
    rows = []
    for path in paths:
        journal = Journal.open(path)
        if journal.finished:
            continue
        first = journal.records[0]
        back = first["recovery"] == "back"
        verb = "undo what was begun of" if back else "complete"
        why = f"`usenet {first['command']}` of {first['at']} was cut off"
        rows.append({"operation": f"{verb} {path.stem}", "why": why})
    return Result({"plan": rows})


def settle(stack_folder: Path, named: str, observer: Observer) -> Result:
    """Complete or undo what was cut off.

    Args:
        named: must be one that is there, or "".

    Raises:
        UsenetError: the recovery failed; the lock is held.
    """
    if named:
        find(stack_folder, named)
    before = _unfinished(stack_folder)
    # A session settles what it finds as it opens; nothing else is wanted.
    with open_session(stack_folder, "journal recover", observer):
        pass
    return Result(
        {"recovered": [_summary(path) for path in before if path.exists()]}
    )


def _unfinished(stack_folder: Path) -> list[Path]:
    return [
        path
        for path in journals(stack_folder)
        if not Journal.open(path).finished
    ]
