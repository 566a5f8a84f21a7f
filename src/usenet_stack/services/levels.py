"""How serious a log line is, in the forms that the applications write."""

import re
from collections.abc import Callable

from usenet_stack.services.logs import LogLine

LEVELS = ("debug", "info", "warning", "error")
# Further on a word like ERROR is part of what a line tells.
HEAD = 120
# A line without a level belongs to the line before it when it comes so
# soon after: a stack trace, a message of several lines.
TOGETHER_SECONDS = 1.0

_RANKS = {
    "debug": "trace trc verbose vrb silly debug dbg dbug",
    "info": "info inf information notice",
    "warning": "warning warn wrn",
    "error": "error err fatal ftl critical crit crt severe panic emerg "
    "emergency alert",
}
_RANK = {
    word: LEVELS.index(level)
    for level, words in _RANKS.items()
    for word in words.split()
}
_WORDS = "|".join(sorted(_RANK, key=len, reverse=True))
# pino and bunyan write numbers.
_NUMBERS = ((50, 3), (40, 2), (30, 1), (0, 0))

_JSON = re.compile(
    r'"(?:level|severity|lvl|levelname|log\.level)"\s*:\s*"?(\w+)"?'
)
_LOGFMT = re.compile(r'(?:^|\s)(?:level|lvl|severity)="?(\w+)"?')
_TIME = (
    r"[\[(]?\d{2,4}[-/.:]\d{2}[-/.:]\d{2,4}(?:[T ,]*\d{1,2}:\d{2}(?::\d{2})?"
    r"\s?(?:AM|PM)?)?(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?[\])]?"
)
_STAMPED = re.compile(rf"\s*{_TIME}")
# [Error], <error>, |ERROR   |
_ENCLOSED = re.compile(rf"[\[<|]\s*({_WORDS})\s*[\]>|]", re.IGNORECASE)
# ERROR, as a word of its own in capitals, also ::ERROR::
_CAPITALS = re.compile(rf"(?<![\w./-])({_WORDS.upper()})(?![\w./-])")
# error: text; s6-rc: fatal: text; program[12]: warning: text; after a time
# the mere word.
_LABEL = re.compile(
    rf"\s*(?:[\w./\[\]-]+:\s+)?({_WORDS}):(?:\s|$)", re.IGNORECASE
)
_AFTER_TIME = re.compile(
    rf"\s*{_TIME}[\s|:-]*({_WORDS})(?![\w./])", re.IGNORECASE
)
# What no level stands on, and yet is an error.
_OUTRIGHT = re.compile(
    r"\s*(?:Traceback \(most recent call last\)|panic:|Unhandled exception"
    r"|(?:\w+\.)*\w+(?:Error|Exception)\b[:(])",
)


def level_of(text: str) -> int | None:
    """Return the place in LEVELS of a line's own level, None without one.

    It knows the forms of the *arr family, SABnzbd, Jellyfin, Transmission,
    Python's logging, zerolog, logfmt (supercronic), JSON and s6.
    """
    head = text[:HEAD]
    if head.lstrip().startswith("{") and (found := _JSON.search(text)):
        return _rank(found[1])
    if found := _LOGFMT.search(head):
        return _rank(found[1])
    forms = (
        _ENCLOSED.search(head),
        _CAPITALS.search(head),
        _AFTER_TIME.match(head),
        _LABEL.match(head),
    )
    # The first one: what stands further on is told by the line.
    marks = [form for form in forms if form]
    if marks:
        first = min(marks, key=lambda mark: mark.start(1))
        return _RANK[first[1].lower()]
    return LEVELS.index("error") if _OUTRIGHT.match(head) else None


def _rank(word: str) -> int | None:
    if word.isdigit():
        number = int(word)
        return next(rank for least, rank in _NUMBERS if number >= least)
    return _RANK.get(word.lower())


class AtLeast:
    """Tells which lines of one service are at a level or above.

    Lines are to be shown to it in order, each once.

    Args:
        level: one of LEVELS.
        seconds: reads the time of a line.
    """

    def __init__(self, level: str, seconds: Callable[[str], float]) -> None:
        self._least = LEVELS.index(level)
        self._seconds = seconds
        self._before: dict[str, tuple[int, str]] = {}

    def __call__(self, line: LogLine) -> bool:
        rank = level_of(line.text)
        if rank is None:
            rank = self._inherited(line)
        self._before[line.stream] = (rank, line.time)
        return rank >= self._least

    def _inherited(self, line: LogLine) -> int:
        info = LEVELS.index("info")
        rank, time = self._before.get(line.stream, (info, ""))
        if rank <= info or _STAMPED.match(line.text):
            return info
        passed = self._seconds(line.time) - self._seconds(time)
        return rank if passed < TOGETHER_SECONDS else info
