"""The catalogue's rules on paths: what a backup leaves out.

Patterns are anchored at the service's folder. "*" ends at a "/", unlike in
`fnmatch`: "/Definitions/*.yml" must not drop "/Definitions/Custom/x.yml",
and "/*.pid" nothing in a folder that the user made.
"""

import re
from functools import cache

from usenet_stack.stack.service import Backup


def is_dropped(below: str, rules: Backup) -> bool:
    """Tell whether a path is one that the application makes again.

    Args:
        below: "/logs/a.txt", as seen from the service's folder.
        rules: of the service. What they keep is never dropped; neither is
            a folder on the way to it.
    """
    if _is_kept(below, rules):
        return False
    return any(_matcher(p).fullmatch(below) for p in rules.regenerable)


def _is_kept(below: str, rules: Backup) -> bool:
    named = [f"/{database.path}" for database in rules.databases]
    # "." keeps the folder as a whole, which is no reason to keep its logs.
    named += [f"/{keep.rstrip('/')}" for keep in rules.keep if keep != "."]
    return any(
        path == below or path.startswith(f"{below}/") for path in named
    ) or any(
        below.startswith(f"{path}/") and not _is_dropped_inside(path, rules)
        for path in named
    )


def _is_dropped_inside(path: str, rules: Backup) -> bool:
    """Tell whether a pattern reaches below a kept folder on purpose."""
    return any(p.startswith(f"{path}/") for p in rules.regenerable)


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    whole_folder = pattern.endswith("/**")
    parts = re.split(r"(\*\*|\*|\?)", pattern.removesuffix("/**"))
    wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(wild.get(part) or re.escape(part) for part in parts)
    below = "(/.*)?" if whole_folder else ""
    return re.compile(text + below, re.DOTALL)
