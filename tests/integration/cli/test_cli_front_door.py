"""The real program as a process: help, errors, JSON, exit codes."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pexpect
import pytest

from cli_process import COMMAND, Cli
from usenet_stack.cli.registry import ENTRIES, all_commands
from usenet_stack.cli.spec import Command

COMMANDS = all_commands()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["help"], ["--help"]),
        (["help"], []),
        (["help", "storage"], ["storage"]),
        (["help", "storage"], ["storage", "-h"]),
        (["help", "storage", "add"], ["storage", "add", "--help"]),
        (["help", "deploy"], ["--help", "deploy"]),
        (["--version"], ["version"]),
        (["--version"], ["storage", "add", "--version"]),
    ],
)
def test_two_ways_to_ask_the_same(
    usenet: Cli, one: list[str], other: list[str]
) -> None:
    first, second = usenet(*one), usenet(*other)
    assert first.rc == second.rc == 0
    assert first.stdout == second.stdout != ""
    assert first.stderr == second.stderr == ""


def test_the_list_names_every_command(usenet: Cli) -> None:
    page = usenet("help").stdout
    for name, entry in ENTRIES.items():
        assert f"  {name} " in page
        assert entry.summary in page


# Each command in the way in which it fails before it touches anything,
# or only reads; the envelope is the same for all.
@pytest.mark.parametrize(
    "words",
    [
        [],
        ["help", "storage"],
        ["version"],
        ["completion", "bash"],
        ["hardware", "list"],
        ["storage", "list"],
        ["config", "path"],
        ["journal", "list"],
        ["services", "list"],
        ["services", "logs", "sonarr"],
        ["services", "exec", "sonarr", "ls"],
        ["services", "start"],
        ["destroy"],
        ["storage", "add"],
        ["nonsense"],
        ["storage", "--nonsense"],
        ["--storage", "discover"],
        ["status"],
    ],
    ids=" ".join,
)
def test_json_is_one_envelope_and_nothing_else(
    usenet: Cli, words: list[str]
) -> None:
    ran = usenet("--format", "json", *words)
    envelope = ran.json
    assert list(envelope) == ["ok", "data", "messages", "errors"]
    assert envelope["ok"] is (ran.rc == 0)
    assert envelope["ok"] is not bool(envelope["errors"])
    for error in envelope["errors"]:
        assert error["message"] and error["hint"]
    if envelope["errors"]:
        assert envelope["errors"][0]["exit_code"] == ran.rc
    assert "error:" not in ran.stderr


def test_warnings_stay_off_a_json_stdout(usenet: Cli) -> None:
    ran = usenet("hardware", "detect", "--format=json")
    assert ran.json["ok"]
    assert ran.stderr == (
        "deprecated: `usenet hardware detect` is an old spelling: "
        "write `usenet hardware list` from now on.\n"
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.path)
def test_an_unknown_option_of_any_command_exits_2(
    usenet: Cli, command: Command
) -> None:
    ran = usenet(*command.path.split(), "--hlp")
    assert ran.rc == 2
    assert ran.stdout == ""
    assert f"error: `usenet {command.path}` has no option" in ran.stderr
    assert "--help" in ran.stderr
    assert f"  fix: usenet {command.path} --help\n" in ran.stderr


@pytest.mark.parametrize(
    "command",
    [c for c in COMMANDS if any(a.required for a in c.arguments)],
    ids=lambda c: c.path,
)
def test_a_missing_argument_shows_an_example_and_never_asks(
    usenet: Cli, command: Command
) -> None:
    ran = usenet(*command.path.split(), stdin="y\nsomething\n", timeout=20)
    assert ran.rc == 2
    assert ran.stdout == ""
    assert "Usage: usenet" in ran.stderr
    # The page may fold it, being copied from the description.
    assert f"Example: {command.examples[0][0][:40]}" in ran.stderr


def test_an_unknown_service_exits_2_and_lists_them(
    usenet: Cli, stack: Path
) -> None:
    ran = usenet("services", "stop", "sonar", "--yes")
    assert ran.rc == 2
    assert "sonarr" in ran.stderr


@pytest.mark.parametrize("topic", [["storge"], ["storage", "ad"]])
def test_help_of_what_there_is_not_exits_2(
    usenet: Cli, topic: list[str]
) -> None:
    ran = usenet("help", *topic)
    assert ran.rc == 2
    assert "Did you mean" in ran.stderr


def test_without_a_stack_the_exit_code_is_10(usenet: Cli) -> None:
    ran = usenet("services", "list")
    assert ran.rc == 10
    assert "  fix: usenet deploy --sandbox --yes" in ran.stderr


def spawn(usenet: Cli, *words: str, **env: str) -> str:
    """Run on a terminal and return what it showed."""
    environ = usenet.environment({"TERM": "xterm-256color", **env})
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], *words],
        env=environ,
        cwd=str(usenet.home),
        timeout=20,
        encoding="utf-8",
    )
    child.expect(pexpect.EOF)
    child.wait()
    return str(child.before)


def test_colour_on_a_terminal_unless_the_user_says_no(usenet: Cli) -> None:
    assert "\033[1m" in spawn(usenet, "help")
    assert "\033[" not in spawn(usenet, "help", NO_COLOR="1")
    assert "\033[" not in spawn(usenet, "help", "--no-color")
    assert "\033[" not in spawn(usenet, "--no-color", "storage", "add", "-h")
    assert "\033[" not in spawn(usenet, "help", TERM="dumb")
    assert "\033[" not in usenet("help", env={"TERM": "xterm"}).stdout


def test_errors_and_tables_obey_no_color_as_well(usenet: Cli) -> None:
    assert "\033[31merror:" in spawn(usenet, "nonsense")
    assert "\033[" not in spawn(usenet, "nonsense", NO_COLOR="1")
    assert "\033[1m" in spawn(usenet, "hardware", "list")
    assert "\033[" not in spawn(usenet, "hardware", "list", "--no-color")


def test_a_page_uses_a_wide_terminal_up_to_100_columns(usenet: Cli) -> None:
    wide = usenet("services", "logs", "-h", env={"COLUMNS": "200"}).stdout
    narrow = usenet("services", "logs", "-h", env={"COLUMNS": "80"}).stdout
    assert 80 < max(map(len, wide.splitlines())) <= 100
    assert max(map(len, narrow.splitlines())) <= 80


def test_a_reader_that_goes_away_is_no_error(usenet: Cli) -> None:
    read, write = os.pipe()
    os.close(read)
    child = subprocess.run(
        [*COMMAND, "help"],
        stdout=write,
        stderr=subprocess.PIPE,
        env=usenet.environment(),
        timeout=20,
    )
    os.close(write)
    assert child.returncode == 141
    assert child.stderr == b""


def test_a_full_disk_behind_stdout_is_told(usenet: Cli) -> None:
    with Path("/dev/full").open("w") as full:
        child = subprocess.run(
            [*COMMAND, "help"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=usenet.environment(),
            timeout=20,
        )
    assert child.returncode == 1
    assert child.stderr.startswith(b"error: No space is left for /dev/stdout")


def test_ctrl_c_ends_with_130_and_one_sentence(
    usenet: Cli, stack: Path
) -> None:
    environ = usenet.environment({"TERM": "xterm"})
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "destroy"],
        env=environ,
        cwd=str(usenet.home),
        timeout=20,
        encoding="utf-8",
    )
    child.expect_exact("[y/N]")
    child.kill(signal.SIGINT)
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 130
    assert "Interrupted." in child.before
    assert "Traceback" not in child.before


def answered(usenet: Cli, answer: str) -> tuple[int | None, str]:
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "destroy"],
        env=usenet.environment({"TERM": "dumb"}),
        cwd=str(usenet.home),
        timeout=20,
        encoding="utf-8",
    )
    child.expect_exact("[y/N]")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus, str(child.before)


@pytest.mark.parametrize("answer", ["", "n", "no", "what"])
def test_anything_but_a_yes_changes_nothing(
    usenet: Cli, stack: Path, answer: str
) -> None:
    code, shown = answered(usenet, answer)
    assert code == 1
    assert "Nothing was changed" in shown
    assert not (stack / ".usenet").exists()


def test_without_a_terminal_the_command_to_run_is_named(
    usenet: Cli, stack: Path
) -> None:
    ran = usenet("destroy", "--stack", stack, stdin="y\n")
    assert ran.rc == 1
    assert f"  fix: usenet destroy --stack {stack} --yes" in ran.stderr
    assert not (stack / ".usenet").exists()


def test_a_command_says_which_of_several_stacks_it_acts_on(
    usenet: Cli, stack: Path, sandbox: Path
) -> None:
    told = f"stack: {stack}\n"
    assert usenet("config", "show").stderr == told
    assert usenet("config", "show", "--stack", sandbox).stderr == (
        f"stack: {sandbox} (sandbox)\n"
    )
    assert usenet("config", "show", "-q").stderr == ""
    path = usenet("config", "path")
    assert (path.stdout, path.stderr) == (f"{stack}\n", "")


@pytest.mark.parametrize("options", [[], ["--sandbox"]])
def test_deploy_says_which_stack_it_is_about_to_change(
    usenet: Cli, stack: Path, sandbox: Path, options: list[str]
) -> None:
    words = ["deploy", "--dry-run", "--skip-validation", *options]
    told = f"stack: {sandbox} (sandbox)" if options else f"stack: {stack}"
    assert usenet(*words).stderr.splitlines()[0] == told


def test_a_single_stack_is_not_named(usenet: Cli, sandbox: Path) -> None:
    ran = usenet("config", "show")
    assert ran.rc == 0
    assert ran.stderr == ""
    assert "stack.name = sandbox" in ran.stdout


def test_a_bug_leaves_a_report_and_exits_70(usenet: Cli) -> None:
    """The boundary around work that fails as no work should."""
    program = (
        "import os, sys\n"
        "from usenet_stack.cli.boundary import guard\n"
        "from usenet_stack.cli.output import Output\n"
        "def work():\n"
        "    raise LookupError('password=hunter2')\n"
        "json = '--format=json' in sys.argv\n"
        "output = Output(os.environ, json=json)\n"
        "sys.exit(guard(work, sys.argv[1:], output))\n"
    )
    for words in (["deploy"], ["deploy", "--format=json"]):
        ran = subprocess.run(
            [COMMAND[0], "-c", program, *words],
            env=usenet.environment(),
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert ran.returncode == 70
        assert "hunter2" not in ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr
    envelope = json.loads(ran.stdout)
    assert envelope["errors"][0]["code"] == "bug"
    reports = list((usenet.home / ".local/state/usenet/reports").iterdir())
    assert len(reports) == 2
    for report in reports:
        text = report.read_text()
        assert "LookupError" in text and "hunter2" not in text
        assert report.stat().st_mode & 0o777 == 0o600
    assert str(reports[0].parent) in envelope["errors"][0]["hint"]
