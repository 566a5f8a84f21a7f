"""Errors, moments and password hashes as Jellyfin has them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from ..routing import Refusal, text_reply


def refused(status: int) -> Refusal:
    """An error: always the same text, the status says what happened."""
    return Refusal(text_reply("Error processing request.", status))


def now() -> str:
    """The present."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def hashed(password: str) -> str:
    """What is stored of a password."""
    salt = b"usenet-sandbox"
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 1000).hex()
