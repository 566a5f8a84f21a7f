"""The old and the new key while a rotation runs: two private files.

They stand in the journal's own folder (0700), which goes when the journal
ends; operations and journal know them by the name of the secret only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from usenet_stack.errors import UsenetError
from usenet_stack.stack.secrets import Secrets, SecretValue
from usenet_stack.transaction.durable import write_durably
from usenet_stack.transaction.operation import Context


def keep(context: Context, name: str, value: SecretValue) -> None:
    """Keep a value under a name; one that is kept already stays."""
    path = kept_path(context, name)
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(path, value.reveal().encode(), 0o600)


def kept(context: Context, name: str) -> SecretValue:
    """Return the value that is kept under a name.

    Raises:
        OSError: there is none.
    """
    return SecretValue(kept_path(context, name).read_bytes().decode())


def is_kept(context: Context, name: str) -> bool:
    """Tell whether something is kept under a name."""
    return kept_path(context, name).exists()


def forget(context: Context, name: str) -> None:
    """Remove what is kept under a name."""
    kept_path(context, name).unlink(missing_ok=True)


def kept_path(context: Context, name: str) -> Path:
    """Return the file of a name."""
    return context.keep_folder / f"secret-{name}"


@contextmanager
def veiled(context: Context, secret: str) -> Iterator[None]:
    """Take the old and the new value out of errors that leave the block.

    Applications like to repeat what they were sent.
    """
    try:
        yield
    except UsenetError as error:
        values = {
            name: kept(context, name)
            for name in (f"{secret}.old", f"{secret}.new")
            if is_kept(context, name)
        }
        hide = Secrets(values).masked
        error.why = hide(error.why)
        error.hint = hide(error.hint)
        error.message = hide(error.message)
        error.args = (error.message,)
        error.details = tuple(map(hide, error.details))
        raise
