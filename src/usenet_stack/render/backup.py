"""Backups: written, listed, looked into, checked, compared, cleaned."""

from collections.abc import Iterator
from typing import Any

from usenet_stack.render.screen import Cell, Column, Screen
from usenet_stack.render.units import age, counted, size

MOST_ROWS = 40


def show_created(data: dict[str, Any], screen: Screen) -> None:
    """Print where a new backup is."""
    screen.exact(data["path"])
    files = counted(data["files"], "file")
    databases = counted(data["databases"], "database")
    screen.line(f"{size(data['size'])}, {files}, {databases}.")
    for name in data["skipped"]:
        screen.line(f"Left out, no plain file: {one_line(name)}")
    for name in data["stopped"]:
        screen.line(f"Stopped for a moment and started again: {name}")
    if "copy" in data:
        screen.exact(data["copy"])


def one_line(name: str) -> str:
    """Return a name such that it cannot pass for two."""
    return name.replace("\n", "\\n").replace("\t", "\\t")


def preview_lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield what --dry-run says of what goes in."""
    yield (
        f"{counted(found['files'], 'file')}, "
        f"{counted(found['databases'], 'database')}, "
        f"{size(found['size'])} before compression:"
    )
    for part in found["parts"]:
        files = counted(part["files"], "file")
        yield (
            f"{size(part['size']):>9}  {part['service']}: {part['why']} "
            f"({files})"
        )
    yield "The largest:"
    for file in found["largest"]:
        yield f"{size(file['size']):>9}  {one_line(file['name'])}"
    for name in found["skipped"]:
        yield f"Left out, no plain file: {one_line(name)}"


def show_backups(data: dict[str, Any], screen: Screen) -> None:
    """Print one row for each backup."""
    if not data["backups"]:
        screen.line("There is no backup yet. To write one:")
        screen.exact("  usenet backup create")
        return
    columns = [
        Column("Backup", fixed=True),
        Column("Type", fixed=True),
        Column("Age", "right", fixed=True),
        Column("Size", "right", fixed=True),
        Column("Services", "right", fixed=True),
        Column("Verified", "right", fixed=True),
        Column("Description"),
    ]
    screen.table(columns, [_backup(row) for row in data["backups"]])


def _backup(row: dict[str, Any]) -> list[str | Cell]:
    marks = ("pinned", row["pinned"]), ("encrypted", row["encrypted"])
    words = [row["label"], row["description"]]
    words += [word for word, is_so in marks if is_so]
    return [
        row["id"],
        row["type"] or "-",
        age(row["age_seconds"]),
        size(row["size"]),
        str(len(row["services"]) or "-"),
        row["verified"][:10] or Cell("never", "yellow"),
        one_line(", ".join(word for word in words if word)),
    ]


def show_manifest(data: dict[str, Any], screen: Screen) -> None:
    """Print what a backup says of itself."""
    screen.exact(data["path"])
    names = ["type", "created", "host", "stack", "label"]
    names += ["description", "verified"]
    facts = [
        (n.capitalize(), one_line(str(data[n]))) for n in names if data.get(n)
    ]
    totals = data["totals"]
    if git := data.get("git"):
        dirty = ", with changes" if git.get("dirty") else ""
        facts.append(("Git", f"{git.get('commit', '')[:12]}{dirty}"))
    screen.facts(
        [
            *facts,
            ("Size", size(data["size"])),
            ("Unpacked", size(totals["size"])),
            ("Files", str(totals["files"])),
            ("Databases", str(totals["databases"])),
        ]
    )
    screen.line()
    columns = [Column("Service", fixed=True), Column("Image"), Column("Digest")]
    screen.table(
        columns,
        [
            [row["name"], row.get("image", ""), row.get("digest", "")[-12:]]
            for row in data["services"]
        ],
    )
    for text in data["remarks"]:
        screen.line(text, "yellow")
    if "files" in data:
        _files(data["files"], screen)


def _files(files: list[dict[str, Any]], screen: Screen) -> None:
    screen.line()
    columns = [
        Column("File"),
        Column("Kind", fixed=True),
        Column("Size", "right", fixed=True),
    ]
    rows = [
        [
            one_line(row["name"]),
            row.get("kind", "file"),
            size(row.get("size", 0)),
        ]
        for row in files
        if row.get("kind") != "folder"
    ]
    screen.table(columns, rows)


def show_verified(data: dict[str, Any], screen: Screen) -> None:
    """Print which backups are whole."""
    if not data["backups"]:
        screen.line("There is no backup to check.")
    for row in data["backups"]:
        name = row["path"].rpartition("/")[2]
        files = counted(row.get("files", 0), "file")
        databases = counted(row.get("databases", 0), "database")
        if not row["ok"]:
            screen.line(f"{name}: damaged", "bold red")
        elif not row["opened"]:
            screen.line(f"{name}: as it was written; not opened.", "green")
        else:
            screen.line(
                f"{name}: whole; {files}, {databases} checked.", "green"
            )


def show_diff(data: dict[str, Any], screen: Screen) -> None:
    """Print what differs: files, settings, rows."""
    files = data["files"]
    if not (any(files.values()) or data["settings"] or data["rows"]):
        screen.line("Nothing differs.")
        return
    for what, mark in (("added", "+"), ("removed", "-"), ("changed", "~")):
        names = files[what]
        for name in names[: None if screen.verbose else MOST_ROWS]:
            screen.exact(f"{mark} {one_line(name)}")
        if len(names) > MOST_ROWS and not screen.verbose:
            screen.line(f"{mark} and {len(names) - MOST_ROWS} more (see -v)")
    _changes(data["settings"], ("file", "key"), screen)
    _changes(data["rows"], ("database", "table"), screen)


def _changes(
    rows: list[dict[str, Any]], names: tuple[str, str], screen: Screen
) -> None:
    if not rows:
        return
    screen.line()
    columns = [
        Column(names[0].capitalize()),
        Column(names[1].capitalize()),
        Column("Old"),
        Column("New"),
    ]
    absent = {None: "-"}
    screen.table(
        columns,
        [
            [
                *(one_line(row[name]) for name in names),
                *(absent.get(row[n], str(row[n])) for n in ("old", "new")),
            ]
            for row in rows
        ],
    )


def show_cleaned(data: dict[str, Any], screen: Screen) -> None:
    """Print which backups went and which stay, with the reason."""
    for row in data["removed"]:
        screen.line(f"removed {row['name']}: {row['why']}")
    for row in data["kept"]:
        screen.line(f"kept {row['name']}: {row['why']}")
    if not (data["removed"] or data["kept"]):
        screen.line("There is no backup.")
    elif data["removed"]:
        screen.line(f"{size(data['freed'])} are free again.")


def show_pinned(data: dict[str, Any], screen: Screen) -> None:
    """Print whether a backup is pinned now."""
    name = data["path"].rpartition("/")[2]
    word = "pinned" if data["pinned"] else "not pinned"
    screen.line(f"{name} is {word}.")


def show_copied(data: dict[str, Any], screen: Screen) -> None:
    """Print where a copy is."""
    screen.exact(data["path"])
    screen.line(f"{size(data['size'])}, compared.")


def show_run(data: dict[str, Any], screen: Screen) -> None:
    """Print what a scheduled run has done."""
    for name in ("path", "copy"):
        if data[name]:
            screen.exact(data[name])
    for row in data["removed"]:
        screen.line(f"removed {row['name']}: {row['why']}")


def show_schedule(data: dict[str, Any], screen: Screen) -> None:
    """Print a line for cron, or which units there are."""
    if "line" in data:
        screen.exact(data["line"])
        return
    verb = "Removed" if data["removed"] else "Wrote"
    for path in data["units"]:
        screen.exact(f"{verb} {path}")
    if data["own"] and not data["removed"]:
        screen.line("A process of this stack keeps the time.")
    if data["removed"]:
        screen.line("No backups are made by the clock any more.")
    else:
        screen.line(f"Backups are made {data['when']}.")
