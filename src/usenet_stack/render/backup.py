"""Backups: written, listed, looked into, checked."""

from typing import Any

from usenet_stack.render.screen import Column, Screen
from usenet_stack.render.units import counted, size


def show_created(data: dict[str, Any], screen: Screen) -> None:
    """Print where a new backup is."""
    screen.exact(data["path"])
    screen.line(f"{size(data['size'])}, {counted(data['files'], 'file')}.")
    for name in data["skipped"]:
        screen.line(f"Left out, no plain file: {name}")


def show_backups(data: dict[str, Any], screen: Screen) -> None:
    """Print one row for each backup."""
    if not data["backups"]:
        screen.line("There is no backup yet. To write one:")
        screen.exact("  usenet backup create")
        return
    columns = [
        Column("Backup"),
        Column("Type", fixed=True),
        Column("Size", "right", fixed=True),
        Column("Description"),
    ]
    rows = [
        [row["name"], row["type"], size(row["size"]), row["description"]]
        for row in data["backups"]
    ]
    screen.table(columns, rows)


def show_manifest(data: dict[str, Any], screen: Screen) -> None:
    """Print what a backup says of itself."""
    names = ("path", "type", "created", "host", "stack", "description")
    facts = [(n.capitalize(), str(data[n])) for n in names if data.get(n)]
    screen.facts([*facts, ("Services", str(len(data["services"])))])
    screen.line()
    columns = [Column("File"), Column("Size", "right", fixed=True)]
    rows = [
        [file["name"], size(file["size"])]
        for file in data["files"]
        if "size" in file
    ]
    screen.table(columns, rows)


def show_verified(data: dict[str, Any], screen: Screen) -> None:
    """Print that a backup is whole."""
    files = counted(data["files"], "file")
    databases = counted(data["databases"], "database")
    screen.line(f"Whole: {files}, {databases} checked.", "green")
