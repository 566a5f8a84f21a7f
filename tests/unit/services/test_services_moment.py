"""What --since means."""

import pytest

from usenet_stack.errors import UsenetError
from usenet_stack.services.logs import moment

NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("since", "meant"),
    [
        ("", None),
        ("90s", NOW - 90),
        ("10m", NOW - 600),
        ("1.5h", NOW - 5400),
        ("1d", NOW - 86400),
        ("2w", NOW - 1_209_600),
        ("1970-01-01T00:00:10+00:00", 10.0),
        ("1970-01-02T00:00:00Z", 86400.0),
    ],
)
def test_moment(since: str, meant: float | None) -> None:
    assert moment(since, NOW) == meant


@pytest.mark.parametrize("since", ["10", "tomorrow", "-5m", "2 h", "1y"])
def test_no_time(since: str) -> None:
    with pytest.raises(UsenetError) as caught:
        moment(since, NOW)
    assert caught.value.exit_code == 2 and since in caught.value.message
