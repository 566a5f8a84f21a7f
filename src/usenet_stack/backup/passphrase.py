"""Passphrases for age, without ever holding a whole archive in memory.

The library encrypts to keys piece by piece, but to a passphrase only what is
in memory. In the age format only the header says who can open a file: so an
archive is encrypted to a key that is thrown away, and its header replaced by
one for the passphrase; and the other way round to decrypt it. The result is
what `age -p` writes and `age -d` reads.

Source: https://age-encryption.org/v1, "Header", "The X25519 recipient type",
"The scrypt recipient type".
"""

import base64
import hashlib
import hmac
import os
from contextvars import ContextVar
from typing import IO, Any, NamedTuple

INTRO = b"age-encryption.org/v1"
END = b"\n---"
LONGEST_HEADER = 64 * 1024
# 64 MiB and a third of a second; `age` itself takes 18 or 19.
WORK, MOST_WORK = 16, 20
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_SCRYPT, _X25519 = INTRO + b"/scrypt", INTRO + b"/X25519"

# What the user typed: never in a request, a plan or a journal.
TYPED: ContextVar[str] = ContextVar("passphrase", default="")


class Stanza(NamedTuple):
    """One way into a file: who can open it, and the wrapped key."""

    words: tuple[bytes, ...]
    body: bytes


def parse_header(head: bytes) -> list[Stanza]:
    """Return the ways into an age file.

    Raises:
        ValueError: it is no header.
    """
    lines = head.split(b"\n")
    if lines[0] != INTRO:
        raise ValueError("it does not begin as an age file does")
    found: list[Stanza] = []
    at = 1
    while lines[at].startswith(b"-> "):
        words = tuple(lines[at][3:].split(b" "))
        body, at = b"", at + 1
        while len(lines[at]) == 64:
            body, at = body + lines[at], at + 1
        found.append(Stanza(words, _decoded(body + lines[at])))
        at += 1
    if not (found and lines[at].startswith(b"---")):
        raise ValueError("its header is damaged")
    return found


def read_header(file: IO[bytes]) -> bytes:
    """Read an age file's header, its last line included.

    Raises:
        ValueError: there is none.
    """
    head = file.read(LONGEST_HEADER)
    end = _end(head)
    file.seek(end)
    return head[:end]


def _end(head: bytes) -> int:
    place = head.find(END)
    end = head.find(b"\n", place + 1) + 1
    if place < 0 or not end or not head.startswith(INTRO):
        raise ValueError("it does not begin as an age file does")
    return end


def wants_passphrase(head: bytes) -> bool:
    """Tell whether a passphrase opens a file."""
    return any(s.words[0] == b"scrypt" for s in parse_header(head))


# -- keys ----------------------------------------------------------------


def _decoded(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)


def _encoded(content: bytes) -> bytes:
    return base64.b64encode(content).rstrip(b"=")


def _derived(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 (RFC 5869) of one block."""
    key = hmac.digest(salt or bytes(32), secret, "sha256")
    return hmac.digest(key, info + b"\x01", "sha256")


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key)


def _scrypt(passphrase: str, salt: bytes, work: int) -> bytes:
    return hashlib.scrypt(
        passphrase.encode(),
        salt=_SCRYPT + salt,
        n=1 << work,
        r=8,
        p=1,
        maxmem=(129 << work) * 8,
        dklen=32,
    )


def _raw_secret(identity: str) -> bytes:
    """Return the 32 bytes in "AGE-SECRET-KEY-1..."."""
    digits = identity.strip().lower().rpartition("1")[2][:-6]
    number = 0
    for digit in digits:
        number = number << 5 | _BECH32.index(digit)
    return (number >> (len(digits) * 5 - 256)).to_bytes(32, "big")


def _shared(secret: bytes, share: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import x25519

    private = x25519.X25519PrivateKey.from_private_bytes(secret)
    return private.exchange(x25519.X25519PublicKey.from_public_bytes(share))


def _public(secret: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import x25519

    private = x25519.X25519PrivateKey.from_private_bytes(secret)
    return private.public_key().public_bytes_raw()


# -- headers -------------------------------------------------------------


def _header(stanza: Stanza, key: bytes) -> bytes:
    body = _encoded(stanza.body)
    head = INTRO + b"\n-> " + b" ".join(stanza.words) + b"\n" + body + END
    mac = hmac.digest(_derived(key, b"", b"header"), head, "sha256")
    return head + b" " + _encoded(mac) + b"\n"


def _to_passphrase(head: bytes, identity: str, passphrase: str) -> bytes:
    """Return the header by which a passphrase opens what `identity` does."""
    secret = _raw_secret(identity)
    (stanza,) = (s for s in parse_header(head) if s.words[0] == b"X25519")
    share = _decoded(stanza.words[1])
    salt = share + _public(secret)
    wrapping = _derived(_shared(secret, share), salt, _X25519)
    key: bytes = _cipher(wrapping).decrypt(bytes(12), stanza.body, None)
    salt = os.urandom(16)
    wrapped = _cipher(_scrypt(passphrase, salt, WORK)).encrypt(
        bytes(12), key, None
    )
    words = (b"scrypt", _encoded(salt), str(WORK).encode())
    return _header(Stanza(words, wrapped), key)


def to_identity(head: bytes, passphrase: str, identity: str) -> bytes:
    """Return the header by which `identity` opens what a passphrase does.

    Raises:
        ValueError: the header is damaged, or asks for too much memory.
        PermissionError: it is another passphrase.
    """
    from cryptography.exceptions import InvalidTag

    stanzas = parse_header(head)
    if len(stanzas) != 1 or len(stanzas[0].words) != 3:
        raise ValueError("its header is damaged")
    _, salt, work = stanzas[0].words
    if not work.isdigit() or not 0 < int(work) <= MOST_WORK:
        raise ValueError("its header asks for more work than is sound")
    wrapping = _scrypt(passphrase, _decoded(salt), int(work))
    try:
        key = _cipher(wrapping).decrypt(bytes(12), stanzas[0].body, None)
    except InvalidTag:
        raise PermissionError from None
    # The old header is as bound to the key as the new one will be.
    place = head.find(END) + len(END)
    mac = hmac.digest(_derived(key, b"", b"header"), head[:place], "sha256")
    if head[place:].strip() != _encoded(mac):
        raise ValueError("its header is damaged")
    public = _public(_raw_secret(identity))
    own = os.urandom(32)
    share = _public(own)
    wrapping = _derived(_shared(own, public), share + public, _X25519)
    wrapped = _cipher(wrapping).encrypt(bytes(12), key, None)
    return _header(Stanza((b"X25519", _encoded(share)), wrapped), key)


class HeaderSwap:
    """A file that gets an age stream, with its header replaced.

    Args:
        identity: opens what is written.
    """

    def __init__(self, file: Any, identity: str, passphrase: str) -> None:
        self._file = file
        self._identity = identity
        self._passphrase = passphrase
        self._head: bytes | None = b""

    def write(self, content: bytes) -> int:
        if self._head is None:
            self._file.write(content)
            return len(content)
        self._head += content
        place = self._head.find(END)
        end = self._head.find(b"\n", place + 1) + 1
        if place >= 0 and end:
            head, rest = self._head[:end], self._head[end:]
            self._head = None
            new = _to_passphrase(head, self._identity, self._passphrase)
            self._file.write(new + rest)
        return len(content)

    def flush(self) -> None:
        self._file.flush()


class Fronted:
    """A file that is read with another header in front."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head = head
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if self._head:
            piece = self._head if size < 0 else self._head[:size]
            self._head = self._head[len(piece) :]
            return piece
        return self._file.read(size)
