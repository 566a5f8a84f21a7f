"""Strike a command at every one of its calls, and its recovery as well.

    for number in struck_runs(cli, there, words, torn=check):
        ...                     # what a crash left is settled: assert

See `striking.py` for what counts as a call.
"""

from collections.abc import Callable, Iterator
from itertools import count

from striking import Struck, run_struck

from cli_process import Cli

# A recovery that has fewer calls runs to its end.
RECOVERY_CALLS = 24


def struck_runs(
    cli: Cli,
    there: str,
    words: list[str],
    *,
    after: bool = False,
    torn: Callable[[Struck], None] = lambda found: None,
    ready: Callable[[], None] = lambda: None,
) -> Iterator[int]:
    """Yield the number of each call, once what its kill left is settled.

    The last run meets no kill: it has ended well when the loop ends.

    Args:
        there: "--stack=FOLDER".
        words: the command.
        after: right after each call, else right before it.
        torn: looks at what a kill left, before anything recovers.
        ready: prepares each run.
    """
    env = cli.environment()
    recover = ["journal", "recover", there]
    for number in count(1):
        ready()
        found = run_struck([*words, there], at=number, after=after, env=env)
        if not found.killed:
            assert found.code == 0, found
            return
        torn(found)
        # Each time recovery is struck one call later than the last time.
        place = 1 + number % RECOVERY_CALLS
        run_struck(recover, at=place, after=after, env=env)
        recovered = cli(*recover)
        assert recovered.rc == 0, (number, found, recovered)
        yield number
