"""What the way to a help page imports, seen from a fresh interpreter."""

import subprocess
import sys

import pytest

from cli_process import Cli

HEAVY = (
    "rich",
    "yaml",
    "asyncio",
    "http",
    "urllib.request",
    "msgspec",
    "tomlkit",
    "tomllib",
    "click",
    "argparse",
    "inspect",
    "dataclasses",
    "subprocess",
    "datetime",
    "json",
)
ROOMS = (
    "deploy",
    "docker",
    "hardware",
    "preflight",
    "sandbox",
    "services",
    "stack",
    "storage",
    "transaction",
)
PAGES = [
    "",
    "--help",
    "help storage",
    "storage add --help",
    "help services logs",
    "--version",
    "completion bash",
    "nonsense",
]


def imported(usenet: Cli, *words: str) -> set[str]:
    """Names of the modules that `python -X importtime` reports."""
    ran = subprocess.run(
        [
            sys.executable,
            "-I",
            "-X",
            "importtime",
            "-m",
            "usenet_stack",
            *words,
        ],
        env=usenet.environment(),
        capture_output=True,
        text=True,
        timeout=30,
    )
    lines = [x for x in ran.stderr.splitlines() if x.startswith("import time:")]
    assert len(lines) > 20
    return {line.rpartition("|")[2].strip() for line in lines}


def forbidden(modules: set[str], names: tuple[str, ...]) -> list[str]:
    return sorted(
        module
        for module in modules
        if any(module == n or module.startswith(f"{n}.") for n in names)
    )


@pytest.mark.parametrize("line", PAGES)
def test_a_help_page_imports_nothing_heavy(usenet: Cli, line: str) -> None:
    modules = imported(usenet, *line.split())
    rooms = tuple(f"usenet_stack.{room}" for room in ROOMS)
    assert "usenet_stack.cli.main" in modules
    assert forbidden(modules, HEAVY) == []
    assert forbidden(modules, rooms) == []


@pytest.mark.parametrize(
    "line",
    ["2 usenet storage a", "3 usenet services logs so", "3 usenet help st"],
)
def test_completion_imports_nothing_heavy(usenet: Cli, line: str) -> None:
    modules = imported(usenet, "__complete", *line.split())
    assert forbidden(modules, HEAVY) == []


def test_the_measure_itself_sees_heavy_modules(usenet: Cli) -> None:
    modules = imported(usenet, "hardware", "list")
    assert {"rich", "msgspec"} <= modules


def test_modules_stay_unloaded_in_process() -> None:
    """The same, without trusting what importtime prints."""
    program = (
        "import sys\n"
        "from usenet_stack.cli.main import run\n"
        "assert run(['storage', 'add', '--help']) == 0\n"
        f"print([n for n in {HEAVY!r} if n in sys.modules])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "[]"
