"""What may be seen of a key."""

from usenet_stack.stack.secrets import SecretValue

STARS = "********"
SHOWN = 4
# Of a shorter one the end would be too much of it.
LONG_ENOUGH = 24


def masked(value: SecretValue | None, *, password: bool = False) -> str:
    """Return stars, and of a long made-up key its last characters.

    Args:
        password: one that a person may have chosen, and types: stars only.
    """
    if not value:
        return ""
    text = value.reveal()
    if password or len(text) < LONG_ENOUGH:
        return STARS
    return f"{STARS}{text[-SHOWN:]}"
