"""Drives and the media pool."""

from typing import TYPE_CHECKING, Any

from usenet_stack.render.picker import Line
from usenet_stack.render.screen import Cell, Column, Screen
from usenet_stack.render.units import share, size

if TYPE_CHECKING:
    from usenet_stack.storage import Choice

_STATES = {"mounted": "green", "away": "yellow", "not answering": "bold red"}


_VERDICTS = {
    "good": "green",
    "watch it": "yellow",
    "replace it": "bold red",
    "unknown": "",
}
# From here on the table shows a column for each fact.
_WIDE = 110


def show_drives(data: dict[str, Any], screen: Screen) -> None:
    """Print the table of `usenet storage list`."""
    rows = data["drives"]
    if not rows:
        screen.line("No drive that could hold media is mounted.")
    elif screen.verbose:
        for row in rows:
            _all_facts(row, screen)
    elif screen.width >= _WIDE:
        _wide(rows, screen)
    else:
        _narrow(rows, screen)


def _narrow(rows: list[dict[str, Any]], screen: Screen) -> None:
    columns = [
        Column("Drive"),
        Column("Kind"),
        Column("Size", "right", fixed=True),
        Column("Free", "right", fixed=True),
        Column("Pool"),
        Column("Remarks"),
    ]
    lines = [
        [
            _one_line(row["mountpoint"] or row["source"]),
            f"{_kind(row)} {row['fstype']}".strip(),
            _amount(row["size"]),
            _amount(row["free"]),
            row["pool"] or "-",
            _remarks(row, health=True),
        ]
        for row in rows
    ]
    screen.table(columns, lines)


def _wide(rows: list[dict[str, Any]], screen: Screen) -> None:
    columns = [
        Column("Mounted at"),
        Column("Label"),
        Column("Device"),
        Column("Kind"),
        Column("Type", fixed=True),
        Column("Size", "right", fixed=True),
        Column("Used", "right", fixed=True),
        Column("Free", "right", fixed=True),
        Column("Pool"),
        Column("Health", fixed=True),
        Column("Remarks"),
    ]
    lines = [
        [
            _one_line(row["mountpoint"]) or "-",
            _one_line(row["label"]) or "-",
            _one_line(_devices(row)),
            _kind(row),
            row["fstype"] or "-",
            _amount(row["size"]),
            _amount(row["used"]),
            _amount(row["free"]),
            row["pool"] or "-",
            _health(row["health"]),
            _remarks(row, health=False),
        ]
        for row in rows
    ]
    screen.table(columns, lines)


def _all_facts(row: dict[str, Any], screen: Screen) -> None:
    facts: list[tuple[str, str | Cell]] = [
        ("Mounted at", _one_line(row["mountpoint"]) or "-"),
        ("Label", _one_line(row["label"])),
        ("Device", _one_line(_devices(row))),
        ("By id", row["by_id"]),
        ("UUID", row["uuid"]),
        ("Model", row["model"]),
        ("Kind", _kind(row)),
        ("File system", row["fstype"]),
        ("Size", _amount(row["size"])),
        ("Used", _amount(row["used"])),
        ("Free", _amount(row["free"])),
        ("Readable by", row["portability"]),
        ("Pool", row["pool"]),
        ("Health", _health(row["health"])),
        ("Remarks", _remarks(row, health=False)),
    ]
    screen.heading(_one_line(row["name"]))
    screen.facts([(name, value) for name, value in facts if _said(value)])
    screen.line()


def _said(value: str | Cell) -> bool:
    text = value.text if isinstance(value, Cell) else value
    return text not in ("", "-")


def _kind(row: dict[str, Any]) -> str:
    return " ".join([row["medium"], *row["layers"]])


def _devices(row: dict[str, Any]) -> str:
    several = len(row["devices"]) > 1
    return " ".join(row["devices"]) if several else row["source"]


def _one_line(text: str) -> str:
    """Return a name on one line: a line break would look like a row."""
    return text.replace("\n", "\N{REPLACEMENT CHARACTER}").replace("\t", " ")


def _health(verdict: str) -> Cell:
    text = "-" if verdict == "unknown" else verdict
    return Cell(text, _VERDICTS.get(verdict, ""))


def _remarks(row: dict[str, Any], *, health: bool) -> Cell:
    remarks = [] if row["state"] == "mounted" else [row["state"]]
    if row["fstype"] == "crypto_LUKS":
        remarks.append("locked")
    if health and row["health"] in ("watch it", "replace it"):
        remarks.append(row["health"])
    remarks += ["read-only"] if row["read_only"] else []
    remarks += ["portable"] if row["portable"] else []
    remarks += ["system"] if row["system"] else []
    style = _STATES.get(row["state"], "")
    if health and row["state"] == "mounted":
        style = _VERDICTS.get(row["health"], "") if remarks else ""
    return Cell(", ".join(remarks), style)


def show_health(data: dict[str, Any], screen: Screen) -> None:
    """Print the verdicts of `usenet storage health`, then their grounds."""
    rows = data["drives"]
    if not rows:
        screen.line("No drive that could hold media is mounted.")
        return
    columns = [
        Column("Drive"),
        Column("Verdict", fixed=True),
        Column("Heat", "right", fixed=True),
        Column("Age", "right", fixed=True),
        Column("Wear", "right", fixed=True),
        Column("Disk"),
    ]
    screen.table(columns, [_verdict(row) for row in rows])
    for row in rows:
        _grounds(row, screen)


def _verdict(row: dict[str, Any]) -> list[str | Cell]:
    return [
        _one_line(row["mountpoint"] or row["source"]),
        Cell(row["verdict"], _VERDICTS[row["verdict"]]),
        _greatest(row, "temperature_c", "{} °C"),
        _greatest(row, "hours", "{} h"),
        _greatest(row, "wear_percent", "{} %"),
        ", ".join(_disk(disk) for disk in row["disks"]) or "-",
    ]


def _greatest(row: dict[str, Any], key: str, form: str) -> str:
    told = [disk[key] for disk in row["disks"] if disk[key] is not None]
    return form.format(max(told)) if told else "-"


def _disk(disk: dict[str, Any]) -> str:
    name = disk["model"] or disk["device"]
    return name if disk["state"] == "answered" else f"{name}: {disk['state']}"


def _grounds(row: dict[str, Any], screen: Screen) -> None:
    filling = row["filling"] or {}
    days = filling.get("full_in_days")
    refused = [disk for disk in row["disks"] if disk["state"] == "refused"]
    if not (row["reasons"] or days is not None or screen.verbose):
        return
    screen.line()
    screen.heading(_one_line(row["mountpoint"] or row["source"]))
    for reason in row["reasons"]:
        screen.line(f"  {reason['why']}", _VERDICTS[reason["verdict"]])
        if reason["mend"]:
            screen.exact(f"    {reason['mend']}")
    if days is not None:
        pace = size(filling["bytes_per_day"])
        screen.line(f"  Grows by {pace} a day: full in {days:.0f} days.")
    if screen.verbose:
        for disk in row["disks"]:
            _counters(disk, screen)
        for disk in refused:
            screen.line(f"  {disk['device']} did not answer: {disk['why']}")


def _counters(disk: dict[str, Any], screen: Screen) -> None:
    facts = [
        ("Disk", disk["device"]),
        ("Serial number", disk["serial"]),
        ("Sectors replaced", _count(disk["reallocated"])),
        ("Sectors pending", _count(disk["pending"])),
        ("Sectors lost", _count(disk["uncorrectable"])),
        ("Media errors", _count(disk["media_errors"])),
        ("Spare blocks", _count(disk["spare_percent"], " %")),
        ("Last self-test", disk["self_test"]),
    ]
    screen.facts([(name, value) for name, value in facts if value])


def _count(value: int | None, unit: str = "") -> str:
    return "" if value is None else f"{value}{unit}"


def _amount(count: int | None) -> str:
    return "-" if count is None else size(count)


def show_pool(data: dict[str, Any], screen: Screen) -> None:
    """Print the pool, its drives, and which applications know them."""
    pool = data["pool"]
    rows = data["drives"]
    facts = [("Pool", pool["path"]), ("Layout", pool["layout"])]
    if data.get("union"):
        count = len(data["union"]["branches"])
        facts.append(("Union", f"{data['union']['path']} ({count} drives)"))
    if rows:
        facts.append(("Free", size(pool["free"])))
    screen.facts(facts)
    screen.line()
    if not rows:
        screen.line("The pool has no drive.")
        screen.exact("To add one: usenet storage add PATH")
        return
    columns = [
        Column("Drive"),
        Column("State", fixed=True),
        Column("Size", "right", fixed=True),
        Column("Used", "right", fixed=True),
        Column("Free", "right", fixed=True),
        Column("From"),
    ]
    screen.table(columns, [_pool_drive(row) for row in rows])
    known = data.get("applications") or {}
    if known:
        screen.line()
        columns = [Column("Application", fixed=True), Column("Folders")]
        screen.table(
            columns,
            [[name, ", ".join(paths) or "-"] for name, paths in known.items()],
        )


def _pool_drive(row: dict[str, Any]) -> list[str | Cell]:
    used = row["used"]
    whole = row["size"]
    return [
        row["name"],
        Cell(row["state"], _STATES.get(row["state"], "")),
        _amount(whole),
        "-" if used is None or not whole else share(used, whole),
        _amount(row["free"]),
        row["source"],
    ]


def show_change(data: dict[str, Any], screen: Screen) -> None:
    """Print what joined or left the pool, and the pool as it is now."""
    if data.get("added"):
        screen.line(f"{data['added']} is in the pool.", "green")
    if data.get("removed"):
        screen.line(f"{data['removed']} has left the pool.", "green")
    if not screen.quiet:
        screen.line()
        show_pool(data, screen)


def show_applied(data: dict[str, Any], screen: Screen) -> None:
    """Print the unit, or the pool as it is mounted now."""
    if "unit" in data:
        screen.line(f"systemd starts {data['unit']} at every boot.", "green")
    elif "text" in data:
        for line in data["text"].splitlines():
            screen.exact(line)
    else:
        _show_steps(data, screen, "The pool is mounted as it was.")


def show_synced(data: dict[str, Any], screen: Screen) -> None:
    """Print what changed, and the pool."""
    _show_steps(data, screen, "The applications know the pool as it is.")


def _show_steps(data: dict[str, Any], screen: Screen, text: str) -> None:
    nothing = "Nothing to do." if data.get("steps") == 0 else text
    screen.line(nothing, "" if data.get("steps") == 0 else "green")
    if not screen.quiet:
        screen.line()
        show_pool(data, screen)


CHOICE_HEADINGS = ("Drive", "Kind", "Size", "Free", "Label", "Pool")


def choice_line(choice: "Choice") -> Line:
    """Return a drive as a line of the picker."""
    drive = choice.drive
    layers = " ".join([drive.medium, *drive.layers])
    cells = (
        drive.mountpoint or drive.source,
        f"{layers} {drive.fstype}".strip(),
        _amount(drive.size),
        _amount(drive.free),
        drive.label or "-",
        drive.pool or "-",
    )
    note = " ".join(drive.faults)
    return Line(cells, choice.marked, choice.why_not, note)
