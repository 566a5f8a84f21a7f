"""From root to the user that an application runs as."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .journal import log
from .place import Place


@dataclass(frozen=True)
class User:
    """Numbers of a user and a group."""

    uid: int
    gid: int


# What linuxserver.io images use without PUID and PGID.
ABC = User(911, 911)
NODE = User(1000, 1000)
ROOT = User(0, 0)


def wanted_user(place: Place, default: User) -> User:
    """PUID and PGID, else the image's own user."""
    return User(
        int(place.env("PUID", str(default.uid))),
        int(place.env("PGID", str(default.gid))),
    )


def own(folder: Path, user: User) -> None:
    """Give a folder and everything in it to `user`.

    Effects: chown; a file system that refuses is named on stdout.
    """
    try:
        os.chown(folder, user.uid, user.gid)
        for top, folders, files in os.walk(folder):
            for name in folders + files:
                os.lchown(Path(top, name), user.uid, user.gid)
    except OSError as error:
        log(f"[Warn] cannot change the owner of {folder}: {error.strerror}")


def become(user: User, umask: int) -> None:
    """Run as `user` from now on; there is no way back.

    Effects: only when the process is root.
    """
    os.umask(umask)
    if os.getuid() != 0 or user == ROOT:
        return
    os.setgroups([])
    os.setgid(user.gid)
    os.setuid(user.uid)
