"""What came out of a backup."""

from typing import Any

from usenet_stack.render.screen import Screen
from usenet_stack.render.units import counted, size


def show_extracted(data: dict[str, Any], screen: Screen) -> None:
    """Print where it is."""
    if "files" not in data:
        return  # a dry run, which has said it
    screen.exact(data["path"])
    files = counted(data["files"], "file")
    screen.line(f"{size(data['size'])}, {files}.")


def show_drill(data: dict[str, Any], screen: Screen) -> None:
    """Print what started, and which databases are right."""
    for what in ("services", "databases"):
        for row in data[what]:
            if not row["ok"]:
                screen.line(f"{row['name']}: {row['why']}", "bold red")
    good = {
        what: sum(row["ok"] for row in data[what])
        for what in ("services", "databases")
    }
    services = counted(len(data["services"]), "service")
    databases = counted(len(data["databases"]), "database")
    screen.line(
        f"{good['services']} of {services} started on what was restored."
    )
    screen.line(
        f"{good['databases']} of {databases} opened, whole, with "
        f"{counted(data['rows'], 'row')}."
    )
    screen.line(f"It took {data['seconds']:.0f} s; the sandbox is gone.")
