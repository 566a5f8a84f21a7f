"""Styles for output that must be quick: rich alone would cost more."""

CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "bold red": "1;31",
}


def paint(text: str, style: str, colour: bool = True) -> str:
    """Return text in a style of `CODES`; "" is none."""
    if not (colour and style and text):
        return text
    return f"\033[{CODES[style]}m{text}\033[0m"
