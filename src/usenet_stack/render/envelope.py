"""The one JSON envelope that every command prints with --format json."""

from usenet_stack.result import Result


def envelope_text(result: Result, *, folded: bool) -> str:
    """Return a result as one JSON object, its line ended.

    Args:
        folded: over many lines, for a person to read. One line is much
            quicker to write.
    """
    import json
    import os

    text = json.dumps(
        result.as_envelope(),
        default=os.fspath,
        ensure_ascii=False,
        indent=2 if folded else None,
    )
    return f"{text}\n"
