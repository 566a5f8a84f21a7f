"""One call of the program, understood: what a command gets to work with."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from usenet_stack.cli.spec import Command, Group

Value = str | int | tuple[str, ...]


class Call:
    """What the user asked for; commands read it and never change it.

    Args:
        words: the command line after "usenet", old spellings replaced.
        topic: the noun or command that was named, or None.
        values: options and arguments by key; what was not given is absent.
    """

    def __init__(
        self,
        words: tuple[str, ...],
        topic: "Group | Command | None",
        values: dict[str, Value],
    ) -> None:
        self.words = words
        self.topic = topic
        self._values = values

    def has(self, key: str) -> bool:
        """Tell whether an option or argument was given."""
        return key in self._values

    def flag(self, key: str) -> bool:
        """Tell whether a flag was given."""
        return bool(self._values.get(key))

    def text(self, key: str, default: str = "") -> str:
        """Return a value as it was typed."""
        return str(self._values.get(key, default))

    def number(self, key: str, default: int) -> int:
        """Return a whole number."""
        found = self._values.get(key, default)
        return found if isinstance(found, int) else default

    def names(self, key: str) -> tuple[str, ...]:
        """Return a list, each name once, in the order typed."""
        found = self._values.get(key, ())
        return tuple(dict.fromkeys(found)) if isinstance(found, tuple) else ()

    def line(self, key: str) -> tuple[str, ...]:
        """Return another program's words exactly as they were typed."""
        found = self._values.get(key, ())
        return found if isinstance(found, tuple) else ()

    @property
    def topic_path(self) -> str:
        """The words of the command: "storage add"."""
        return self.topic.path if self.topic else ""

    @property
    def verbose(self) -> int:
        return self.number("verbose", 0)

    @property
    def quiet(self) -> bool:
        return self.flag("quiet")

    @property
    def dry_run(self) -> bool:
        return self.flag("dry_run")

    @property
    def yes(self) -> bool:
        return self.flag("yes")

    @property
    def profile(self) -> str:
        return self.text("profile")

    @property
    def json(self) -> bool:
        return self.text("format") == "json"

    @property
    def stack_folder(self) -> "Path | None":
        from pathlib import Path

        named = self.text("stack")
        return Path(named) if named else None
