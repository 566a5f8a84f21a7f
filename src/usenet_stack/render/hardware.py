"""What the machine offers."""

from typing import Any

from usenet_stack.render.screen import Column, Screen
from usenet_stack.render.units import size


def show_hardware(data: dict[str, Any], screen: Screen) -> None:
    """Print processor, memory, graphics and the profile that suits."""
    found = data["hardware"]
    screen.facts(
        [
            ("Processor", found["cpu"]),
            ("Cores", str(found["cores"])),
            ("Memory", size(found["memory_bytes"])),
            ("Available now", size(found["memory_free_bytes"])),
            ("Fitting profile", found["profile"]),
        ]
    )
    screen.line()
    if not found["gpus"]:
        screen.line("No graphics processor: video is transcoded by the cores.")
        return
    columns = [
        Column("Graphics"),
        Column("Device", fixed=True),
        Column("Driver", fixed=True),
        Column("Transcoding", fixed=True),
    ]
    rows = [
        [
            f"{gpu['vendor']} {gpu['model']}",
            gpu["device"] or "-",
            gpu["driver"] or "-",
            gpu["acceleration"],
        ]
        for gpu in found["gpus"]
    ]
    screen.table(columns, rows)
