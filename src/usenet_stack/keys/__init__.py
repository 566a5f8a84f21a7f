"""The keys room: what keys there are, who holds them, and new ones.

Its modules are imported when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usenet_stack.keys.listing import list_keys
    from usenet_stack.keys.rotating import plan_rotations, rotate
    from usenet_stack.keys.showing import show_key

__all__ = ["list_keys", "plan_rotations", "rotate", "show_key"]

_MODULES = {
    "list_keys": "listing",
    "plan_rotations": "rotating",
    "rotate": "rotating",
    "show_key": "showing",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"{__name__} has no {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
