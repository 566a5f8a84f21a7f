"""The completion scripts: bash for real, the others as text."""

import subprocess
from pathlib import Path

import pytest

from cli_process import COMMAND, Cli

# Sources the script and does what bash does at a press of Tab: splits the
# line at its word breaks, calls the function, prints what it offers.
DRIVER = r"""
source "$SCRIPT"
COMP_LINE="$1" COMP_POINT=${#1} COMP_TYPE=9 COMP_KEY=9
COMP_WORDS=()
rest="$1"
while [[ $rest =~ ^[[:space:]]*(=|[^[:space:]=]+) ]]; do
    COMP_WORDS+=("${BASH_REMATCH[1]}")
    rest="${rest:${#BASH_REMATCH[0]}}"
done
[[ "$1" == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
compopt() { :; }
_usenet
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def tab(usenet: Cli, tmp_path: Path):
    """Return a function: a line typed so far, and bash's offers for it."""
    program = tmp_path / "bin" / "usenet"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\nexec " + " ".join(f"'{x}'" for x in COMMAND) + ' "$@"\n'
    )
    program.chmod(0o755)
    script = tmp_path / "completion.bash"
    script.write_text(usenet("completion", "bash").stdout)
    environ = usenet.environment({"SCRIPT": str(script)})
    environ["PATH"] = f"{program.parent}:{environ['PATH']}"

    def press(line: str) -> list[str]:
        ran = subprocess.run(
            ["bash", "--norc", "-c", DRIVER, "bash", line],
            env=environ,
            cwd=usenet.home,
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert ran.stderr == ""
        return ran.stdout.splitlines()

    return press


def test_bash_completes(tab, usenet: Cli, stack: Path) -> None:
    assert tab("usenet st") == ["storage"]
    assert tab("usenet storage s") == ["select", "status", "sync"]
    assert tab("usenet services logs sona") == ["sonarr"]
    assert tab("usenet services list --group=mon") == ["monitoring"]
    assert tab("usenet services list --group=")[0] == "media"
    assert tab("usenet --format j") == ["json"]
    assert tab("usenet deploy --services sonarr,rad") == ["sonarr,radarr"]
    assert tab("usenet nonsense ") == []


def test_bash_completes_folders(tab, usenet: Cli) -> None:
    (usenet.home / "films").mkdir()
    (usenet.home / "file").touch()
    assert tab("usenet --stack fi") == ["films"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_says_how_to_use_it_and_asks_the_program(
    usenet: Cli, shell: str
) -> None:
    ran = usenet("completion", shell)
    assert ran.rc == 0 and ran.stderr == ""
    assert f"usenet completion {shell}" in ran.stdout
    assert "__complete" in ran.stdout
    for directive in (":folders", ":files"):
        assert directive in ran.stdout


def test_bash_accepts_the_script(usenet: Cli) -> None:
    script = usenet("completion", "bash").stdout
    ran = subprocess.run(
        ["bash", "-n"], input=script, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_an_answer_needs_no_stack_and_no_home(usenet: Cli) -> None:
    ran = usenet(
        "__complete",
        "3",
        "usenet",
        "journal",
        "show",
        "",
        env={"HOME": "/nonexistent", "XDG_DATA_HOME": "/nonexistent"},
    )
    assert (ran.rc, ran.stdout, ran.stderr) == (0, "", "")
