"""What the way to a help page imports, seen from a fresh interpreter."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli_process import Cli
from usenet_stack.services.snapshot import Snapshot, keep, stamps, totals

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


# What the answer that is remembered may not cost; it is made of JSON.
SLOW = tuple(name for name in HEAVY if name not in ("json",))
MODEL = (
    "usenet_stack.apps",
    "usenet_stack.docker",
    "usenet_stack.stack.model",
    "usenet_stack.stack.catalog",
    "usenet_stack.stack.settings",
    "usenet_stack.storage",
    "usenet_stack.transaction",
    "ssl",
    "socket",
)


@pytest.mark.parametrize("line", ["", "--group media", "--format json"])
def test_the_remembered_list_imports_nothing_heavy(
    usenet: Cli, tmp_path: Path, line: str
) -> None:
    """What is remembered stands in a file: the test writes it as a look does,
    without a stack that runs."""
    folder = tmp_path / "stack"
    (folder / ".usenet").mkdir(parents=True)
    (folder / "stack.toml").write_text('[stack]\nname = "x"\n')
    data = {
        "services": [],
        "groups": [],
        "totals": totals([]),
        "checked_at": "2026-01-02T03:04:05Z",
    }
    look = Snapshot(stamps(folder), 5.0, time.time(), [], data)
    keep(folder, look)
    words = ["services", "list", f"--stack={folder}", *line.split()]
    modules = imported(usenet, *words)
    assert "usenet_stack.services.snapshot" in modules
    assert forbidden(modules, SLOW) == []
    assert forbidden(modules, MODEL) == []


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
