"""Folders that a program keeps equal to a cloud: no mounts of their own."""

import json
from pathlib import Path
from typing import NamedTuple


class SyncedFolder(NamedTuple):
    """A folder of a home that Dropbox or OneDrive fills.

    Args:
        service: "dropbox" or "onedrive"; `path` the folder, absolute.
    """

    service: str
    path: str


def synced_folders(home: Path) -> list[SyncedFolder]:
    """Return the folders that clients of this user keep in step.

    Source: Dropbox writes ~/.dropbox/info.json; the OneDrive client for
        Linux reads ~/.config/onedrive/config, by default ~/OneDrive.
    """
    found = [SyncedFolder("dropbox", path) for path in _dropbox(home)]
    folder = _onedrive(home)
    if folder:
        found.append(SyncedFolder("onedrive", folder))
    return found


def _dropbox(home: Path) -> list[str]:
    try:
        accounts = json.loads((home / ".dropbox/info.json").read_bytes())
        paths = [account["path"] for account in accounts.values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    texts = [path for path in paths if isinstance(path, str)]
    return [path for path in texts if path.startswith("/")]


def _onedrive(home: Path) -> str:
    folder = home / ".config/onedrive"
    if not folder.is_dir():
        return ""
    try:
        lines = (folder / "config").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() == "sync_dir":
            word = value.strip().strip('"')
            return str(home / word.removeprefix("~/"))
    return str(home / "OneDrive")
