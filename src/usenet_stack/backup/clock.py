"""The sandbox's own scheduler: a process that runs backups when they are due.

A sandbox changes nothing outside its folder, so it has no systemd timer.
`backup schedule` writes `.usenet/schedule.json` and starts `usenet backup
clock`, which waits and runs backups until that file is gone. The lock that
it holds is how others see that it lives: no crash leaves one behind.
"""

import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Literal

import msgspec

from usenet_stack.backup.runs import RunRequest, last_run
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.transaction import Context, Operation
from usenet_stack.transaction.durable import write_durably
from usenet_stack.transaction.files import keep_file, put_back
from usenet_stack.transaction.operation import Before

HOUR = 3600.0
PERIODS = {
    "hourly": HOUR,
    "daily": 24 * HOUR,
    "weekly": 7 * 24 * HOUR,
    "monthly": 30 * 24 * HOUR,
}
Every = Literal["hourly", "daily", "weekly", "monthly"]
# How soon it notices that its schedule is gone or the machine has slept.
LOOK_S = 5.0
END_S = 10.0


class Schedule(msgspec.Struct, frozen=True):
    """What the clock has to do.

    Args:
        since: seconds since 1970; the first backup is due a period later.
    """

    when: Every
    since: float
    run: RunRequest = RunRequest()


def schedule_path(folder: Path) -> Path:
    """Return where the clock's schedule is."""
    return folder / ".usenet/schedule.json"


def read_schedule(folder: Path) -> Schedule | None:
    """Return the schedule of a stack's own clock, or None: there is none."""
    try:
        content = schedule_path(folder).read_bytes()
        return msgspec.json.decode(content, type=Schedule)
    except (OSError, msgspec.MsgspecError):
        return None


def schedule_text(schedule: Schedule) -> str:
    """Return the schedule as its file holds it."""
    return msgspec.json.encode(schedule).decode() + "\n"


def next_run(stack: Stack, schedule: Schedule) -> float:
    """Return when a backup is due; what was missed is due at once."""
    last = last_run(stack)
    since = max(schedule.since, last.began if last else 0.0)
    return since + PERIODS[schedule.when]


# -- the process ---------------------------------------------------------


def usenet_command() -> list[str]:
    """Return the words that start this very program."""
    import usenet_stack

    program = Path(sys.argv[0]).resolve()
    if program.name == "usenet" and os.access(program, os.X_OK):
        return [str(program)]
    main = Path(usenet_stack.__file__).with_name("__main__.py")
    return [sys.executable, "-I", str(main)]


def keep_time(stack: Stack) -> None:
    """Run backups when they are due, until the schedule is gone.

    Raises:
        UsenetError: backup.no-schedule; backup.clock-runs.
    Effects: those of `backup run`, in processes of their own.
    """
    if read_schedule(stack.folder) is None:
        raise UsenetError("backup.no-schedule")
    lock = _wait_for_lock(stack.folder)
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        while (schedule := read_schedule(stack.folder)) is not None:
            if time.time() >= next_run(stack, schedule):
                _run(stack, schedule)
            time.sleep(LOOK_S)  # the wall clock may jump: no longer sleep
    finally:
        os.close(lock)


def _run(stack: Stack, schedule: Schedule) -> None:
    began = time.time()
    words = [*usenet_command(), *run_words(schedule.run)]
    subprocess.run(
        [*words, "--stack", str(stack.folder), "--quiet"],
        stdin=subprocess.DEVNULL,
    )
    last = last_run(stack)
    if last is None or last.began < began:
        # It could not even begin: not again every few seconds.
        time.sleep(60 * LOOK_S)


def run_words(request: RunRequest) -> list[str]:
    """Return the words of `usenet backup run` that ask for this."""
    words = ["backup", "run"]
    if request.type:
        words += ["--type", request.type]
    if request.copy_to:
        words += ["--copy-to", request.copy_to]
    if request.encrypt:
        words.append("--encrypt")
    if request.drill:
        words.append("--drill")
    return words


# -- start, stop, look ---------------------------------------------------


def _lock_path(folder: Path) -> Path:
    return folder / ".usenet/clock.lock"


def _take_lock(folder: Path) -> int | None:
    """Return the clock's lock, or None: a clock holds it."""
    descriptor = os.open(_lock_path(folder), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _wait_for_lock(folder: Path) -> int:
    # Whoever looks whether a clock runs holds it for a moment.
    for _ in range(20):
        lock = _take_lock(folder)
        if lock is not None:
            return lock
        time.sleep(0.05)
    raise UsenetError("backup.clock-runs")


def clock_runs(folder: Path) -> bool:
    """Tell whether a clock keeps a stack's schedule."""
    if not _lock_path(folder).exists():
        return False
    lock = _take_lock(folder)
    if lock is not None:
        os.close(lock)
    return lock is None


def start_clock(folder: Path) -> None:
    """Start the clock of a stack in the background, unless it runs."""
    if clock_runs(folder):
        return
    log = os.open(
        folder / ".usenet/clock.log",
        os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
        0o600,
    )
    try:
        process = subprocess.Popen(
            [*usenet_command(), "backup", "clock", "--stack", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    finally:
        os.close(log)
    deadline = time.monotonic() + END_S
    while not clock_runs(folder):
        if process.poll() is not None or time.monotonic() > deadline:
            why = (folder / ".usenet/clock.log").read_text()[-500:]
            raise UsenetError("backup.clock-failed", why=why.strip())
        time.sleep(0.05)  # it is a Python that starts


def stop_clock(folder: Path) -> None:
    """End the clock of a stack, if it runs; a backup that runs goes on."""
    if not clock_runs(folder):
        return
    with suppress(OSError, ValueError):
        number = int(_lock_path(folder).read_text())
        command = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        if b"clock" not in command:
            return  # the number is somebody else's by now
        handle = os.pidfd_open(number)
        try:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            select.select([handle], [], [], END_S)
        finally:
            os.close(handle)


class KeepSchedule(Operation, frozen=True):
    """Write or remove the schedule of a stack's own clock; start or end it.

    Args:
        text: of the schedule; "" ends it.
    """

    kind: ClassVar[str] = "backup.own-clock"
    text: str = ""

    def describe(self) -> str:
        if not self.text:
            return "end the stack's own clock for backups"
        return "start the stack's own clock for backups"

    def prepare(self, context: Context) -> Before:
        path = schedule_path(context.stack_folder)
        ran = clock_runs(context.stack_folder)
        return {"kept": keep_file(context, path), "ran": ran}

    def do(self, context: Context, before: Before) -> None:
        folder = context.stack_folder
        stop_clock(folder)
        if self.text:
            write_durably(schedule_path(folder), self.text.encode(), 0o600)
            start_clock(folder)
        else:
            schedule_path(folder).unlink(missing_ok=True)

    def undo(self, context: Context, before: Before) -> None:
        folder = context.stack_folder
        stop_clock(folder)
        put_back(before["kept"], schedule_path(folder))
        if before["ran"]:
            start_clock(folder)

    def verify(self, context: Context) -> bool:
        there = read_schedule(context.stack_folder) is not None
        return there == bool(self.text) == clock_runs(context.stack_folder)

    def manual(self, before: Before) -> str:
        return "usenet backup schedule --remove"
