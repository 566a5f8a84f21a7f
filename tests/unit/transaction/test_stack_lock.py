"""Two runs at once: real processes on one stack."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest

from usenet_stack.errors import Exit, UsenetError
from usenet_stack.transaction import open_session
from usenet_stack.transaction.lock import stack_lock

pytestmark = pytest.mark.unit

HOLD = """
import sys
from pathlib import Path
from usenet_stack.transaction.lock import stack_lock
with stack_lock(Path(sys.argv[1]), "deploy"):
    print("held", flush=True)
    sys.stdin.read()
"""
ADD_ONE = """
import sys
from pathlib import Path
from usenet_stack.transaction import Plan, Step, open_session
from usenet_stack.transaction.files import WriteFile
number = Path(sys.argv[1]) / "number"
for _ in range(5):
    with open_session(number.parent, "add", wait_s=60) as session:
        more = str(int(number.read_text()) + 1)
        session.run(Plan("add", (Step(WriteFile(number, more), "more"),)))
"""
Holder = subprocess.Popen[str]


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Callable[[], Holder]]:
    holders: list[Holder] = []

    def start() -> Holder:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        return holder

    yield start
    for holder in holders:
        with holder:  # closes its pipes and waits for it
            holder.kill()


def test_a_second_run_is_told_who_holds_the_lock(
    tmp_path: Path, hold: Callable[[], Holder]
) -> None:
    holder = hold()
    for wait_s in (0.0, 0.15):
        again = open_session(tmp_path, "restart", wait_s=wait_s)
        with pytest.raises(UsenetError) as caught, again:
            pytest.fail("two runs at once")
        assert caught.value.exit_code == Exit.LOCKED
        assert f"(deploy, process {holder.pid})" in caught.value.message


def test_a_second_run_waits_when_it_may(
    tmp_path: Path, hold: Callable[[], Holder]
) -> None:
    holder = hold()
    assert holder.stdin is not None
    release = Timer(0.2, holder.stdin.close)
    release.start()
    with stack_lock(tmp_path, "restart", wait_s=60):
        release.join()
        assert holder.wait(60) == 0


def test_the_lock_goes_with_a_holder_that_is_killed(
    tmp_path: Path, hold: Callable[[], Holder]
) -> None:
    holder = hold()
    holder.send_signal(signal.SIGKILL)
    holder.wait(60)
    with stack_lock(tmp_path, "restart"):
        label = (tmp_path / ".usenet" / "lock").read_text()
    assert label.startswith("restart, process ")


def test_the_label_of_a_longer_command_leaves_no_rest(tmp_path: Path) -> None:
    for command in ("a-very-long-command", "up"):
        with stack_lock(tmp_path, command):
            label = (tmp_path / ".usenet" / "lock").read_text()
            assert label == f"{command}, process {os.getpid()}"


def test_the_lock_is_private_and_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), stack_lock(tmp_path, "a"):
        raise ZeroDivisionError
    with stack_lock(tmp_path, "b"):
        state = tmp_path / ".usenet"
        assert state.stat().st_mode & 0o777 == 0o700
        assert (state / "lock").stat().st_mode & 0o777 == 0o600


def test_no_change_is_lost_between_processes(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0")
    runs = [
        subprocess.Popen([sys.executable, "-c", ADD_ONE, str(tmp_path)])
        for _ in range(4)
    ]
    assert [run.wait(120) for run in runs] == [0, 0, 0, 0]
    assert (tmp_path / "number").read_text() == "20"
