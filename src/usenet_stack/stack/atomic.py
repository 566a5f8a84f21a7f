"""Replace a text file as a whole; failures come as our errors."""

import errno
import os
from pathlib import Path

from usenet_stack.errors import UsenetError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Write `text` to `path` so that no reader ever sees a half of it.

    Args:
        path: the file; a symbolic link is followed and kept.
        text: its whole new content, written as UTF-8.
        mode: its permissions; the file never has wider ones, even briefly.

    Raises:
        UsenetError: file.denied, disk.full.

    Effects: replaces the file durably. A root run (sudo) leaves the file
        with the user who owned it, or who owns its folder.
    """
    from usenet_stack.transaction.durable import write_durably

    path = path.resolve()
    try:
        write_durably(path, text.encode(), mode, _owner(path))
    except PermissionError as why:
        raise _failed("file.denied", path, why) from why
    except OSError as why:
        if why.errno not in _FULL:
            raise
        raise _failed("disk.full", path, why) from why


def _owner(path: Path) -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    try:
        found = path.stat()
    except FileNotFoundError:
        found = path.parent.stat()
    return found.st_uid, found.st_gid


def _failed(code: str, path: Path, why: OSError) -> UsenetError:
    return UsenetError(code, path=path, folder=path.parent, why=str(why))
