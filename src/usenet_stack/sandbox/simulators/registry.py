"""Which class simulates which service."""

from __future__ import annotations

from importlib import import_module

from .application import Application
from .place import Place

# Service name -> module and class. A name that is not here runs `generic`.
SERVICES = {
    "jellyfin": "jellyfin:Jellyfin",
    "seerr": "seerr:Seerr",
    "tdarr": "tdarr:Tdarr",
    "yacreader": "yacreader:YacReader",
    "audiobookshelf": "audiobookshelf:Audiobookshelf",
    "sonarr": "servarr:Servarr",
    "radarr": "servarr:Servarr",
    "lidarr": "servarr:Servarr",
    "readarr": "servarr:Servarr",
    "bazarr": "bazarr:Bazarr",
    "prowlarr": "prowlarr:Prowlarr",
    "recyclarr": "recyclarr:Recyclarr",
    "mylar3": "mylar3:Mylar",
    "sabnzbd": "sabnzbd:Sabnzbd",
    "transmission": "transmission:Transmission",
    "netdata": "netdata:Netdata",
    "portainer": "portainer:Portainer",
    "samba": "sharing:Samba",
    "nfs-server": "sharing:NfsServer",
}


def create(service: str, place: Place) -> Application:
    """The simulator of a service; unknown names get the generic one."""
    module, _, name = SERVICES.get(service, "generic:Generic").partition(":")
    found = getattr(import_module(f".{module}", __package__), name)
    application: Application = found(service, place)
    return application
