"""The systemd unit that keeps `usenet storage watch` running."""

from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.storage.privilege import need_root
from usenet_stack.storage.units import (
    FOLDER,
    RUNNING,
    EnableUnit,
    one_line,
    own_program,
    quoted,
    verify_unit,
)
from usenet_stack.transaction import SILENT, Observer, Plan, Step, open_session
from usenet_stack.transaction.files import WriteFile

COMMAND = "storage watch"

_TEMPLATE = """\
# Made by usenet: follows the drives of the stack {name}.
[Unit]
Description=Drives of the usenet stack {name}
After=local-fs.target docker.service
RequiresMountsFor={folder}

[Service]
Type=exec
ExecStart={command}
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
"""


def watch_unit_name(stack: Stack) -> str:
    """Return the unit's name."""
    return f"{stack.project}-watch.service"


def watch_unit_text(stack: Stack, program: str | None = None) -> str:
    """Return the unit's file.

    Args:
        program: the whole path of `usenet`; None finds this one.
    """
    words = own_program() if program is None else [program]
    words += ["storage", "watch", "--stack", str(stack.folder)]
    return _TEMPLATE.format(
        name=one_line(stack.name),
        folder=quoted(str(stack.folder)),
        command=" ".join(map(quoted, words)),
    )


def plan_watch_unit(stack: Stack) -> Plan:
    """Return the steps that install the unit.

    Raises:
        UsenetError: "storage.unit": systemd would not take it.
    """
    name, text = watch_unit_name(stack), watch_unit_text(stack)
    wrong = verify_unit(name, text)
    if wrong:
        raise UsenetError("storage.unit", unit=name, why=wrong)
    why = "drives come and go while nobody looks"
    steps = [Step(WriteFile(FOLDER / name, text, 0o644, 0, 0), why)]
    if RUNNING.is_dir():
        steps.append(Step(EnableUnit(name), why))
    return Plan(COMMAND, tuple(steps))


def install_watch_unit(stack: Stack, observer: Observer = SILENT) -> Result:
    """Install the unit that follows the drives from boot on.

    Raises:
        UsenetError: "storage.root-needed", "storage.unit".
    Effects: one file in /etc/systemd/system, enabled where systemd runs.
    """
    with open_session(stack.folder, COMMAND, observer) as session:
        plan = plan_watch_unit(stack)
        need_root("installing a unit", COMMAND, ["--install"], stack)
        session.run(plan)
    name = watch_unit_name(stack)
    result = Result({"unit": name, "text": watch_unit_text(stack)})
    if RUNNING.is_dir():
        result.info(f"From the next boot on. Now: sudo systemctl start {name}")
    else:
        result.warn(
            "systemd does not run here. Let your system keep this running: "
            "usenet storage watch"
        )
    return result
