"""Samba and NFS: a port that accepts connections."""

from __future__ import annotations

from .application import Application
from .place import Place
from .privileges import ROOT


class Samba(Application):
    """Port 445."""

    port = 445
    tcp_only = True
    config = "/data"
    # The image keeps nothing, and /data may be the media pool: no chown.
    folders = ()
    user = ROOT


class NfsServer(Application):
    """Port 2049, or NFS_PORT."""

    port = 2049
    tcp_only = True
    config = "/data"
    folders = ()
    user = ROOT

    def __init__(self, service: str, place: Place) -> None:
        super().__init__(service, place)
        self.port = int(place.env("NFS_PORT", "2049"))
