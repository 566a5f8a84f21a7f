"""The one JSON envelope that every command prints with --format json."""

from usenet_stack.result import Result


def envelope_text(result: Result) -> str:
    """Return a result as one JSON object on lines of its own."""
    import json
    import os

    return (
        json.dumps(
            result.as_envelope(),
            default=os.fspath,
            ensure_ascii=False,
            indent=2,
        )
        + "\n"
    )
