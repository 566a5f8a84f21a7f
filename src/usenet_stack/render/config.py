"""Settings."""

from typing import Any

from usenet_stack.render.screen import Screen


def show_settings(data: dict[str, Any], screen: Screen) -> None:
    """Print all settings, as `config get` and `config set` name them."""
    for table, content in data["settings"].items():
        for line in _lines(table, content):
            screen.exact(line)


def _lines(key: str, value: Any) -> list[str]:
    if not isinstance(value, dict):
        return [f"{key} = {plain(value)}"]
    found: list[str] = []
    for name, inner in value.items():
        found += _lines(f"{key}.{name}", inner)
    return found


def plain(value: Any) -> str:
    """Return a value as `config set` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    return "" if value is None else str(value)


def show_value(data: dict[str, Any], screen: Screen) -> None:
    """Print one value alone, or a table line by line."""
    value = data["value"]
    if isinstance(value, dict):
        for name, inner in value.items():
            for line in _lines(name, inner):
                screen.exact(line)
    else:
        screen.exact(plain(value))


def show_change(data: dict[str, Any], screen: Screen) -> None:
    """Print what a setting was and is."""
    if not data["changed"]:
        screen.line(f"{data['key']} is {plain(data['after'])} already.")
        return
    before, after = plain(data["before"]), plain(data["after"])
    screen.line(f"{data['key']}: {before or '(not set)'} -> {after}")


def show_edit(data: dict[str, Any], screen: Screen) -> None:
    """Print whether the editor changed anything."""
    if data["changed"]:
        screen.exact(f"{data['path']} is changed.")
    else:
        screen.line("Nothing was changed.")


def show_valid(data: dict[str, Any], screen: Screen) -> None:
    """Print that the files of a stack are well; errors follow it."""
    if data["valid"]:
        screen.exact(f"{data['stack']} is valid.")
