"""Backups by the clock: a systemd timer with catch-up, a line for cron, or a
process of the stack's own."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from shlex import join
from typing import ClassVar, Literal

import msgspec

from usenet_stack.backup.clock import (
    PERIODS,
    KeepSchedule,
    Schedule,
    clock_runs,
    read_schedule,
    run_words,
    schedule_text,
    usenet_command,
)
from usenet_stack.backup.copying import RCLONE, check_rclone
from usenet_stack.backup.runs import RunRequest
from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.transaction import (
    SILENT,
    Context,
    Observer,
    Operation,
    Plan,
    Step,
    open_session,
)
from usenet_stack.transaction.files import (
    MakeFolder,
    WriteFile,
    keep_file,
    put_back,
)
from usenet_stack.transaction.operation import Before

SCHEDULE = "backup schedule"
SYSTEM = Path("/etc/systemd/system")
SYSTEMD = Path("/run/systemd/system")
Shorthand = Literal["hourly", "daily", "weekly", "monthly"]
CRON = {
    "hourly": "17 * * * *",
    "daily": "17 4 * * *",
    "weekly": "17 4 * * 1",
    "monthly": "17 4 1 * *",
}
SERVICE = """\
# Written by `usenet backup schedule`, which ends it with --remove.
[Unit]
Description=Backup of the media stack {name}
Wants=network-online.target
After=docker.service network-online.target

[Service]
Type=oneshot
Nice=10
IOSchedulingClass=idle
ExecStart={command}
"""
TIMER = """\
# Written by `usenet backup schedule`, which ends it with --remove.
[Unit]
Description=Backup of the media stack {name}

[Timer]
OnCalendar={when}
# A machine that was off makes up for it once it is on again.
Persistent=true
RandomizedDelaySec=300

[Install]
WantedBy=timers.target
"""


class ScheduleRequest(msgspec.Struct, frozen=True):
    """What is to be done and when.

    Args:
        when: as systemd's `OnCalendar` takes it: "daily", "Mon 04:00".
        run: what is done each time.
        own: by a process of the stack's own, as a sandbox always has it.
    """

    when: str = "daily"
    run: RunRequest = RunRequest()
    own: bool = False


class SystemdTimer(Operation, frozen=True):
    """Make systemd read its units again, and start or stop a timer.

    Args:
        unit: "usenet-backup.timer".
        on: whether it is to run.
        user: of the user's own systemd.
    """

    kind: ClassVar[str] = "backup.timer"
    unit: str
    on: bool = True
    user: bool = False

    def describe(self) -> str:
        return f"{'start' if self.on else 'stop'} the timer {self.unit}"

    def prepare(self, context: Context) -> Before:
        return {"active": self._active()}

    def do(self, context: Context, before: Before) -> None:
        self._systemctl("daemon-reload")
        self._switch(self.on)

    def undo(self, context: Context, before: Before) -> None:
        self._systemctl("daemon-reload")
        self._switch(bool(before["active"]))

    def verify(self, context: Context) -> bool:
        return self._active() == self.on

    def manual(self, before: Before) -> str:
        return f"systemctl disable --now {self.unit}"

    def _switch(self, on: bool) -> None:
        if on or self._active():
            verb = "enable" if on else "disable"
            self._systemctl(verb, "--now", self.unit)

    def _active(self) -> bool:
        words = systemctl(self.user, "is-active", "--quiet", self.unit)
        return subprocess.run(words, capture_output=True).returncode == 0

    def _systemctl(self, *words: str) -> None:
        command = systemctl(self.user, *words)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise UsenetError(
                "fix.failed", command=join(command), why=done.stderr.strip()
            )


class RemoveFile(Operation, frozen=True):
    """Remove a file; its undo puts it back."""

    kind: ClassVar[str] = "backup.remove-file"
    path: Path

    def describe(self) -> str:
        return f"remove {self.path}"

    def prepare(self, context: Context) -> Before:
        return {"kept": keep_file(context, self.path)}

    def do(self, context: Context, before: Before) -> None:
        self.path.unlink(missing_ok=True)

    def undo(self, context: Context, before: Before) -> None:
        put_back(before["kept"], self.path)

    def verify(self, context: Context) -> bool:
        return not self.path.exists()


def systemctl(user: bool, *words: str) -> list[str]:
    """Return a command line for systemd, the system's or the user's."""
    return ["systemctl", *(["--user"] if user else []), *words]


def command(stack: Stack, request: ScheduleRequest) -> list[str]:
    """Return what a scheduled run is."""
    words = run_words(request.run)
    there = ["--stack", str(stack.folder), "--quiet"]
    return [*usenet_command(), *words, *there]


def units(stack: Stack, request: ScheduleRequest) -> dict[str, str]:
    """Return the text of the service and of the timer, by file name."""
    line = " ".join(_quoted(word) for word in command(stack, request))
    name = unit_name(stack)
    service = SERVICE.format(name=stack.name, command=line)
    timer = TIMER.format(name=stack.name, when=request.when)
    return {f"{name}.service": service, f"{name}.timer": timer}


def unit_name(stack: Stack) -> str:
    """Return what the units of a stack are called, without an ending."""
    return f"{stack.project}-backup"


def _quoted(word: str) -> str:
    # systemd's own quoting; "%" and "$" would be replaced.
    text = word.replace("\\", "\\\\").replace('"', '\\"')
    text = text.replace("%", "%%").replace("$", "$$")
    plain = all(c.isalnum() or c in "/._-:=@" for c in word)
    return text if plain else f'"{text}"'


def cron_line(stack: Stack, request: ScheduleRequest) -> str:
    """Return a line for `crontab -e`.

    Raises:
        UsenetError: backup.when: cron has no such time.
    """
    if request.when not in CRON:
        raise UsenetError(
            "backup.when",
            when=request.when,
            why=f"For cron it is one of: {', '.join(CRON)}.",
        )
    line = f"{CRON[request.when]} {join(command(stack, request))}"
    return line.replace("%", "\\%")


def unit_folder() -> Path:
    """Return where units go: the system's for root, else the user's."""
    if os.geteuid() == 0:
        return SYSTEM
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "systemd/user"


def plan_schedule(
    stack: Stack, request: ScheduleRequest, *, remove: bool = False
) -> Plan:
    """Return how backups come to be made by the clock, or cease to be.

    Raises:
        UsenetError: backup.no-timer, backup.when; backup.target,
            backup.no-rclone: there is no place for the copies.
    """
    if remove:
        return Plan(SCHEDULE, (*_own_removal(stack), *_removal(stack)))
    _check_copies(request.run.copy_to)
    if request.own or stack.sandbox:
        return Plan(SCHEDULE, (_own_clock(request),))
    if not SYSTEMD.is_dir():
        raise UsenetError("backup.no-timer")
    check_when(request.when)
    folder = unit_folder()
    why = "it runs create, verify, copy and clean"
    make = [Step(MakeFolder(folder), why)] if not folder.is_dir() else []
    writes = [
        Step(WriteFile(folder / name, text), why)
        for name, text in units(stack, request).items()
    ]
    timer = Step(_timer(stack, True), f"backups are made {request.when}")
    return Plan(SCHEDULE, (*_own_removal(stack), *make, *writes, timer))


def _check_copies(target: str) -> None:
    if target.startswith(RCLONE):
        check_rclone(target)
    elif target and not Path(target).is_dir():
        why = "It is no folder that is there."
        raise UsenetError("backup.target", path=target, why=why)


def _own_clock(request: ScheduleRequest) -> Step:
    if request.when not in PERIODS:
        raise UsenetError(
            "backup.when",
            when=request.when,
            why=f"Here it is one of: {', '.join(PERIODS)}.",
        )
    found = {"when": request.when, "since": time.time(), "run": request.run}
    text = schedule_text(msgspec.convert(found, Schedule))
    return Step(KeepSchedule(text), f"backups are made {request.when}")


def _own_removal(stack: Stack) -> tuple[Step, ...]:
    if read_schedule(stack.folder) is None and not clock_runs(stack.folder):
        return ()
    return (Step(KeepSchedule(), "there is to be no other schedule"),)


def _timer(stack: Stack, on: bool) -> SystemdTimer:
    user = os.geteuid() != 0
    return SystemdTimer(f"{unit_name(stack)}.timer", on, user)


def _removal(stack: Stack) -> tuple[Step, ...]:
    paths = [
        unit_folder() / f"{unit_name(stack)}.{ending}"
        for ending in ("timer", "service")
    ]
    there = [path for path in paths if path.exists()]
    if not there:
        return ()
    why = "no backups by the clock any more"
    removals = (Step(RemoveFile(path), why) for path in there)
    return (Step(_timer(stack, False), why), *removals)


def check_when(when: str) -> None:
    """Check a time, where systemd can tell.

    Raises:
        UsenetError: backup.when.
    """
    if shutil.which("systemd-analyze") is None:
        return
    done = subprocess.run(
        ["systemd-analyze", "calendar", "--", when],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        why = done.stderr.strip().splitlines()[:1]
        raise UsenetError("backup.when", when=when, why="".join(why))


def schedule_backups(
    stack: Stack,
    request: ScheduleRequest,
    observer: Observer = SILENT,
    *,
    remove: bool = False,
) -> Result:
    """Have backups made by the clock, or no more.

    Returns: `units[]`, `when`, `removed`; `own`: by the stack's own clock.
    Raises:
        UsenetError: as `plan_schedule`; fix.failed: systemd refused.
    Effects: two units, and a timer that runs; or a process.
    """
    with open_session(stack.folder, SCHEDULE, observer) as session:
        plan = plan_schedule(stack, request, remove=remove)
        session.run(plan)
    paths = [
        str(step.operation.path)
        for step in plan.steps
        if isinstance(step.operation, WriteFile | RemoveFile)
    ]
    when = "" if remove else request.when
    own = any(isinstance(s.operation, KeepSchedule) for s in plan.steps)
    return Result({"units": paths, "when": when, "removed": remove, "own": own})
