"""Which drives of the pool are attached: by the mount table alone.

Neither the drives nor their file systems are touched: one whose server is
gone would hold up the answer for ever.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")


def attached_drives(
    stack_folder: Path, pool: Path, mounts: Path = MOUNTS
) -> list[str]:
    """Return the names of the pool's drives that are mounted, sorted.

    Args:
        pool: the folder below which each appears under its name.

    Returns: none when the list of drives is not there or damaged; the
        storage commands tell of that.
    """
    try:
        text = (stack_folder / ".usenet/pool.json").read_bytes()
        names = [str(name) for name in json.loads(text)]
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except (OSError, ValueError, TypeError):
        return []
    parent = os.path.realpath(pool) if names else ""
    targets = set(_targets(lines))
    return sorted(name for name in names if f"{parent}/{name}" in targets)


def _targets(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        words = line.split()
        if len(words) > 4:
            yield _unescaped(words[4])


def _unescaped(text: str) -> str:
    # Source: proc(5): space, tab, newline and backslash in octal.
    if "\\" not in text:
        return text
    for code, char in (("040", " "), ("011", "\t"), ("012", "\n")):
        text = text.replace(f"\\{code}", char)
    return text.replace("\\134", "\\")
