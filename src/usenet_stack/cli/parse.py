"""From the words of the command line to a `Call`.

Written for this program, because a parser library costs more start-up time
than a whole help page may take (docs/decisions), and because global options
may stand before or after the command. Long options take their value after a
space or "=", short ones may be joined (-nv), and "--" ends the options.
"""

from collections.abc import Sequence

from usenet_stack.cli import usage
from usenet_stack.cli.call import Call, Value
from usenet_stack.cli.registry import ENTRIES, GLOBAL_OPTIONS, load
from usenet_stack.cli.spec import Argument, Command, Group, Option
from usenet_stack.errors import UsenetError


def parse(words: Sequence[str]) -> Call:
    """Return what the words ask for.

    Raises:
        UsenetError: "usage" (exit 2): unknown command, verb or option, a
            value that is missing or wrong, an argument missing or too many.
    """
    reader = _Reader(words)
    while reader.rest:
        reader.step(reader.rest.pop(0))
    return reader.finish()


def wants_json(words: Sequence[str]) -> bool:
    """Tell whether JSON was asked for, in words that may not parse."""
    for index, word in enumerate(words):
        if word == "--":
            return False
        if word == "--format=json" or (
            word == "--format" and words[index + 1 : index + 2] == ["json"]
        ):
            return True
    return False


class _Reader:
    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self.rest = list(words)
        self.topic: Group | Command | None = None
        self.values: dict[str, Value] = {}
        self.arguments: list[str] = []
        self.only_arguments = False

    def step(self, word: str) -> None:
        if self._verbatim():
            self.arguments.append(word)
        elif word == "--":
            self.only_arguments = True
        elif word.startswith("--"):
            self._long(word)
        elif word.startswith("-") and word != "-":
            self._short(word)
        elif isinstance(self.topic, Command):
            self.arguments.append(word)
        else:
            self._name(word)

    def _verbatim(self) -> bool:
        if not isinstance(self.topic, Command):
            return False
        fixed = len(self.topic.arguments) - 1
        begun = self.topic.passthrough and len(self.arguments) > fixed
        return self.only_arguments or begun

    def _name(self, word: str) -> None:
        if isinstance(self.topic, Group):
            command = self.topic.find(word)
            if command is None:
                raise usage.unknown_verb(self.topic, word)
            self.topic = command
        elif word in ENTRIES:
            self.topic = load(word)
        else:
            raise usage.unknown_command(word)

    def _option(self, name: str) -> Option:
        own = self.topic.options if isinstance(self.topic, Command) else ()
        for option in (*own, *GLOBAL_OPTIONS):
            if name in option.names:
                return option
        raise usage.unknown_option(name, self.topic)

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = self._option(name)
        if not option.metavar:
            if equals:
                raise self._wrong(f"{name} takes no value")
            self._count(option)
        else:
            self._store(option, name, value if equals else self._next(option))

    def _short(self, word: str) -> None:
        for index, letter in enumerate(word[1:], 1):
            option = self._option(f"-{letter}")
            if option.metavar:
                value = word[index + 1 :] or self._next(option)
                self._store(option, f"-{letter}", value)
                return
            self._count(option)

    def _next(self, option: Option) -> str:
        if not self.rest or self.rest[0] == "--":
            what = "|".join(option.choices) or option.metavar
            raise self._wrong(f"{option.names[0]} needs a value: {what}")
        return self.rest.pop(0)

    def _count(self, option: Option) -> None:
        before = self.values.get(option.key, 0)
        self.values[option.key] = 1 + (before if isinstance(before, int) else 0)

    def _store(self, option: Option, name: str, value: str) -> None:
        if option.choices and value not in option.choices:
            raise usage.bad_value(name, value, option.choices, self.topic)
        if option.kind == "list":
            before = self.values.get(option.key, ())
            kept = before if isinstance(before, tuple) else ()
            parts = tuple(part for part in value.split(",") if part)
            self.values[option.key] = kept + parts
        elif option.kind == "number":
            if not (value.isascii() and value.isdigit()):
                raise self._wrong(f"{name} needs a whole number: not `{value}`")
            self.values[option.key] = int(value)
        else:
            self.values[option.key] = value

    def _wrong(self, problem: str) -> UsenetError:
        return usage.usage_error(f"{problem}.", usage.help_command(self.topic))

    def finish(self) -> Call:
        asked = "help" in self.values or "version" in self.values
        if isinstance(self.topic, Command) and not asked:
            self._fill(self.topic)
        return Call(self.words, self.topic, self.values)

    def _fill(self, command: Command) -> None:
        left = list(self.arguments)
        for argument in command.arguments:
            if argument.many:
                taken, left = left, []
                if taken:
                    self.values[argument.name.lower()] = tuple(taken)
            elif left:
                taken = [left.pop(0)]
                self.values[argument.name.lower()] = taken[0]
            else:
                taken = []
            _check(command, argument, taken)
        if left:
            raise usage.incomplete(command, f"takes no word `{left[0]}`")
        self._check_one_of(command)

    def _check_one_of(self, command: Command) -> None:
        keys = [n.lstrip("-").replace("-", "_").lower() for n in command.one_of]
        if keys and not any(key in self.values for key in keys):
            ways = ", ".join(command.one_of[:-1])
            raise usage.incomplete(
                command, f"needs {ways} or {command.one_of[-1]}"
            )


def _check(command: Command, argument: Argument, taken: list[str]) -> None:
    if argument.required and not taken:
        raise usage.incomplete(command, f"needs {argument.name}")
    for word in taken:
        if argument.choices and word not in argument.choices:
            raise usage.bad_value(
                argument.name, word, argument.choices, command
            )
