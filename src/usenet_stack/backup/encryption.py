"""Encryption with age: only who has the identity reads a backup.

Source: the age format, https://age-encryption.org/v1. The library is an
extra of this package; see docs/decisions/0012-backup-archives.md.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from usenet_stack.backup.passphrase import (
    TYPED,
    Fronted,
    HeaderSwap,
    read_header,
    to_identity,
    wants_passphrase,
)
from usenet_stack.errors import UsenetError
from usenet_stack.transaction.executor import typed

SHORTEST = 8


def _library() -> Any:
    try:
        import cryptography  # noqa: F401  (passphrases need it)
        import pyrage  # type: ignore[import-untyped,unused-ignore]
    except ImportError as problem:
        raise UsenetError("backup.no-age") from problem
    return pyrage


def check_recipients(recipients: Sequence[str], passphrase: str = "") -> None:
    """Check that age can encrypt to these, or to a passphrase.

    Raises:
        UsenetError: backup.no-age, backup.no-recipient, backup.recipient,
            backup.passphrase.
    """
    if not (recipients or passphrase):
        raise UsenetError("backup.no-recipient")
    if passphrase and len(passphrase) < SHORTEST:
        why = f"It has fewer than {SHORTEST} characters."
        raise UsenetError("backup.passphrase", why=why)
    _library()
    _recipients(recipients)


def passphrase_in(path: Path) -> str:
    """Return the passphrase in a file: its first line.

    Raises:
        UsenetError: backup.passphrase: it cannot be read, or is empty.
    """
    try:
        text = path.read_text("utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as problem:
        # The reason could quote it.
        why = f"{path} cannot be read ({type(problem).__name__})."
        raise UsenetError("backup.passphrase", why=why) from None
    if not text:
        why = f"The first line of {path} is empty."
        raise UsenetError("backup.passphrase", why=why)
    return text


def _recipients(texts: Sequence[str]) -> list[Any]:
    age = _library()
    found = []
    for text in texts:
        kind = age.ssh if text.startswith("ssh-") else age.x25519
        try:
            found.append(kind.Recipient.from_str(text))
        except age.RecipientError as problem:
            raise UsenetError(
                "backup.recipient", recipient=text, why=f"{problem}."
            ) from problem
    return found


class _Hashed:
    """A file that is written to and hashed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()


def encrypt(
    source: IO[bytes],
    target: IO[bytes],
    to: Sequence[str],
    passphrase: str = "",
) -> str:
    """Encrypt what is read; return the SHA-256 of what was written.

    Args:
        to: public keys; not looked at where there is a passphrase.

    Raises:
        UsenetError: as `check_recipients`.
        OSError: reading or writing failed.
    """
    hashed = _Hashed(target)
    age = _library()
    out: Any = hashed
    recipients = _recipients(to)
    if passphrase:
        thrown_away = age.x25519.Identity.generate()
        recipients = [thrown_away.to_public()]
        out = HeaderSwap(hashed, str(thrown_away), passphrase)
    try:
        age.encrypt_io(source, out, recipients)
    except age.EncryptError as problem:
        raise OSError(5, f"age: {problem}") from problem
    return hashed.digest.hexdigest()


@contextmanager
def decrypted(
    archive: Path, identity: Path | None, folder: Path
) -> Iterator[Path]:
    """Hand out a private plain copy of an encrypted archive.

    Args:
        identity: a file with age identities, or with the passphrase. Without
            one, what the user typed counts.
        folder: where the copy may lie; it is gone at the end.

    Raises:
        UsenetError: backup.no-age, backup.locked-up: no identity was given,
            or none of them fits; backup.damaged.
    """
    import tempfile

    age = _library()
    # It holds the keys of all services: without a name no crash leaves it.
    with tempfile.TemporaryFile(dir=folder) as target:
        with archive.open("rb") as file:
            source, keys = _opened(archive, file, identity)
            try:
                age.decrypt_io(source, target, keys)
                target.flush()
            except age.DecryptError as problem:
                raise _refused(archive, str(problem)) from problem
            except OSError as problem:
                if problem.errno is not None:
                    raise typed(problem) from problem
                raise _refused(archive, str(problem)) from problem
        yield Path(f"/proc/self/fd/{target.fileno()}")


def _opened(
    archive: Path, file: IO[bytes], identity: Path | None
) -> tuple[Any, list[Any]]:
    """Return what is to be decrypted, and the identities that open it."""
    try:
        head = read_header(file)
        asks = wants_passphrase(head)
    except ValueError as problem:
        raise _refused(archive, str(problem)) from problem
    if not asks:
        file.seek(0)
        return file, _identities(archive, identity)
    passphrase = passphrase_in(identity) if identity else TYPED.get()
    if not passphrase:
        why = "A passphrase opens it: it can stand in that file."
        raise UsenetError("backup.locked-up", path=archive, why=why)
    own = _library().x25519.Identity.generate()
    try:
        head = to_identity(head, passphrase, str(own))
    except PermissionError:
        why = "It is another passphrase."
        raise UsenetError("backup.locked-up", path=archive, why=why) from None
    except ValueError as problem:
        raise _refused(archive, str(problem)) from problem
    return Fronted(head, file), [own]


def asks_for_passphrase(archive: Path) -> bool:
    """Tell whether a passphrase opens an archive."""
    try:
        with archive.open("rb") as file:
            return wants_passphrase(read_header(file))
    except (OSError, ValueError):
        return False


def _refused(archive: Path, why: str) -> UsenetError:
    if "No matching keys" in why:
        why = "none of the identities fits."
        return UsenetError("backup.locked-up", path=archive, why=why)
    return UsenetError("backup.damaged", path=archive, why=f"age: {why}.")


def _identities(archive: Path, identity: Path | None) -> list[Any]:
    if identity is None:
        raise UsenetError("backup.locked-up", path=archive)
    age = _library()
    try:
        text = identity.read_text()
        lines = [line.strip() for line in text.splitlines()]
        if "PRIVATE KEY-----" in text:
            return [age.ssh.Identity.from_buffer(text.encode())]
        keys = [line for line in lines if line and not line.startswith("#")]
        return [age.x25519.Identity.from_str(key) for key in keys]
    except (OSError, UnicodeDecodeError, age.IdentityError) as problem:
        # The reason could quote the key.
        raise UsenetError(
            "backup.locked-up",
            path=archive,
            why=f"{identity} holds no identity that can be read.",
        ) from problem
