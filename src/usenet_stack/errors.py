"""The error tree: one table drives message, hint, exit code, JSON and docs.

Every error that a user can meet has one row in `ERRORS`. Code raises
`UsenetError(code, **facts)`; the front door alone prints it.
"""

from enum import IntEnum
from typing import Any, NamedTuple


class Exit(IntEnum):
    """Exit codes of the program, as documented in docs/reference/errors.md."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    PARTIAL = 3
    NO_STACK = 10
    LOCKED = 11
    AUTH = 12
    ROLLED_BACK = 13
    ROLLBACK_FAILED = 14
    BUG = 70
    INTERRUPTED = 130


class ErrorKind(NamedTuple):
    """One row of the table: exit code, message and hint templates."""

    exit: Exit
    message: str
    hint: str


ERRORS: dict[str, ErrorKind] = {
    # -- the front door ---------------------------------------------------
    "usage": ErrorKind(Exit.USAGE, "{message}", "{hint}"),
    "cancelled": ErrorKind(
        Exit.FAILURE,
        "Nothing was changed: {what} needs a yes.",
        "Run it again with --yes, or answer y.",
    ),
    "interrupted": ErrorKind(
        Exit.INTERRUPTED,
        "Interrupted.",
        "Run the same command again: it continues from here.",
    ),
    "bug": ErrorKind(
        Exit.BUG,
        "This is a bug in usenet: {what}",
        "Please report it with the file {report} (it holds no secrets).",
    ),
    # -- the stack --------------------------------------------------------
    "stack.not-found": ErrorKind(
        Exit.NO_STACK,
        "There is no stack here.",
        "usenet deploy --sandbox --yes   (to try it out), or: usenet deploy",
    ),
    # -- transactions -----------------------------------------------------
    "lock.held": ErrorKind(
        Exit.LOCKED,
        "Another usenet command is changing this stack ({holder}).",
        "Wait until it ends, then run the command again.",
    ),
    "transaction.rolled-back": ErrorKind(
        Exit.ROLLED_BACK,
        "{step} failed; everything was put back as it was.",
        "{hint}",
    ),
    "transaction.rollback-failed": ErrorKind(
        Exit.ROLLBACK_FAILED,
        "{step} failed, and not everything could be put back.",
        "Do by hand, in this order: {manual}; then: "
        "usenet journal recover {journal}",
    ),
    "transaction.unverified": ErrorKind(
        Exit.FAILURE,
        "{step} reported success, but its result is not there.",
        "usenet validate",
    ),
    "journal.corrupt": ErrorKind(
        Exit.FAILURE,
        "The journal {path} is damaged at record {record}.",
        "usenet journal show {journal}   (then mend by hand what it lists)",
    ),
    "journal.unknown": ErrorKind(
        Exit.FAILURE,
        "There is no journal entry {journal}.",
        "usenet journal list",
    ),
    "disk.full": ErrorKind(
        Exit.FAILURE,
        "No space is left for {path}.",
        "Free some space, then run the command again: df -h {folder}",
    ),
    "file.failed": ErrorKind(
        Exit.FAILURE,
        "Could not write {path}.",
        "ls -ld {folder}   (then mend what it shows, and run it again)",
    ),
    "file.denied": ErrorKind(
        Exit.FAILURE,
        "No permission for {path}.",
        "sudo chown -R $(id -u):$(id -g) {folder}",
    ),
}


class UsenetError(Exception):
    """An expected failure, told to the user as what, why and how to mend it.

    Args:
        code: a key of `ERRORS`.
        why: the underlying cause, one sentence, or "".
        details: further lines to show (log lines, manual steps).
        facts: values for the templates of message and hint.
    """

    def __init__(
        self,
        code: str,
        /,
        *,
        why: str = "",
        details: tuple[str, ...] = (),
        **facts: object,
    ) -> None:
        kind = ERRORS[code]
        self.code = code
        self.why = why
        self.details = details
        self.facts = facts
        self.exit_code = kind.exit
        self.message = kind.message.format_map(facts)
        self.hint = kind.hint.format_map(facts)
        super().__init__(self.message)

    def as_dict(self) -> dict[str, Any]:
        """Return the error as it stands in the JSON envelope."""
        found: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "why": self.why,
            "hint": self.hint,
            "exit_code": int(self.exit_code),
        }
        if self.details:
            found["details"] = list(self.details)
        return found
