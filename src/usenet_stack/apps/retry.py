"""When a call is sent again, and after which pause."""

import random
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from usenet_stack.apps.message import Raw

# Busy, or a proxy before an application that starts. A plain 500 is an
# answer: the application tried and failed.
PASSING = (429, 502, 503, 504)


class Patience(NamedTuple):
    """How often, and how long to wait in between.

    Args:
        attempts: in all.
        first_seconds: the longest first pause; each later one is twice
            that.
        jitter: a number between 0 and 1, drawn for each pause, so that
            many clients do not come back at the same moment.
    """

    attempts: int = 3
    first_seconds: float = 0.1
    jitter: Callable[[], float] = random.random

    def pause(self, failures: int, asked: float | None) -> float:
        """Return the seconds to wait after so many failures.

        Args:
            asked: what the application asked for; never waited less.
        """
        longest = self.first_seconds * 2.0 ** (failures - 1)
        drawn = longest * (0.5 + self.jitter() / 2)
        return drawn if asked is None else max(asked, drawn)


def asked_pause(raw: Raw, now: float) -> float | None:
    """Return the seconds of Retry-After, if there is one.

    Args:
        now: seconds since 1970.
    """
    text = raw.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None
