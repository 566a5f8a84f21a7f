"""What a restore did."""

from typing import Any

from usenet_stack.render.screen import Screen
from usenet_stack.render.units import counted


def show_restored(data: dict[str, Any], screen: Screen) -> None:
    """Print what is back, and for how long each service was down."""
    if "services" not in data:
        return  # a dry run, which has said it
    if "path" in data:
        screen.exact(data["path"])
        return
    services = counted(len(data["services"]), "service")
    back = "put back to what was before" if data["undone"] else "restored"
    screen.line(f"{services} {back}.")
    for name, seconds in data["downtime"].items():
        screen.line(f"  {name:<16} was down for {seconds:.1f} s")
    for text in data["mapped"]:
        screen.line(f"  {text}")
