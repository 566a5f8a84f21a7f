"""Data: what commands there are, and the options that all of them take.

The list of all commands prints from here, without importing any of them; a
test holds each summary equal to the one in the command's own module.
"""

from importlib import import_module
from typing import NamedTuple

from usenet_stack.cli.spec import Command, Group, Option


class Entry(NamedTuple):
    """One command or noun: its line in the help, and where it lives."""

    name: str
    summary: str
    module: str


SECTIONS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "The stack",
        (
            Entry("deploy", "Bring the whole stack up", "deploy"),
            Entry("destroy", "Take the stack down; data stays", "destroy"),
            Entry("validate", "Check the machine and mend it", "validate"),
            Entry("services", "See and steer the services", "services"),
        ),
    ),
    (
        "The machine",
        (
            Entry("storage", "Drives and the media pool", "storage"),
            Entry("hardware", "What this machine offers", "hardware"),
        ),
    ),
    (
        "Settings and safety",
        (
            Entry("config", "Read and change stack.toml", "config"),
            Entry("keys", "Keys of the services: list, show, rotate", "keys"),
            Entry("backup", "Backups of settings and databases", "backup"),
            Entry("journal", "What was done, and what to undo", "journal"),
        ),
    ),
    (
        "This program",
        (
            Entry("completion", "Complete commands in the shell", "completion"),
            Entry("help", "Explain a command", "help"),
            Entry("version", "Print the version", "version"),
        ),
    ),
)

ENTRIES: dict[str, Entry] = {
    entry.name: entry for _, entries in SECTIONS for entry in entries
}

GLOBAL_OPTIONS: tuple[Option, ...] = (
    Option(("--help", "-h"), "Show the help of the command"),
    Option(("--verbose", "-v"), "Say more; -vv says everything"),
    Option(("--quiet", "-q"), "Say nothing but results and errors"),
    Option(("--dry-run", "-n"), "Print what would be done; change nothing"),
    Option(("--yes", "-y"), "Answer every question with yes"),
    Option(
        ("--profile",),
        "How much of the machine the stack may use",
        metavar="NAME",
        complete="profile",
    ),
    Option(
        ("--format",),
        "How results are written",
        metavar="FORMAT",
        choices=("text", "json"),
    ),
    Option(("--no-color",), "Write without colours, as NO_COLOR=1 does"),
    Option(
        ("--stack",),
        "The stack to act on, instead of the one found",
        metavar="DIR",
        complete="folder",
    ),
    Option(("--version",), "Print the version"),
)


def load(name: str) -> Group | Command:
    """Return the description of a noun or of a command without verbs."""
    module = import_module(f"usenet_stack.cli.{ENTRIES[name].module}")
    found: Group | Command = getattr(module, "GROUP", None) or module.COMMAND
    return found


def all_commands() -> tuple[Command, ...]:
    """Return every command, in the order of the help. Imports them all."""
    found: list[Command] = []
    for name in ENTRIES:
        entry = load(name)
        found.extend(entry.commands if isinstance(entry, Group) else (entry,))
    return tuple(found)
