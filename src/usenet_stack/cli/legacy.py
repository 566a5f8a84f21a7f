"""Old spellings: a table, and the rewriting of a command line by it."""

from collections.abc import Sequence

from usenet_stack.cli.registry import GLOBAL_OPTIONS

# Nouns that used to be options: usenet --storage discover.
OPTIONS = {
    "--storage": "storage",
    "--hardware": "hardware",
    "--backup": "backup",
}

# Verbs that were renamed.
VERBS = {
    ("storage", "discover"): ("storage", "list"),
    ("hardware", "detect"): ("hardware", "list"),
}

# Top-level commands that were moved.
COMMANDS = {
    "setup": ("deploy",),
    "start": ("services", "start"),
    "stop": ("services", "stop"),
    "restart": ("services", "restart"),
    "logs": ("services", "logs"),
    "status": ("services", "list"),
    "update": ("services", "update"),
    "manage": ("services",),
}

# Two ways to say the same; neither is old.
ALIASES = {("services", "keys"): ("keys",)}

# These acted on everything when they were given no name.
ALL_WHEN_ALONE = ("start", "stop", "restart", "update")


def rewrite(words: Sequence[str]) -> tuple[list[str], str]:
    """Replace an old spelling by the one that is used now.

    Returns: the new words, and one line that says what to write in future;
        "" when nothing was old.
    """
    words = plain(words)
    at = _first(words)
    head, tail = list(words[:at]), list(words[at:])
    new = _renamed(tail)
    if new == tail:
        return words, ""
    old_shown, new_shown = _heads(tail, new)
    return head + new, (
        f"`usenet {old_shown}` is an old spelling: "
        f"write `usenet {new_shown}` from now on."
    )


def plain(words: Sequence[str]) -> list[str]:
    """Replace an alias by the words that it stands for."""
    at = _first(words)
    pair = tuple(words[at : at + 2])
    if len(pair) == 2 and pair in ALIASES:
        return [*words[:at], *ALIASES[pair], *words[at + 2 :]]
    return list(words)


def _first(words: Sequence[str]) -> int:
    """Index of the first word that is no global option or its value."""
    takes = {n: bool(o.metavar) for o in GLOBAL_OPTIONS for n in o.names}
    at = 0
    while at < len(words):
        if words[at].partition("=")[0] in OPTIONS:
            return at
        if not words[at].startswith("-") or words[at] == "--":
            return at
        at += 2 if takes.get(words[at]) else 1
    return at


def _renamed(tail: list[str]) -> list[str]:
    if not tail:
        return tail
    option, equals, value = tail[0].partition("=")
    if option in OPTIONS:
        rest = [value, *tail[1:]] if equals else tail[1:]
        tail = [OPTIONS[option], *rest]
    pair = tuple(tail[:2])
    if len(pair) == 2 and pair in VERBS:
        return [*VERBS[pair], *tail[2:]]
    if tail[0] in COMMANDS:
        alone = not any(_chooses(word) for word in tail[1:])
        every = ["--all"] if tail[0] in ALL_WHEN_ALONE and alone else []
        return [*COMMANDS[tail[0]], *every, *tail[1:]]
    return tail


def _chooses(word: str) -> bool:
    return not word.startswith("-") or word.startswith(("--group", "--all"))


def _heads(old: list[str], new: list[str]) -> tuple[str, str]:
    """The parts that differ: what both end with is left out."""
    while len(old) > 1 and len(new) > 1 and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return " ".join(old), " ".join(new)
