"""What the Engine tells while it pulls an image."""

from collections.abc import Callable, Iterable
from typing import Any

from usenet_stack.errors import UsenetError


def split_reference(reference: str) -> tuple[str, str]:
    """Return name and tag (or digest) of an image; no tag is "latest"."""
    name, at, digest = reference.partition("@")
    if at:
        last = name.rpartition("/")[2]
        if ":" in last:
            name = name.rpartition(":")[0]
        return name, digest
    head, colon, tag = reference.rpartition(":")
    # The colon of `localhost:5000/name` belongs to the port.
    if not colon or "/" in tag:
        return reference, "latest"
    return head, tag


class Pulled:
    """Adds up the bytes of an image's layers.

    Args:
        on_progress: called with the bytes that came, and of how many.
    """

    def __init__(self, on_progress: Callable[[int, int], None]) -> None:
        self._report = on_progress
        self._layers: dict[str, tuple[int, int]] = {}

    def take(self, line: dict[str, Any]) -> None:
        """Take one line of the stream."""
        layer, status = str(line.get("id", "")), line.get("status")
        detail = line.get("progressDetail") or {}
        total = int(detail.get("total") or 0)
        if status == "Downloading" and total:
            self._layers[layer] = (int(detail.get("current") or 0), total)
        elif status == "Download complete" and layer in self._layers:
            total = self._layers[layer][1]
            self._layers[layer] = (total, total)
        else:
            return
        done = sum(current for current, _ in self._layers.values())
        self._report(done, sum(size for _, size in self._layers.values()))


def pull_stream(
    lines: Iterable[dict[str, Any]], reference: str, pulled: Pulled
) -> None:
    """Follow a pull to its end.

    Raises:
        UsenetError: image.pull-failed. The Engine answers 200 first, and
            tells of failure within the stream.
    """
    for line in lines:
        if "error" in line:
            why = str(line["error"])
            raise UsenetError("image.pull-failed", image=reference, why=why)
        pulled.take(line)
