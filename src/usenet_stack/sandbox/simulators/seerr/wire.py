"""Errors, moments, and how Seerr presents itself to Jellyfin."""

from __future__ import annotations

from datetime import UTC, datetime

from ..routing import Refusal, json_reply

VERSION = "3.1.0"


def now() -> str:
    """The present."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def fail(status: int, message: str) -> Refusal:
    """An error with a message."""
    return Refusal(json_reply({"message": message}, status))


def client(token: str = "") -> str:
    """The Authorization header for Jellyfin."""
    text = 'MediaBrowser Client="Seerr", Device="Seerr", DeviceId="seerr"'
    text += f', Version="{VERSION}"'
    return text + (f', Token="{token}"' if token else "")
