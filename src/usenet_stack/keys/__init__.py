"""The keys room: what keys there are, who holds them, and new ones.

Its modules are imported when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usenet_stack.keys.keyfile import (
        read_element,
        read_text,
        replace_element,
        rewrite,
    )
    from usenet_stack.keys.listing import list_keys
    from usenet_stack.keys.rewiring import refusals, rewire
    from usenet_stack.keys.rotating import plan_rotations, rotate
    from usenet_stack.keys.showing import show_key

__all__ = [
    "list_keys",
    "plan_rotations",
    "read_element",
    "read_text",
    "refusals",
    "replace_element",
    "rewire",
    "rewrite",
    "rotate",
    "show_key",
]

_MODULES = {
    "list_keys": "listing",
    "plan_rotations": "rotating",
    "read_element": "keyfile",
    "read_text": "keyfile",
    "refusals": "rewiring",
    "replace_element": "keyfile",
    "rewire": "rewiring",
    "rewrite": "keyfile",
    "rotate": "rotating",
    "show_key": "showing",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"{__name__} has no {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
