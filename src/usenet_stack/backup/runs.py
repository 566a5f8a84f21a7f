"""The runs of a schedule: what is asked of one, and how the last one went.

That is kept in `.usenet/backup-run.json`, so that a failure that nobody saw
at night is told by the next `usenet backup list`.
"""

from pathlib import Path

import msgspec

from usenet_stack.backup.rules import Type
from usenet_stack.stack.model import Stack

# A deploy that pulls images may take its time.
WAIT_S = 3600.0


class RunRequest(msgspec.Struct, frozen=True):
    """What is done each time.

    Args:
        type: of the backup; None is the stack's own choice.
        copy_to: a folder or a remote for a copy; "" is none.
        encrypt: to the recipients in stack.toml.
        drill: start the backup in a sandbox, unless one was within a week.
        wait_s: how long another command may hold the stack.
    """

    type: Type | None = None
    copy_to: str = ""
    encrypt: bool = False
    drill: bool = False
    wait_s: float = WAIT_S


class LastRun(msgspec.Struct, frozen=True):
    """How the last run went.

    Args:
        began: seconds since 1970.
        path: of the backup; "" if there is none.
        why: what failed, in words, and `hint` mends it; "" if nothing did.
    """

    began: float
    path: str = ""
    why: str = ""
    hint: str = ""


def last_run(stack: Stack) -> LastRun | None:
    """Return how the last scheduled run went; None: there was none."""
    try:
        return msgspec.json.decode(
            record_path(stack).read_bytes(), type=LastRun
        )
    except (OSError, msgspec.MsgspecError):
        return None


def record_path(stack: Stack) -> Path:
    """Return where that is kept."""
    return stack.state_path / "backup-run.json"
