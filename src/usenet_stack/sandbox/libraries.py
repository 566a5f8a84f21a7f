"""Which shared libraries programs of this machine need."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from usenet_stack.errors import UsenetError

# name => path (address)   |   path (address)
_LINE = re.compile(r"^\s+(?:(\S+) => )?(/\S+|not found)(?: \(0x|$)")


class Libraries(NamedTuple):
    """What a set of programs needs to be loaded.

    Args:
        loaders: the dynamic loaders, named by absolute path in programs.
        files: the others, by the name under which they are asked for.
    """

    loaders: frozenset[str]
    files: dict[str, Path]


def needed_libraries(programs: Iterable[Path]) -> Libraries:
    """Return the libraries of programs and modules, as the loader says.

    Raises:
        UsenetError: image.library-missing.
    Source: ldd(1).
    """
    paths = [str(path) for path in programs]
    done = subprocess.run(["ldd", *paths], capture_output=True, text=True)
    loaders: set[str] = set()
    files: dict[str, Path] = {}
    program = paths[0]
    for line in done.stdout.splitlines():
        if line.startswith("/"):
            program = line.rstrip(":")
        elif match := _LINE.match(line):
            name, path = match.groups()
            if path == "not found":
                raise UsenetError(
                    "image.library-missing", program=program, library=name
                )
            if name is None:
                loaders.add(path)
            else:
                files[name] = Path(path)
    return Libraries(frozenset(loaders), files)
