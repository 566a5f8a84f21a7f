"""What every operation returns: data, messages and errors."""

from typing import Any, Literal, NamedTuple

from usenet_stack.errors import Exit, UsenetError

Level = Literal["info", "warning"]


class Message(NamedTuple):
    """One remark for the user that is no error."""

    level: Level
    text: str


class Result:
    """The typed outcome of one command, rendered once as text or JSON.

    Args:
        data: what the command found or made; plain JSON types.
        messages: remarks, shown after the data.
        errors: failures of parts; none means success.
        partial: True when the rest of the work succeeded (exit 3).
    """

    # Its lines were printed as they came: there is nothing more to print.
    streamed = False

    def __init__(
        self,
        data: dict[str, Any] | None = None,
        messages: list[Message] | None = None,
        errors: list[UsenetError] | None = None,
        *,
        partial: bool = False,
    ) -> None:
        self.data = data if data is not None else {}
        self.messages = messages if messages is not None else []
        self.errors = errors if errors is not None else []
        self.partial = partial

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def exit_code(self) -> int:
        """Return 0, 3 when only parts failed, else the first error's code."""
        if self.ok:
            return Exit.OK
        return Exit.PARTIAL if self.partial else self.errors[0].exit_code

    def info(self, text: str) -> None:
        """Add a remark."""
        self.messages.append(Message("info", text))

    def warn(self, text: str) -> None:
        """Add a warning."""
        self.messages.append(Message("warning", text))

    def as_envelope(self) -> dict[str, Any]:
        """Return the one JSON envelope of all commands."""
        return {
            "ok": self.ok,
            "data": self.data,
            "messages": [message._asdict() for message in self.messages],
            "errors": [error.as_dict() for error in self.errors],
        }
