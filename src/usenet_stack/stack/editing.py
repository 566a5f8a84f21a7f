"""Read and change single settings; comments and order survive."""

import contextlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.catalog import load_catalog
from usenet_stack.stack.locate import STACK_FILE
from usenet_stack.stack.model import Stack, check_names, load_stack
from usenet_stack.stack.names import meant
from usenet_stack.stack.ports import refuse_duplicates
from usenet_stack.stack.settings import (
    Settings,
    check_settings,
    load_settings,
    parse_settings,
    read_settings_text,
)

Value = str | int | float | bool | list[str] | tuple[str, ...] | dict[str, int]


def change_text(text: str, path: Path, changes: Mapping[str, Value]) -> str:
    """Return the text of `stack.toml` with settings changed.

    Args:
        path: only named in errors.
        changes: new values by dotted key, such as "stack.bind". A text is
            read as what the key wants: "true", "8989", "plex, homepage".

    Raises:
        UsenetError: settings.unknown-key, settings.refused,
            settings.invalid when the text was bad before.
    """
    import tomlkit

    parse_settings(text, path)
    document = tomlkit.parse(text)
    for key, value in changes.items():
        steps = _steps(key)
        _put(document, steps, _fitting(document.unwrap(), steps, value, key))
    changed = tomlkit.dumps(document)
    parse_settings(changed, path)
    return changed


def _checked(folder: Path, text: str, key: str) -> Settings:
    settings = parse_settings(text, folder / STACK_FILE)
    if key.startswith(("services.", "ports.", "stack.profile")):
        catalog = load_catalog(folder / "services.d")
        check_names(Stack(folder, settings, catalog))
    return settings


def _steps(key: str) -> tuple[str, ...]:
    steps = tuple(key.split("."))
    if not all(steps) or len(steps) < 2:
        _unknown(key)
    return steps


def _unknown(key: str) -> None:
    close = meant(key, _all_keys())
    raise UsenetError("settings.unknown-key", key=key, meant=close)


def _all_keys() -> list[str]:
    found: list[str] = []
    for table, content in msgspec.to_builtins(Settings()).items():
        found += [f"{table}.{name}" for name in content]
    return found


def _known(steps: tuple[str, ...], key: str) -> None:
    free = steps[0] in ("ports", "profiles")
    free = free or steps[:2] == ("services", "network")
    if not free and key not in _all_keys():
        _unknown(key)


def _fitting(
    raw: dict[str, Any], steps: tuple[str, ...], value: Value, key: str
) -> Any:
    """Return `value` in the type that the key wants, else raise."""
    _known(steps, key)
    reasons: list[str] = []
    for candidate in _readings(value):
        found = check_settings(_with(raw, steps, candidate))
        if isinstance(found, Settings):
            return candidate
        if found[0].reason.startswith("there is no"):
            _unknown(key)
        reasons.append(found[0].reason)
    # "expected ..." tells of a reading that was not meant, if another
    # one had the right type and a wrong value.
    told = [reason for reason in reasons if "expected" not in reason]
    raise UsenetError(
        "settings.refused", key=key, value=value, reason=(told or reasons)[0]
    )


def _readings(value: Value) -> list[Any]:
    """Return what a typed text can mean: itself, TOML, or a list."""
    if isinstance(value, tuple):
        return [list(value)]
    if not isinstance(value, str):
        return [value]
    found: list[Any] = [value]
    with contextlib.suppress(tomllib.TOMLDecodeError):
        found.append(tomllib.loads(f"value = {value}")["value"])
    return [*found, _split(value)]


def _split(text: str) -> list[str]:
    return [part for part in (p.strip() for p in text.split(",")) if part]


def _with(raw: dict[str, Any], steps: tuple[str, ...], value: Any) -> Any:
    inner = raw.get(steps[0])
    if len(steps) > 1:
        below = inner if isinstance(inner, dict) else {}
        value = _with(below, steps[1:], value)
    return {**raw, steps[0]: value}


def _put(document: Any, steps: tuple[str, ...], value: Any) -> None:
    import tomlkit

    table = document
    for depth, step in enumerate(steps[:-1]):
        if not isinstance(table.get(step), dict):
            table[step] = tomlkit.inline_table() if depth else tomlkit.table()
        table = table[step]
    old = table.get(steps[-1])
    if isinstance(old, list) and isinstance(value, list):
        _adjust(old, value)
    elif old != value or type(old) is bool:
        table[steps[-1]] = value


def _adjust(old: Any, value: list[Any]) -> None:
    # In place, so that comments inside a long list survive. All lists of
    # stack.toml are sets of names: their order says nothing.
    for item in [item for item in old if item not in value]:
        old.remove(item)
    for item in value:
        if item not in old:
            old.append(item)


def show_settings(folder: Path) -> Result:
    """Return all settings that apply, defaults included."""
    return Result({"settings": msgspec.to_builtins(load_settings(folder))})


def get_setting(folder: Path, key: str) -> Result:
    """Return one setting, or a whole table of them.

    Raises:
        UsenetError: settings.unknown-key.
    """
    found: Any = msgspec.to_builtins(load_settings(folder))
    for step in key.split("."):
        if not isinstance(found, dict) or step not in found:
            _unknown(key)
        found = found[step]
    return Result({"key": key, "value": found})


def preview_setting(folder: Path, key: str, text: str) -> Result:
    """Return what a setting is and what it would be; write nothing.

    Raises:
        UsenetError: as `change_text`; stack.not-found, file.denied;
            service.unknown, profile.unknown for a name that is not there.
    """
    before = _value(load_settings(folder), key)
    old = read_settings_text(folder)
    new = change_text(old, folder / STACK_FILE, {key: text})
    after = _value(_checked(folder, new, key), key)
    return Result(
        {"key": key, "before": before, "after": after, "changed": new != old}
    )


def _value(settings: Settings, key: str) -> Any:
    found: Any = msgspec.to_builtins(settings)
    for step in key.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def validate_stack(folder: Path) -> Result:
    """Check stack.toml, the service files, names and ports of a stack.

    Returns:
        Each error that was found; none when all is well.
    """
    result = Result({"stack": str(folder), "valid": False})
    try:
        stack = load_stack(folder)
        services = [service.name for service in stack.services]
        refuse_duplicates(stack)
    except UsenetError as error:
        result.errors.append(error)
        return result
    for service in stack.services:
        if service.deprecated:
            result.info(f"{service.name}: {service.deprecated_reason}.")
    result.data |= {"valid": True, "services": services}
    return result
