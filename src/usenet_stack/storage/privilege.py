"""The steps that take root, named to those who are not."""

import os
import shlex

from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack


def need_root(what: str, command: str, words: list[str], stack: Stack) -> None:
    """Refuse to go on as another user, and name the step that needs root.

    Raises:
        UsenetError: "storage.root-needed" with the exact command.
    """
    if os.geteuid() != 0:
        where = ("--stack", str(stack.folder))
        line = shlex.join(["sudo", "usenet", *command.split(), *words, *where])
        raise UsenetError("storage.root-needed", what=what, command=line)
