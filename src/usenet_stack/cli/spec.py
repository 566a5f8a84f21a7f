"""How a command describes itself: plain data for parser, help, completion.

One description serves all three, so that they cannot disagree. The modules
of the commands hold nothing but these and functions that import what they
need when they run.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from usenet_stack.cli.call import Call
    from usenet_stack.result import Result

Kind = Literal["text", "number", "list"]
# What stands behind an argument or option, for completion.
Source = Literal[
    "",
    "service",
    "profile",
    "journal",
    "backup",
    "drive",
    "pool",
    "folder",
    "file",
    "setting",
    "topic",
]


# The groups of the catalogue; a test holds them equal.
SERVICE_GROUPS = (
    "media",
    "automation",
    "download",
    "monitoring",
    "sharing",
    "extra",
)


class Option(NamedTuple):
    """An option of a command.

    Args:
        names: the long name first: ("--follow", "-f").
        help: one sentence without its full stop.
        metavar: name of its value; "" makes it a flag.
        kind: "list" takes commas and may be repeated.
        choices: the allowed values, or () for any.
        complete: what completion offers as its value.
    """

    names: tuple[str, ...]
    help: str
    metavar: str = ""
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    complete: Source = ""

    @property
    def key(self) -> str:
        """The name under which a `Call` holds the value."""
        return self.names[0].lstrip("-").replace("-", "_")


class Argument(NamedTuple):
    """A word after the verb.

    Args:
        name: in capitals, as usage shows it.
        help: one sentence without its full stop.
        required: whether it must be there.
        many: takes all the remaining words; only the last may.
        choices: the allowed values, or () for any.
        complete: what completion offers.
    """

    name: str
    help: str
    required: bool = True
    many: bool = False
    choices: tuple[str, ...] = ()
    complete: Source = ""


class Command(NamedTuple):
    """Everything about one command.

    Args:
        path: its words: "storage add".
        summary: one line, imperative, without a full stop.
        run: does the work.
        show: how the result is printed; see `cli.output.Output.finish`.
        description: paragraphs for the help page.
        examples: (command line, what it does).
        errors: codes of `errors.ERRORS` that its users meet most.
        see_also: commands, without the leading "usenet".
        one_of: at least one of these arguments or options must be given.
        passthrough: words after the first arguments are another program's.
    """

    path: str
    summary: str
    run: "Callable[[Call], Result]"
    show: str = ""
    description: str = ""
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()
    errors: tuple[str, ...] = ()
    see_also: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    passthrough: bool = False


class Group(NamedTuple):
    """A noun and its verbs.

    Args:
        path: the noun.
        summary: one line for the list of all commands.
        commands: its verbs.
        description: paragraphs for the help page.
        examples: (command line, what it does).
        errors: codes of `errors.ERRORS` that its users meet most.
        see_also: commands, without the leading "usenet".
    """

    path: str
    summary: str
    commands: tuple[Command, ...]
    description: str = ""
    examples: tuple[tuple[str, str], ...] = ()
    errors: tuple[str, ...] = ()
    see_also: tuple[str, ...] = ()

    def find(self, verb: str) -> Command | None:
        """Return the command of a verb, or None."""
        for command in self.commands:
            if command.path == f"{self.path} {verb}":
                return command
        return None

    @property
    def verbs(self) -> tuple[str, ...]:
        return tuple(command.path.split()[-1] for command in self.commands)
