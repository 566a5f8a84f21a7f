"""Where the drives of a pool and their media folders stand."""

from pathlib import Path

from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import MEDIA_TYPES, MediaType

# The one folder over all drives of a union, inside the pool.
UNION = "media"


def folder_names(stack: Stack) -> dict[MediaType, str]:
    """Return the folder of each media type, as stack.toml names it."""
    pool = stack.settings.pool
    return {kind: getattr(pool, kind) for kind in MEDIA_TYPES}


def reserved_names(stack: Stack) -> set[str]:
    """Return the names in the pool that no drive may have."""
    return {*folder_names(stack).values(), *MEDIA_TYPES, UNION}


def is_union(stack: Stack) -> bool:
    """Tell whether one folder shows all drives."""
    return stack.settings.pool.layout == "union"


def pool_folder(stack: Stack) -> Path:
    """Return the pool's parent folder on the host, without symlinks."""
    return stack.media_root.resolve()


def drive_place(stack: Stack, name: str) -> Path:
    """Return where a drive is mounted; a branch of the union, if any."""
    return pool_folder(stack) / name


def union_place(stack: Stack) -> Path:
    """Return where the union is mounted."""
    return pool_folder(stack) / UNION


def library_place(stack: Stack, name: str) -> Path:
    """Return the folder of the host that applications know a drive by."""
    return union_place(stack) if is_union(stack) else drive_place(stack, name)


def roots(stack: Stack, name: str) -> dict[MediaType, str]:
    """Return the media folders of a drive as the containers see them."""
    shown = UNION if is_union(stack) else name
    return {
        kind: f"{stack.media_inside}/{shown}/{folder}"
        for kind, folder in folder_names(stack).items()
    }


def same(one: object, other: str) -> bool:
    """Tell whether two paths are one, as the applications compare them."""
    return isinstance(one, str) and one.rstrip("/") == other.rstrip("/")
