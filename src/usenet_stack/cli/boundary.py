"""The error boundary: the one place where failures become output.

An expected failure is told as what, why and how to mend it; Ctrl-C and a
closed pipe end quietly; anything else is a bug and leaves a report file.
"""

import errno
import os
import sys
from collections.abc import Callable, Sequence

from usenet_stack.cli.output import Output
from usenet_stack.errors import UsenetError

# 128 + SIGPIPE, as a shell reports a program whose reader went away.
PIPE_CLOSED = 141


def guard(work: Callable[[], int], words: Sequence[str], output: Output) -> int:
    """Run `work` and turn whatever it raises into output and an exit code.

    Args:
        work: returns an exit code.
        words: the command line, for the report of a bug.
        output: where errors are told.
    """
    try:
        code = work()
        # A closed pipe or a full disk shows here, where it can be told.
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _drop_output()
        return PIPE_CLOSED
    except (UsenetError, KeyboardInterrupt, OSError) as failure:
        error = _expected(failure) or _report(failure, words)
    except Exception as bug:  # noqa: BLE001 - the boundary: see above
        error = _report(bug, words)
    return _tell(error, output)


def _tell(error: UsenetError, output: Output) -> int:
    from usenet_stack.result import Result

    try:
        output.finish(Result(errors=[error]), "")
    except OSError:
        _drop_output()
    return int(error.exit_code)


def _expected(failure: BaseException) -> UsenetError | None:
    if isinstance(failure, UsenetError):
        return failure
    if isinstance(failure, KeyboardInterrupt):
        return UsenetError("interrupted")
    return _system_error(failure) if isinstance(failure, OSError) else None


def _system_error(error: OSError) -> UsenetError | None:
    """The failures of a file system that are nobody's bug."""
    from pathlib import Path

    if isinstance(error.filename, str | bytes | os.PathLike):
        path = Path(os.fsdecode(error.filename))
    elif error.errno == errno.ENOSPC:
        path = Path("/dev/stdout")
        _drop_output()
    else:
        return None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UsenetError("disk.full", path=path, folder=path.parent)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        why = error.strerror or ""
        return UsenetError(
            "file.denied", why=why, path=path, folder=path.parent
        )
    return None


def _drop_output() -> None:
    # The interpreter flushes stdout once more when it ends, and would
    # complain that it cannot.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        pass  # stdout is no file of the system's: a test's, for example
    finally:
        os.close(nowhere)


def _report(bug: BaseException, words: Sequence[str]) -> UsenetError:
    from usenet_stack.cli.bug_report import write_report

    what = f"{type(bug).__name__} in `usenet {' '.join(words[:2])}`"
    report = write_report(bug, words)
    return UsenetError("bug", what=what, report=report)
