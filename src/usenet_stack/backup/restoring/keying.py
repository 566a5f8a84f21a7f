"""Give restored settings the keys that the stack uses now.

The others of the stack reach an application with the key in `.env`. A backup
from before a rotation, or from another machine, holds another one: in the
application's own settings, and in those of the others that hold it. What
stands in databases is told through the applications (`keys.rewire`).
"""

from collections.abc import Iterator
from pathlib import Path

from usenet_stack.backup.restoring.staging import scope_of
from usenet_stack.keys import read_element, read_text, replace_element, rewrite
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets, read_env
from usenet_stack.stack.service import Service

LARGEST = 4 * 1024 * 1024
# A shorter one could be a word of the settings themselves.
SHORTEST = 12


def stale_secrets(mine: Secrets, theirs: Secrets) -> list[str]:
    """Return the names of those of which a backup knows another value."""
    return [name for name, was in theirs.items() if mine.get(name, was) != was]


def changed_secrets(mine: Secrets, theirs: Secrets) -> dict[str, str]:
    """Return what the secrets of a backup are now, by the old value."""
    return {
        theirs[name].reveal(): mine[name].reveal()
        for name in stale_secrets(mine, theirs)
        if len(theirs[name].reveal()) >= SHORTEST
    }


def rekey(
    stack: Stack, service: Service, top: Path, changed: dict[str, str]
) -> Iterator[str]:
    """Put the stack's keys into the restored settings of a service.

    Args:
        top: the folder that is to be the service's.
        changed: of `changed_secrets`.

    Yields: what was changed, for a person; never a key.
    Raises:
        OSError: a file cannot be read or written.
    """
    scope = scope_of("minimal", service, "")
    count = 0
    for path in sorted(top.rglob("*")) if changed else ():
        below = f"/{path.relative_to(top)}"
        if scope.covers(below) and not path.is_symlink() and path.is_file():
            count += _replace(path, changed)
    if count:
        yield f"{service.name}: keys of others in its settings, as in .env"
    if _own_key(stack, service, top):
        yield f"{service.name}: its own key, as in .env"


def _replace(path: Path, changed: dict[str, str]) -> bool:
    if path.stat().st_size > LARGEST:
        return False
    text = was = read_text(path)
    for old, new in changed.items():
        text = text.replace(old, new)
    if text != was:
        rewrite(path, text)
    return text != was


def _own_key(stack: Stack, service: Service, top: Path) -> bool:
    key = service.key
    path = top / key.file
    if key.where not in ("env", "file") or not key.element:
        return False
    secret = read_env(stack.folder).get(key.secret)
    if secret is None or not path.is_file():
        return False
    if path.resolve() != top.resolve() / key.file:
        return False  # a link leads to it, wherever it is
    text = read_text(path)
    found = read_element(text, key.format, key.element)
    if found in (None, secret.reveal()):
        return False
    try:
        text = replace_element(text, key.format, key.element, secret.reveal())
    except ValueError:
        return False
    rewrite(path, text)
    return True
