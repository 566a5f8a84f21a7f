"""The launcher in a copy of the checkout, with a wheel made on the spot.

The copy holds the real launcher, a lock that pins one tiny package, and a
program that tells what it was given. No index is asked.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PROGRAM = """\
import demo, json, os, sys
print(json.dumps([demo.VERSION, sys.argv[1:], os.getcwd()]))
"""
# What the launcher may call before the CLI, and what pip needs.
TOOLS = (
    *("sh", "cksum", "flock", "id", "mkdir", "mount", "readlink", "rm"),
    *("sleep", "unshare"),
)


def make_wheel(folder: Path, version: str) -> None:
    info = f"demo-{version}.dist-info"
    with zipfile.ZipFile(
        folder / f"demo-{version}-py3-none-any.whl", "w"
    ) as wheel:
        wheel.writestr("demo.py", f"VERSION = {version!r}\n")
        wheel.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: demo\nVersion: {version}\n",
        )
        wheel.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{info}/RECORD", "")


class Checkout:
    """A checkout with a space in its path, and the tools on its PATH."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"
        self.tools = folder / "tools"
        self.home = folder / "home"
        self.wheels = folder / "wheels"
        self.launcher = self.root / "usenet"
        package = self.root / "src/usenet_stack"
        for path in (package, self.tools, self.home, self.wheels):
            path.mkdir(parents=True)
        shutil.copy(CHECKOUT / "usenet", self.launcher)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(PROGRAM)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.tools / tool).symlink_to(found)
        self.use_python(f'exec "{os.path.realpath(sys.executable)}" "$@"')
        self.pin("1.0")

    def pin(self, version: str) -> None:
        """Make the lock ask for this version, and newer than any stamp."""
        make_wheel(self.wheels, version)
        lock = self.root / "requirements.lock"
        lock.write_text(f"demo=={version}\n")
        future = time.time() + (1 if self.stamp.exists() else -1)
        os.utime(lock, (future, future))

    def use_tool(self, name: str, script: str) -> None:
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def use_python(self, script: str) -> None:
        self.use_tool("python3", script)

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def stamp(self) -> Path:
        return self.venv / "usenet-ready"

    def environment(self, path: str | None = None) -> dict[str, str]:
        return {
            "PATH": str(self.tools) if path is None else path,
            "HOME": str(self.home),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.launcher, *arguments],
            env=self.environment(),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self,
        *arguments: str,
        command: tuple[str | Path, ...] = (),
        path: str | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*(command or (self.launcher,)), *arguments],
            env=self.environment(path),
            cwd=cwd or self.home,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    """Given a checkout that nobody ran."""
    return Checkout(tmp_path)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Given a checkout whose first run is over; tests only run it."""
    checkout = Checkout(tmp_path_factory.mktemp("ready"))
    assert checkout.run().returncode == 0
    return checkout


def test_the_first_run_keeps_stdout_for_the_program(fresh: Checkout) -> None:
    ran = fresh.run("services", "two words", "")

    expected = ["1.0", ["services", "two words", ""], str(fresh.home)]
    assert json.loads(ran.stdout) == expected
    assert "preparing" in ran.stderr
    assert ran.stderr.endswith("usenet: ready\n")
    assert fresh.stamp.exists()


def test_later_runs_start_no_other_program(ready: Checkout) -> None:
    ran = ready.run("x", path="/nonexistent")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)[1] == ["x"]


def test_it_runs_through_links_from_anywhere(
    ready: Checkout, tmp_path: Path
) -> None:
    absolute = tmp_path / "usenet"
    absolute.symlink_to(ready.launcher)
    relative = tmp_path / "other"
    relative.symlink_to("usenet")
    commands: list[tuple[str | Path, ...]] = [
        (absolute,),
        (relative,),
        ("sh", "other"),
        ("./other",),
    ]
    for command in commands:
        ran = ready.run("x", command=command, cwd=tmp_path)
        assert json.loads(ran.stdout)[1:] == [["x"], str(tmp_path)]


def test_a_module_of_the_current_folder_is_not_imported(
    ready: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "demo.py").write_text("raise SystemExit('shadowed')")

    assert ready.run(cwd=tmp_path).returncode == 0


def test_a_newer_lock_is_installed(fresh: Checkout) -> None:
    assert json.loads(fresh.run().stdout)[0] == "1.0"

    fresh.pin("2.0")

    assert json.loads(fresh.run().stdout)[0] == "2.0"


def test_an_update_that_fails_leaves_what_works(fresh: Checkout) -> None:
    fresh.run()
    fresh.pin("3.0")
    for wheel in fresh.wheels.iterdir():
        wheel.unlink()

    ran = fresh.run()

    assert json.loads(ran.stdout)[0] == "1.0"
    assert "going on with the packages that are there" in ran.stderr
    make_wheel(fresh.wheels, "3.0")
    assert json.loads(fresh.run().stdout)[0] == "3.0"


def test_a_moved_checkout_still_runs(fresh: Checkout, tmp_path: Path) -> None:
    fresh.run()
    moved = tmp_path / "moved"

    fresh.root.rename(moved)

    ran = fresh.run(command=(moved / "usenet",), path="/nonexistent")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_an_interrupted_first_run_is_repaired(fresh: Checkout) -> None:
    # Given a run that is killed, with all its children, after a package
    # of the environment was written in part.
    marker = fresh.venv / "half"
    fresh.use_python(f'mkdir -p "{fresh.venv}" && echo > "{marker}"; sleep 60')
    fresh.use_tool("uv", f'echo "$@" > "{marker}"; exec sleep 60')
    killed = fresh.start()
    deadline = time.monotonic() + 30
    while not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert marker.exists() and not fresh.stamp.exists()

    # When the tools work again, then the next run starts from nothing.
    fresh.use_tool("uv", "exit 1")
    fresh.use_python(f'exec "{os.path.realpath(sys.executable)}" "$@"')
    ran = fresh.run()

    assert json.loads(ran.stdout)[0] == "1.0"
    assert not marker.exists()


def test_two_first_runs_at_once_build_once(fresh: Checkout) -> None:
    runs = [fresh.start("a"), fresh.start("b")]

    results = [run.communicate(timeout=120) for run in runs]

    assert [json.loads(out)[1] for out, _ in results] == [["a"], ["b"]]
    assert "".join(err for _, err in results).count("preparing") == 1


def test_a_vanished_python_is_replaced(fresh: Checkout) -> None:
    fresh.run()
    python = fresh.venv / "bin/python"
    python.unlink()
    python.symlink_to("/usr/bin/python3.gone")

    assert json.loads(fresh.run().stdout)[0] == "1.0"


def test_a_failing_uv_leaves_it_to_pip(fresh: Checkout) -> None:
    fresh.use_tool("uv", "echo no index >&2; exit 1")

    assert json.loads(fresh.run().stdout)[0] == "1.0"


def test_a_read_only_checkout_uses_the_cache_folder(fresh: Checkout) -> None:
    # Root may write to anything but a read-only mount.
    script = (
        'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'
        ' && exec "$0/usenet" "$@"'
    )
    command: tuple[str | Path, ...] = ("unshare", "--mount", "sh", "-c")
    if os.geteuid() == 0:
        command = (*command, script, fresh.root)
    else:
        fresh.root.chmod(0o555)
        command = ()

    first = fresh.run("x", command=command)
    second = fresh.run("x", command=command)

    assert json.loads(first.stdout)[:2] == ["1.0", ["x"]]
    assert second.stderr == ""
    assert not fresh.venv.exists()
    assert list(fresh.home.glob(".cache/usenet/venv-*/usenet-ready"))


def test_a_missing_venv_package_names_its_mend(fresh: Checkout) -> None:
    fresh.use_python('case $2 in *ensurepip*) exit 1 ;; esac; echo "$0"')

    ran = fresh.run()

    assert (ran.returncode, ran.stdout) == (1, "")
    assert "apt-get install python3-venv\n" in ran.stderr


def test_an_old_python_names_its_mend(fresh: Checkout) -> None:
    fresh.use_python("echo /usr/bin/python3.9; exit 3")

    ran = fresh.run()

    assert (ran.returncode, ran.stdout) == (1, "")
    assert "found: /usr/bin/python3.9" in ran.stderr
    assert "apt-get install python3.11 python3.11-venv\n" in ran.stderr


def test_no_python_at_all_is_told(fresh: Checkout) -> None:
    (fresh.tools / "python3").unlink()

    ran = fresh.run()

    assert ran.returncode == 1
    assert "found: none" in ran.stderr


def test_a_package_that_cannot_be_installed_is_told(fresh: Checkout) -> None:
    for wheel in fresh.wheels.iterdir():
        wheel.unlink()

    ran = fresh.run()

    assert ran.returncode == 1
    assert "requirements.lock were not installed" in ran.stderr
    make_wheel(fresh.wheels, "1.0")
    assert fresh.run().returncode == 0
