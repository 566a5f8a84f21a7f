"""Many questions at once: nobody waits for the one that hangs."""

import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

from usenet_stack.services.asking import ask_all

SOURCE = Path(__file__).parents[3] / "src"


def test_all_are_asked_at_once() -> None:
    meet = threading.Barrier(19, timeout=5)
    found = ask_all({n: partial(meet.wait) for n in range(19)}, 5)
    assert sorted(found.values()) == list(range(19))


def test_more_than_there_are_threads() -> None:
    found = ask_all({n: partial(pow, n, 2) for n in range(500)}, 5)
    assert found == {n: n * n for n in range(500)}


def test_late_one_is_left_out() -> None:
    release = threading.Event()
    began = time.monotonic()
    found = ask_all({"quick": lambda: 1, "late": lambda: release.wait(30)}, 0.2)
    spent = time.monotonic() - began
    release.set()
    assert found == {"quick": 1}
    assert spent < 2


def test_nothing_to_ask() -> None:
    assert ask_all({}, 5) == {}


def test_a_hanging_question_does_not_delay_the_end_of_the_process() -> None:
    code = (
        "import time\n"
        "from usenet_stack.services.asking import ask_all\n"
        "print(ask_all({'x': lambda: time.sleep(60)}, 0.1))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (done.returncode, done.stdout) == (0, "{}\n")
