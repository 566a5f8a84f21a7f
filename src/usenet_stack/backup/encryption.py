"""Encryption with age: only who has the identity reads a backup.

Source: the age format, https://age-encryption.org/v1. The library is an
extra of this package; see docs/decisions/0012-backup-archives.md.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from usenet_stack.errors import UsenetError
from usenet_stack.transaction.executor import typed


def _library() -> Any:
    try:
        import pyrage  # type: ignore[import-untyped,unused-ignore]
    except ImportError as problem:
        raise UsenetError("backup.no-age") from problem
    return pyrage


def check_recipients(recipients: Sequence[str]) -> None:
    """Check that age can encrypt to these.

    Raises:
        UsenetError: backup.no-age, backup.no-recipient, backup.recipient.
    """
    if not recipients:
        raise UsenetError("backup.no-recipient")
    _recipients(recipients)


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


def encrypt(source: IO[bytes], target: IO[bytes], to: Sequence[str]) -> str:
    """Encrypt what is read; return the SHA-256 of what was written.

    Raises:
        UsenetError: as `check_recipients`.
        OSError: reading or writing failed.
    """
    hashed = _Hashed(target)
    recipients = _recipients(to)
    age = _library()
    try:
        age.encrypt_io(source, hashed, recipients)
    except age.EncryptError as problem:
        raise OSError(5, f"age: {problem}") from problem
    return hashed.digest.hexdigest()


@contextmanager
def decrypted(
    archive: Path, identity: Path | None, folder: Path
) -> Iterator[Path]:
    """Hand out a private plain copy of an encrypted archive.

    Args:
        identity: a file with age identities.
        folder: where the copy may lie; it is removed at the end.

    Raises:
        UsenetError: backup.no-age, backup.locked-up: no identity was given,
            or none of them fits; backup.damaged.
    """
    import tempfile

    age = _library()
    keys = _identities(archive, identity)
    with tempfile.TemporaryDirectory(prefix=".usenet-", dir=folder) as place:
        plain = Path(place, archive.name.removesuffix(".age"))
        with archive.open("rb") as source, plain.open("wb") as target:
            try:
                age.decrypt_io(source, target, keys)
            except age.DecryptError as problem:
                raise _refused(archive, str(problem)) from problem
            except OSError as problem:
                if problem.errno is not None:
                    raise typed(problem) from problem
                raise _refused(archive, str(problem)) from problem
        yield plain


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
