"""The secrets of a stack: made once, kept in `.env`, never shown."""

import base64
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from usenet_stack.errors import UsenetError
from usenet_stack.stack import dotenv
from usenet_stack.stack.atomic import write_text
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Secret

ENV_FILE = ".env"
_MASK = "********"
_HEADING = """\
# Secrets of this stack: made by usenet, read by Compose. Keep it to
# yourself. Lines that you add or change here are kept.
"""


class SecretValue:
    """A text that shows itself only when asked: `reveal()`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself, for a file or a request header."""
        return self._text

    def __repr__(self) -> str:
        return _MASK

    __str__ = __repr__

    def __format__(self, how: str) -> str:
        return format(_MASK, how)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretValue):
            return NotImplemented
        return secrets.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be stored")


class Secrets(Mapping[str, SecretValue]):
    """Secrets by name; its repr shows the names only."""

    def __init__(self, values: Mapping[str, SecretValue]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> SecretValue:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values))})"

    def having(self, name: str, value: SecretValue) -> "Secrets":
        """Return these secrets with one of them replaced or added."""
        return Secrets({**self._values, name: value})

    def masked(self, text: str) -> str:
        """Return `text` with every secret in it replaced by stars."""
        for value in self._values.values():
            if len(value.reveal()) >= 8:
                text = text.replace(value.reveal(), _MASK)
        return text


class EnvChange(NamedTuple):
    """What `.env` needs.

    Args:
        text: its new content; not for the journal or a plan.
        added: names of the secrets that were made.
        wanting: those that only the user can give.
    """

    text: SecretValue
    added: tuple[str, ...]
    wanting: tuple[Secret, ...]


def required_secrets(stack: Stack) -> tuple[Secret, ...]:
    """Return the secrets of all services that are on, each name once."""
    found: dict[str, Secret] = {}
    for service in stack.services:
        for secret in service.secrets:
            found.setdefault(secret.name, secret)
    return tuple(found.values())


def read_env_text(folder: Path) -> str:
    """Return the text of a stack's `.env`, "" when there is none.

    Raises:
        UsenetError: file.denied, env.invalid.
    """
    path = folder / ENV_FILE
    try:
        # Not `read_text`: it would change the line endings.
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as why:
        raise UsenetError("env.invalid", path=path, line=1) from why
    except PermissionError as why:
        raise UsenetError(
            "file.denied", path=path, folder=folder, why=str(why)
        ) from why


def read_env(folder: Path) -> Secrets:
    """Return what the stack's `.env` holds.

    Raises:
        UsenetError: file.denied, env.invalid.
    """
    return parse_env(read_env_text(folder), folder / ENV_FILE)


def parse_env(text: str, path: Path = Path(ENV_FILE)) -> Secrets:
    """Return the settings in `text`; `path` is only named in errors.

    Raises:
        UsenetError: env.invalid with the line, never its content.
    """
    try:
        entries = list(dotenv.parse(text))
    except dotenv.Unreadable as why:
        raise UsenetError("env.invalid", path=path, line=why.line) from None
    return Secrets({e.name: SecretValue(e.value) for e in entries})


def missing_secrets(stack: Stack, env: Secrets) -> tuple[Secret, ...]:
    """Return the required secrets that `.env` has not, or has empty."""
    return tuple(s for s in required_secrets(stack) if not env.get(s.name))


def generate(secret: Secret) -> SecretValue:
    """Make a new value of the form that the application wants.

    Raises:
        ValueError: it is one that only the user can give.
    """
    if secret.kind == "hex32":
        return SecretValue(secrets.token_hex(16))
    if secret.kind == "password":
        return SecretValue(_password(24))
    if secret.kind == "tapi":
        return SecretValue(f"tapi_{_password(24)}")
    if secret.kind == "base64":
        return SecretValue(base64.b64encode(secrets.token_bytes(33)).decode())
    raise ValueError(f"{secret.name} cannot be made up")


def _password(length: int) -> str:
    # Without 0/O and 1/l/I: people copy these from one screen to another.
    letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(secrets.choice(letters) for _ in range(length))


def complete_env(
    text: str, stack: Stack, path: Path | None = None
) -> EnvChange:
    """Add what is missing to the text of `.env`.

    Every line that is there stays as it is, in its order. An empty line of
    a required name counts as missing: the value added below it wins.
    """
    env = parse_env(text, path or stack.env_path)
    missing = missing_secrets(stack, env)
    made = [secret for secret in missing if secret.kind != "given"]
    wanting = tuple(s for s in missing if s.kind == "given" and not s.optional)
    if not made:
        return EnvChange(SecretValue(text), (), wanting)
    lines = text or _HEADING
    if not lines.endswith("\n"):
        lines += "\n"
    for secret in made:
        lines += f"{secret.name}={dotenv.quote(generate(secret).reveal())}\n"
    names = tuple(secret.name for secret in made)
    return EnvChange(SecretValue(lines), names, wanting)


def set_in_env(text: str, name: str, value: SecretValue) -> SecretValue:
    """Return the text of `.env` with one value replaced or added.

    All else stays byte for byte, comments and line endings included.

    Raises:
        UsenetError: env.invalid with the line, never its content.
    """
    try:
        new = dotenv.replaced(text, name, value.reveal())
    except dotenv.Unreadable as why:
        raise UsenetError("env.invalid", path=ENV_FILE, line=why.line) from None
    if new is None:
        new = text or _HEADING
        new += "" if new.endswith("\n") else "\n"
        new += f"{name}={dotenv.quote(value.reveal())}\n"
    return SecretValue(new)


def write_env(folder: Path, text: SecretValue) -> None:
    """Write a stack's `.env`, readable by its owner only.

    Raises:
        UsenetError: file.denied, disk.full.
    """
    write_text(folder / ENV_FILE, text.reveal(), 0o600)
