"""The last lines of a log that speak of something that went wrong."""

import re
from collections.abc import Iterable

from usenet_stack.docker.engine import Engine
from usenet_stack.docker.streams import LogLine

READ_LINES = 400
MOST = 5
LONGEST = 400
# The words of the loggers that the applications use, as words of their own.
_TROUBLE = re.compile(
    r"\b(error|err|fatal|ftl|critical|crit|panic|emerg|exception|traceback)\b"
    r"|(?-i:\b\w+(Error|Exception)\b)",
    re.IGNORECASE,
)
_NONE = re.compile(r"\b(no|0|without) (error|exception)s?\b", re.IGNORECASE)

Line = dict[str, str]


def last_troubles(
    engine: Engine, container: str, most: int = MOST
) -> list[Line]:
    """Return the last error lines of a container's log, oldest first.

    Raises:
        UsenetError: the Engine does not answer.
    """
    return troubles_in(engine.logs(container, tail=READ_LINES), most)


def last_lines(engine: Engine, container: str, most: int) -> list[Line]:
    """Return the last lines of a container's log, whatever they say."""
    return [_line(line) for line in engine.logs(container, tail=most)]


def troubles_in(lines: Iterable[LogLine], most: int = MOST) -> list[Line]:
    """Return the last of the lines that speak of an error."""
    found = [_line(line) for line in lines if speaks_of_trouble(line.text)]
    return found[-most:]


def speaks_of_trouble(text: str) -> bool:
    """Tell whether a line of a log is about something that went wrong."""
    return bool(_TROUBLE.search(_NONE.sub("", text)))


def _line(line: LogLine) -> Line:
    return {"time": line.time, "text": line.text[:LONGEST]}
