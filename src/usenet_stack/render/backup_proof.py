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
    """Print what started, what was left out, and how the databases are."""
    services, databases = data["services"], data["databases"]
    for row in (*services, *databases):
        if row["ok"] is False:
            screen.line(f"{row['name']}: {row['why']}", "bold red")
        elif row["ok"] is None:
            screen.line(f"{row['name']} was not started: {row['why']}.")
        elif row["why"]:
            screen.line(f"{row['name']}: {row['why']}")
    tried = [row for row in services if row["ok"] is not None]
    for row in tried:
        here, was = row["version"], row["data_version"]
        if here and was and here != was and row["ok"]:
            screen.line(f"{row['name']}: {here} started on data of {was}.")
    good = sum(row["ok"] for row in tried)
    simulated = any(row["how"] == "simulated" for row in tried)
    how = " (simulated)" if simulated else ""
    screen.line(
        f"{good} of {counted(len(tried), 'service')} started on what was "
        f"restored{how}."
    )
    screen.line(
        f"{sum(row['ok'] for row in databases)} of "
        f"{counted(len(databases), 'database')} opened, whole, with "
        f"{counted(data['rows'], 'row')}."
    )
    screen.line(f"It took {data['seconds']:.0f} s; the sandbox is gone.")
