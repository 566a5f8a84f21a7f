"""All operations of this room: a journal finds their kinds here."""

from usenet_stack.keys.changing import (
    ChangeEnvKey,
    ChangeFileKey,
    ChangeLiveKey,
)
from usenet_stack.keys.holder import TellHolder
from usenet_stack.keys.jellyfin_keys import DropJellyfinKey, MakeJellyfinKey

__all__ = [
    "ChangeEnvKey",
    "ChangeFileKey",
    "ChangeLiveKey",
    "DropJellyfinKey",
    "MakeJellyfinKey",
    "TellHolder",
]
