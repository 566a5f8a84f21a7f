"""The hand-written reference names every key, and only keys that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from pages import CODE, DOCS, blocks, first_cells

from usenet_stack.cli.registry import all_commands
from usenet_stack.docker.engine import Engine
from usenet_stack.render.figures import _COUNTS, _HOLDINGS
from usenet_stack.services import list_services
from usenet_stack.services.health import Api, State
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.placeholders import FACTS
from usenet_stack.stack.service import (
    Backup,
    Database,
    Figure,
    Health,
    Key,
    Port,
    Secret,
    Seed,
    Service,
    Volume,
)
from usenet_stack.stack.settings import Settings, WeightTable, parse_settings
from usenet_stack.stack.template import NewStack, new_settings_text

SETTINGS = (DOCS / "reference/stack-toml.md").read_text()
SERVICE = (DOCS / "reference/service-file.md").read_text()
JSON = (DOCS / "reference/json.md").read_text()
FILES = (DOCS / "reference/files.md").read_text()

TABLES = {
    "ports": Port,
    "volumes": Volume,
    "health": Health,
    "key": Key,
    "secrets": Secret,
    "seeds": Seed,
    "backup": Backup,
    "backup.databases": Database,
    "figures": Figure,
}


def defaults() -> dict[str, Any]:
    """Return every fixed key of stack.toml with its default."""
    found = {}
    for table, content in msgspec.to_builtins(Settings()).items():
        for name, value in content.items():
            found[f"{table}.{name}"] = value
    return found


def documented(prefixes: tuple[str, ...]) -> dict[str, list[str]]:
    rows = dict(first_cells(SETTINGS))
    return {key: row for key, row in rows.items() if key.startswith(prefixes)}


def test_every_setting_is_documented_and_no_other() -> None:
    tables = ("stack.", "services.", "paths.", "pool.")
    assert set(documented(tables)) == set(defaults())


@pytest.mark.parametrize(("key", "value"), defaults().items())
def test_the_documented_default_is_the_real_one(key: str, value: Any) -> None:
    (told,) = CODE.findall(documented((key,))[key][2])
    assert json.loads(told) == json.loads(json.dumps(value))


def test_the_keys_of_a_profile_are_documented() -> None:
    keys = {f"profiles.NAME.WEIGHT.{n}" for n in WeightTable.__struct_fields__}
    assert set(documented(("profiles.",))) == keys


def test_the_examples_of_settings_are_valid(tmp_path: Path) -> None:
    examples = blocks(SETTINGS, "toml")
    assert len(examples) == 3
    for text in examples:
        parse_settings(text, tmp_path / "stack.toml")


def service_keys() -> Iterator[str]:
    yield from Service.__struct_fields__
    for prefix, struct in TABLES.items():
        for name in struct.__struct_fields__:
            if f"{prefix}.{name}" not in TABLES:
                yield f"{prefix}.{name}"


def test_every_key_of_a_service_file_is_documented_and_no_other() -> None:
    names = [key for key, _ in first_cells(SERVICE)]
    facts = {*FACTS, "puid"}
    documented_keys = {name for name in names if name not in facts}
    assert documented_keys == set(service_keys())


def test_every_fact_is_documented() -> None:
    section = SERVICE.split("## Placeholders")[1]
    cells = [line.split(" | ")[0] for line in section.splitlines()]
    named = {code for cell in cells for code in CODE.findall(cell)}
    assert set(FACTS) <= named


def section_of(title: str) -> str:
    return JSON.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_schema_of_services_list_is_the_documented_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "stack.toml").write_text(new_settings_text(NewStack("docs")))
    # Nothing listens there: rows are complete without an Engine too.
    engine = Engine(tmp_path / "docker.sock")
    result = list_services(load_stack(tmp_path), engine=engine, deadline_s=0.5)
    tables = tables_of(section_of("services list"))
    rows, states, apis, figures, totals, more = tables
    data = result.data
    assert {key for row in data["services"] for key in row} == set(rows)
    assert set(data["totals"]) == set(totals)
    assert set(data) == {*more, "services", "totals"}
    assert tuple(states) == get_args(State)
    assert tuple(apis) == get_args(Api)
    assert {name for name, *_ in (*_COUNTS, *_HOLDINGS)} <= set(figures)


def tables_of(section: str) -> list[list[str]]:
    """Return the names in the first column of each table."""
    tables = re.split(r"^\|(?: --- \|)+$", section, flags=re.MULTILINE)[1:]
    return [
        [name.removesuffix("[]") for name in CODE.findall(cells)]
        for cells in (first_column(table) for table in tables)
    ]


def first_column(table: str) -> str:
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    return " ".join(line.split(" | ")[0] for line in lines)


def test_every_command_has_its_data_documented() -> None:
    text = JSON.partition("## The other commands")[2] + "services list"
    for command in all_commands():
        last = command.path.split()[-1]
        assert command.path in text or f"`{last}`" in text, command.path


@pytest.mark.parametrize(
    "name", ["stack.toml", "compose.yaml", ".env", ".gitignore", "pool.json"]
)
def test_files_of_a_stack_are_documented(name: str) -> None:
    assert f"`{name}`" in FILES
