"""`usenet version`."""

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Command
from usenet_stack.result import Result


def version(call: Call) -> Result:
    """Return the program's version."""
    from usenet_stack import __version__

    program = f"usenet {__version__}"
    return Result({"program": program, "version": __version__})


COMMAND = Command(
    path="version",
    summary="Print the version",
    run=version,
    show="text:program",
    description="Prints the version of this program, as --version does.",
    examples=(
        ("usenet version", "Prints one line."),
        ("usenet version --format json", "Prints it for a program to read."),
    ),
    see_also=("help", "validate"),
)
