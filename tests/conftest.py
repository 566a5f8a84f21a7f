"""What every tier shares: tiers, the rule on skips, ports, the CLI."""

import signal
import socket
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from cli_process import Cli

# A shell that runs the tests in the background has Ctrl-C ignored, and the
# processes that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
TIERS = ("unit", "integration", "startup", "e2e", "crash")
NEVER_SKIPPED = ("e2e", "crash")


def tier_of(path: Path) -> str:
    """Return the first folder below tests/, which names the tier."""
    return path.relative_to(TESTS).parts[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="a skipped or absent e2e or crash test fails the run",
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    tiers = [tier_of(item.path) for item in items]
    for item, tier in zip(items, tiers, strict=True):
        item.add_marker(tier)
    # The quick tiers first, whatever the order of the folders given.
    items[:] = [
        item
        for wanted in TIERS
        for item, tier in zip(items, tiers, strict=True)
        if tier == wanted
    ]
    if config.getoption("--no-skips"):
        for wanted in NEVER_SKIPPED:
            if wanted not in tiers:
                raise pytest.UsageError(f"--no-skips: no {wanted} tests")


def refuse_skip(
    report: pytest.TestReport | pytest.CollectReport, path: Path
) -> None:
    """Turn the report of a skip into one of a failure."""
    expected_failure = hasattr(report, "wasxfail")
    never = path != TESTS and tier_of(path) in NEVER_SKIPPED
    if report.skipped and never and not expected_failure:
        report.outcome = "failed"
        report.longrepr = f"--no-skips: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.config.getoption("--no-skips"):
        refuse_skip(report, item.path)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("--no-skips"):
        refuse_skip(report, collector.path)
    return report


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Return a function that names a free port of 127.0.0.1.

    The ports stay reserved against each other until the test ends, not
    against the rest of the machine.
    """
    given: set[int] = set()

    def find() -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in given:
                given.add(port)
                return port

    return find


@pytest.fixture
def usenet(tmp_path: Path) -> Cli:
    """Return the real CLI, run as a process in a home folder of its own."""
    home = tmp_path / "home"
    home.mkdir()
    return Cli(home)
