"""The systemd unit that brings the pool back before Docker starts.

After a reboot containers come up by themselves; on an empty mountpoint an
application would find its library gone.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import ClassVar

from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage.privilege import need_root
from usenet_stack.transaction import (
    SILENT,
    Context,
    Observer,
    Operation,
    Plan,
    Step,
    open_session,
)
from usenet_stack.transaction.files import WriteFile
from usenet_stack.transaction.operation import Before

FOLDER = Path("/etc/systemd/system")
RUNNING = Path("/run/systemd/system")
SECONDS = 30.0

_TEMPLATE = """\
# Made by usenet: the media pool of the stack {name}.
[Unit]
Description=Media pool of the usenet stack {name}
DefaultDependencies=no
After=local-fs.target
Before=docker.service podman.service
RequiresMountsFor={mounts}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command}
# mergerfs lives on after the command, until the machine goes down.
KillMode=process
TimeoutStartSec=120

[Install]
WantedBy=multi-user.target docker.service
"""


def unit_name(stack: Stack) -> str:
    """Return the unit's name."""
    return f"{stack.project}-pool.service"


def unit_text(stack: Stack, program: str | None = None) -> str:
    """Return the unit's file.

    Args:
        program: the whole path of `usenet`; None finds this one.
    """
    words = own_program() if program is None else [program]
    words += ["storage", "apply", "--yes", "--quiet"]
    words += ["--stack", str(stack.folder)]
    return _TEMPLATE.format(
        name=one_line(stack.name),
        mounts=quoted(str(stack.folder)),
        command=" ".join(map(quoted, words)),
    )


def own_program() -> list[str]:
    """Return the words that start this program, by its whole path."""
    found = shutil.which("usenet")
    if found:
        return [os.path.realpath(found)]
    return [sys.executable, "-m", "usenet_stack"]


def one_line(text: str) -> str:
    """Return text for a Description: one line, no specifier."""
    return text.replace("%", "%%").replace("\n", " ")


def quoted(word: str) -> str:
    """Return a word as systemd reads it back, specifiers and all.

    Source: systemd.service(5), "COMMAND LINES".
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("%", "%%").replace("$", "$$")
    plain = all(c.isalnum() or c in "/._-=:" for c in word)
    return word if plain else f'"{escaped}"'


def verify_unit(name: str, text: str) -> str | None:
    """Return what systemd finds wrong with a unit, "" for nothing.

    Returns: None where there is no systemd-analyze to ask.
    """
    program = shutil.which("systemd-analyze")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text)
        try:
            done = subprocess.run(
                [program, "verify", "--man=no", str(path)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
    lines = [line for line in done.stderr.splitlines() if name in line]
    return "\n".join(lines) if done.returncode or lines else ""


class EnableUnit(Operation, frozen=True):
    """Let systemd start a unit at every boot.

    Args:
        unit: its name.
    """

    kind: ClassVar[str] = "storage.enable-unit"
    unit: str

    def describe(self) -> str:
        return f"let systemd start {self.unit} at every boot"

    def prepare(self, context: Context) -> Before:
        done = _systemctl("is-enabled", self.unit)
        return {"enabled": done.stdout.strip() == "enabled"}

    def do(self, context: Context, before: Before) -> None:
        for words in (("daemon-reload",), ("enable", self.unit)):
            done = _systemctl(*words)
            if done.returncode:
                raise UsenetError(
                    "storage.unit", unit=self.unit, why=done.stderr.strip()
                )

    def undo(self, context: Context, before: Before) -> None:
        if not before["enabled"]:
            _systemctl("disable", self.unit)

    def manual(self, before: Before) -> str:
        return f"systemctl disable {self.unit}"


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemctl", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def plan_unit(stack: Stack, folder: Path = FOLDER) -> Plan:
    """Return the steps that install the unit.

    Args:
        folder: where systemd looks for units.

    Raises:
        UsenetError: "storage.unit": systemd would not take it.
    """
    name, text = unit_name(stack), unit_text(stack)
    wrong = verify_unit(name, text)
    if wrong:
        raise UsenetError("storage.unit", unit=name, why=wrong)
    why = "containers start by themselves after a reboot"
    steps = [Step(WriteFile(folder / name, text, 0o644, 0, 0), why)]
    if RUNNING.is_dir():
        steps.append(Step(EnableUnit(name), why))
    return Plan("storage apply", tuple(steps))


def install_unit(stack: Stack, observer: Observer = SILENT) -> Result:
    """Install the unit that applies the pool before Docker starts.

    Raises:
        UsenetError: "storage.root-needed", "storage.unit".
    Effects: one file in /etc/systemd/system, enabled where systemd runs.
    """
    with open_session(stack.folder, "storage apply", observer) as session:
        plan = plan_unit(stack)
        need_root("installing a unit", "storage apply", ["--install"], stack)
        session.run(plan)
    result = Result({"unit": unit_name(stack), "text": unit_text(stack)})
    if not RUNNING.is_dir():
        result.warn(
            "systemd does not run here. Let your system run this before "
            "Docker starts: usenet storage apply --yes"
        )
    return result
