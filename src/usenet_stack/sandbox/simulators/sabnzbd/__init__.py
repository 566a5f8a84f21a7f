"""SABnzbd 5.0: hostname check, key check, and the modes of its API."""

from __future__ import annotations

import ipaddress
import json
import secrets
import socket
from collections.abc import Iterable

from ..application import Application, page
from ..databases import DatabaseFile
from ..place import Place
from ..routing import Json, Reply, Request, Route, text_reply
from . import ini, modes

DENIED = "Access denied - Hostname verification failed"
HOST_HELP = "https://sabnzbd.org/hostname-check"
# What needs no key, and what the NZB key is enough for.
_OPEN = ("version", "auth")
_ADDING = ("addfile", "addurl", "addlocalfile")


class Sabnzbd(Application):
    """sabnzbd.ini, a queue, and a history database."""

    port = 8080
    folders = ("/config", "/config/admin", "/config/logs")
    database_files = (
        DatabaseFile("/config/admin/history1.db", journal="delete"),
    )

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.config_values: ini.Config = {}
        self.queue: dict[str, Json] = {"paused": False, "slots": []}
        self._ini = place.path("/config/sabnzbd.ini")
        self._queue_file = place.path("/config/admin/queue10.sab")

    def prepare(self) -> None:
        """Make the folders; those of the compose file where they exist."""
        super().prepare()
        for name in ("complete", "incomplete"):
            folder = f"/config/Downloads/{name}"
            self.place.path(folder).mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Read sabnzbd.ini or write the first one, and the queue."""
        super().start()
        self.config_values = ini.load(self._ini) or {}
        self._fill()
        self.save()
        if self._queue_file.exists():
            self.queue = json.loads(self._queue_file.read_text())

    def stop(self) -> None:
        """Write everything, as the application does at its end."""
        self.save()
        super().stop()

    def save(self) -> None:
        """Write sabnzbd.ini and the queue."""
        ini.write(self._ini, self.config_values)
        self._queue_file.write_text(json.dumps(self.queue))

    def _fill(self) -> None:
        misc = self.config_values.setdefault("misc", {})
        first_host = f"{socket.gethostname()},"
        for name, value in (
            ("api_key", secrets.token_hex(16)),
            ("nzb_key", secrets.token_hex(16)),
            ("host_whitelist", first_host),
        ):
            misc[name] = misc.get(name) or value
        for name, value in modes.MISC_DEFAULTS.items():
            misc.setdefault(name, value)
        self.config_values.setdefault("logging", {"log_level": "1"})
        self.config_values.setdefault("servers", {})
        categories = self.config_values.setdefault("categories", {})
        if not categories:
            for order, name in enumerate(modes.CATEGORIES):
                categories[name] = modes.category(name, order)

    def misc(self, name: str) -> str:
        """A value of the section [misc]."""
        return str(self.config_values["misc"].get(name, ""))

    def routes(self) -> Iterable[Route[Sabnzbd]]:
        """The API under both of its paths, and the interface."""
        for method in ("GET", "POST"):
            yield Route(method, "/api", _api)
            yield Route(method, "/sabnzbd/api", _api)
        yield Route("GET", "/{rest:path}", _interface)

    def gate(self, request: Request) -> Reply | None:
        """The host check comes before everything, the version included."""
        if self._host_allowed(request):
            return None
        return text_reply(f"{DENIED}: {HOST_HELP}", 403)

    def _host_allowed(self, request: Request) -> bool:
        if self.misc("username") and self.misc("password"):
            return True
        host = request.host.lower()
        if host == "localhost" or host.endswith(".local"):
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            listed = self.misc("host_whitelist").lower().split(",")
            return bool(host) and host in [each.strip() for each in listed]
        return True


def _interface(app: Sabnzbd, request: Request) -> Reply:
    return page("SABnzbd")


def _api(app: Sabnzbd, request: Request) -> Reply:
    arguments = {key: values[0] for key, values in request.query.items()}
    kind = request.headers.get("content-type", "")
    if request.method == "POST" and "form-urlencoded" in kind:
        arguments |= {key: each[0] for key, each in request.form().items()}
    mode = arguments.get("mode", "")
    refused = _check_key(app, mode, arguments.get("apikey"))
    if refused is not None:
        return refused
    answer = modes.answer(app, mode, arguments, request)
    return Reply(
        200,
        json.dumps(answer).encode(),
        "application/json;charset=utf-8",
    )


def _check_key(app: Sabnzbd, mode: str, key: str | None) -> Reply | None:
    if mode in _OPEN:
        return None
    if not key:
        text = "API Key Required"
    elif key == app.misc("api_key") or (
        key == app.misc("nzb_key") and mode in _ADDING
    ):
        return None
    else:
        text = "API Key Incorrect"
    silent = app.misc("api_warnings") == "0"
    return text_reply("" if silent else text, 403)
