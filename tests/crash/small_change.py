"""A command with a plan of three files, for the tests of `killing`."""

import sys
from pathlib import Path

from usenet_stack.transaction import Plan, Step, open_session
from usenet_stack.transaction.files import WriteFile

if __name__ == "__main__":
    stack = Path(sys.argv[1])
    steps = tuple(
        Step(WriteFile(stack / name, name), "a test") for name in "abc"
    )
    with open_session(stack, "change") as session:
        session.run(Plan("change", steps, sys.argv[2]))  # type: ignore[arg-type]
    print("changed")
