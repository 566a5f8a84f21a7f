"""Faults: what a test or a user asks a simulator to do wrong.

Faults are read from `.simulator-faults.json` in the application's config
folder (looked at anew for every request) and, while that file is absent,
from the environment variable SIMULATOR_FAULTS. Either holds one object or
a list of them; the first that fits a request is applied to it.

| Key | Effect |
|---|---|
| path, method | only requests whose path matches the regular expression |
| count | only the first N fitting requests |
| after_apply | carry the request out first, then fail |
| latency_ms | wait before answering |
| status | answer with this status and the text of `body` |
| reset | close the connection with a TCP reset |
| garbage | answer with bytes that are no HTTP |
| hang | never answer |
| drip_ms | wait this long between pieces of 16 bytes |
| html | answer 200 with an HTML page |
| truncated | cut the body in half (the length says so) |
| short_body | announce the whole body, send half, close |
| wrong_types | turn numbers into texts and the other way round |
| big_body | answer with so many bytes of JSON text |
| start_delay_s | start so much later (only read at the start) |
"""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

from .routing import Json, Reply, Request, json_reply, text_reply

FILE_NAME = ".simulator-faults.json"
VARIABLE = "SIMULATOR_FAULTS"


class WatchedFile:
    """A JSON file that is read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None

    def changed(self) -> bool:
        """Whether the file appeared, changed or went since the last call."""
        try:
            found = self.path.stat()
        except OSError:
            stamp = None
        else:
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        changed = stamp != self._stamp
        self._stamp = stamp
        return changed

    def read(self) -> Json:
        """The content; None when absent, unreadable or no JSON."""
        try:
            return json.loads(self.path.read_text())
        except (OSError, ValueError):
            return None


class Fault:
    """One declared fault."""

    def __init__(self, declared: Json) -> None:
        self._declared: dict[str, Json] = dict(declared)
        self._left: int | None = declared.get("count")
        self._path = re.compile(declared.get("path", ""))

    def fits(self, request: Request) -> bool:
        """Whether the fault is meant for this request.

        Effects: uses up one of `count`.
        """
        method = self._declared.get("method", request.method)
        if method != request.method or not self._path.search(request.path):
            return False
        if self._left is not None:
            if self._left <= 0:
                return False
            self._left -= 1
        return True

    def on(self, key: str) -> bool:
        """Whether a key is there and not false."""
        return bool(self._declared.get(key))

    def number(self, key: str) -> float:
        """A numeric key, 0 when absent."""
        return float(self._declared.get(key) or 0)

    @property
    def replaces_reply(self) -> bool:
        """Whether the application's own answer is never seen."""
        keys = ("status", "reset", "garbage", "hang", "html", "big_body")
        return any(self.on(key) for key in keys)

    def twist(self, reply: Reply) -> Reply:
        """What is sent instead of `reply`."""
        if self.on("status"):
            text = str(self._declared.get("body", "simulated fault"))
            return text_reply(text, int(self.number("status")))
        if self.on("html"):
            page = "<!doctype html><title>502</title><h1>Bad gateway</h1>"
            return text_reply(page, 200, "html")
        if self.on("big_body"):
            text = json.dumps("x" * max(0, int(self.number("big_body")) - 2))
            return Reply(200, text.encode(), "application/json")
        if self.on("truncated"):
            reply.body = reply.body[: len(reply.body) // 2]
        if self.on("wrong_types"):
            return _with_wrong_types(reply)
        return reply


def _with_wrong_types(reply: Reply) -> Reply:
    try:
        data = json.loads(reply.body)
    except ValueError:
        return reply
    return json_reply(_swap(data), reply.status)


def _swap(data: Json) -> Json:
    if isinstance(data, dict):
        return {key: _swap(value) for key, value in data.items()}
    if isinstance(data, list):
        return {str(place): _swap(value) for place, value in enumerate(data)}
    if isinstance(data, str):
        return len(data)
    return str(data)


class Faults:
    """All faults that are declared for one application.

    Args:
        folder: the application's config folder.
        text: the content of SIMULATOR_FAULTS, possibly empty.
    """

    def __init__(self, folder: Path, text: str) -> None:
        self._file = WatchedFile(folder / FILE_NAME)
        self._preset: Json = json.loads(text) if text else []
        self._faults = _parse(self._preset)
        self._lock = threading.Lock()

    def _refresh(self) -> None:
        if self._file.changed():
            declared = self._file.read()
            if declared is None:
                declared = self._preset
            self._faults = _parse(declared)

    def match(self, request: Request) -> Fault | None:
        """The first fault that is meant for the request."""
        with self._lock:
            self._refresh()
            for fault in self._faults:
                if not fault.on("start_delay_s") and fault.fits(request):
                    return fault
        return None

    def start_delay(self) -> float:
        """Seconds by which the start is delayed."""
        with self._lock:
            self._refresh()
            return sum(each.number("start_delay_s") for each in self._faults)


def _parse(declared: Json) -> list[Fault]:
    entries = declared if isinstance(declared, list) else [declared]
    return [Fault(each) for each in entries if isinstance(each, dict) and each]
