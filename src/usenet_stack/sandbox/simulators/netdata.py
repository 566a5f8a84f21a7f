"""Netdata: an identity, and figures about the host."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable

from .application import Application, page
from .place import Place
from .privileges import User
from .routing import Json, Reply, Request, Route, Routes, json_reply

ROUTES: Routes[Netdata] = Routes()
VERSION = "v2.11.0"
_IDENTITY = "/var/lib/netdata/registry/netdata.public.unique.id"


class Netdata(Application):
    """No key, no database in the folders that are kept."""

    port = 19999
    config = "/etc/netdata"
    folders = ("/etc/netdata", "/var/lib/netdata/registry",
               "/var/cache/netdata")  # fmt: skip
    user = User(201, 201)

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.port = int(place.env("NETDATA_LISTENER_PORT", "19999"))
        self.identity = ""

    def prepare(self) -> None:
        """Become the image's own user: PUID is not understood."""
        self.place.forget("PUID", "PGID")
        super().prepare()

    def start(self) -> None:
        """Make or read the identity."""
        super().start()
        path = self.place.path(_IDENTITY)
        if not path.exists():
            path.write_text(f"{uuid.uuid4()}\n")
        self.identity = path.read_text().strip()
        config = self.place.path("/etc/netdata/netdata.conf")
        if not config.exists():
            config.write_text(f"[web]\n    default port = {self.port}\n")

    def routes(self) -> Iterable[Route[Netdata]]:
        """All routes."""
        yield from ROUTES.under()


@ROUTES.on("GET", "/")
def home(app: Netdata, request: Request) -> Reply:
    return page("Netdata")


@ROUTES.on("GET", "/api/v1/info")
def info(app: Netdata, request: Request) -> Reply:
    return json_reply(
        {
            "version": VERSION,
            "uid": app.identity,
            "hosts-available": 1,
            "mirrored_hosts": [os.uname().nodename],
            "alarms": {"normal": 0, "warning": 0, "critical": 0},
            "os_name": "simulated",
            "charts-count": 1,
            "metrics-count": 3,
        }
    )


@ROUTES.on("GET", "/api/v1/alarms")
def alarms(app: Netdata, request: Request) -> Reply:
    return json_reply(
        {"hostname": os.uname().nodename, "status": True, "alarms": {}}
    )


@ROUTES.on("GET", "/api/v1/data")
def data(app: Netdata, request: Request) -> Reply:
    row: list[Json] = [int(time.time()), *os.getloadavg()]
    labels = ["time", "load1", "load5", "load15"]
    return json_reply({"labels": labels, "data": [row]})
