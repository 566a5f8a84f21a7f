"""What applications know of media folders, in one form for all of them.

Sonarr and its like have root folders, Jellyfin and Audiobookshelf libraries
with folders in them. A shelf lists such folders, adds one and takes one
away, and puts back exactly what it noted before, whatever of a change has
got through: it compares what is there with what was there.
"""

import posixpath
from collections.abc import Iterable
from typing import Any, Protocol

from usenet_stack.apps.app import App
from usenet_stack.apps.audiobookshelf import Audiobookshelf
from usenet_stack.apps.jellyfin import Jellyfin
from usenet_stack.apps.servarr import Servarr
from usenet_stack.errors import UsenetError
from usenet_stack.stack.service import MediaType
from usenet_stack.storage.layouts import same

Note = dict[str, Any]
# Jellyfin's own words, and what a new library is called.
_KINDS: dict[MediaType, tuple[str, str]] = {
    "tv": ("tvshows", "Shows"),
    "movies": ("movies", "Movies"),
    "music": ("music", "Music"),
    "books": ("books", "Books"),
    "comics": ("books", "Comics"),
}
# What the application finds out by itself, and refuses or ignores in a POST.
_FOUND_OUT = (
    "id", "accessible", "freeSpace", "totalSpace", "unmappedFolders", "isEmpty",
)  # fmt: skip


class Shelf(Protocol):
    """The media folders of one application."""

    def paths(self) -> list[str]:
        """Return the folders it has, as it sees them."""
        ...

    def note(self, path: str) -> Note:
        """Return, as JSON, what `put_back` needs to know of a folder."""
        ...

    def add(self, path: str, media: MediaType) -> None:
        """Add a folder that is not there yet."""
        ...

    def remove(self, path: str) -> None:
        """Take a folder away; files stay."""
        ...

    def put_back(self, path: str, note: Note) -> None:
        """Make it as it was with a folder when it was noted."""
        ...

    def needed(self) -> tuple[str, ...]:
        """Return the folders that it cannot do without."""
        ...


def shelf_of(app: App) -> Shelf | None:
    """Return the media folders of an application, None without any."""
    if isinstance(app, Servarr):
        return RootFolders(app)
    if isinstance(app, Jellyfin):
        return JellyfinLibraries(app)
    if isinstance(app, Audiobookshelf):
        return BookLibraries(app)
    return None


class RootFolders:
    """Sonarr, Radarr, Lidarr, Readarr, Whisparr."""

    def __init__(self, app: Servarr) -> None:
        self.app = app

    def paths(self) -> list[str]:
        return [str(row.get("path")) for row in self.app.root_folders()]

    def note(self, path: str) -> Note:
        return {"rows": self._rows(path)}

    def add(self, path: str, media: MediaType) -> None:
        more = self._profiles(path) if self.app.root.endswith("/v1") else {}
        self.app.add_root_folder(path, **more)

    def remove(self, path: str) -> None:
        for row in self._rows(path):
            self.app.delete_root_folder(int(row["id"]))

    def put_back(self, path: str, note: Note) -> None:
        now, before = self._rows(path), note["rows"]
        if before and not now:
            kept = {k: v for k, v in before[0].items() if k not in _FOUND_OUT}
            kept.pop("path", None)
            self.app.add_root_folder(str(before[0]["path"]), **kept)
        elif not before:
            self.remove(path)

    def needed(self) -> tuple[str, ...]:
        return ()

    def _rows(self, path: str) -> list[dict[str, Any]]:
        rows = self.app.root_folders()
        found = [row for row in rows if same(row.get("path"), path)]
        for row in found:
            if not isinstance(row.get("id"), int):
                raise _odd(self.app.name, "a root folder without a number")
        return found

    def _profiles(self, path: str) -> dict[str, Any]:
        """Return what Lidarr and Readarr want besides the path.

        Those of a root folder that is there already, else the first ones.
        """
        known = self.app.root_folders()
        chosen: dict[str, Any] = {}
        for key, resource in (
            ("defaultMetadataProfileId", "metadataprofile"),
            ("defaultQualityProfileId", "qualityprofile"),
        ):
            used = [row[key] for row in known if row.get(key)]
            chosen[key] = used[0] if used else self._first(resource)
        above, last = posixpath.split(path)
        name = f"{last} on {posixpath.basename(above)}"
        return {"name": name, "defaultTags": [], **chosen}

    def _first(self, resource: str) -> int:
        numbers = [row.get("id") for row in self.app.list(resource)]
        found = [number for number in numbers if isinstance(number, int)]
        if not found:
            raise _odd(self.app.name, f"it has no {resource}")
        return min(found)


class JellyfinLibraries:
    """Libraries, each with a name, a type and folders."""

    def __init__(self, app: Jellyfin) -> None:
        self.app = app

    def paths(self) -> list[str]:
        return [each for name in self._all().values() for each in name]

    def note(self, path: str) -> Note:
        return {"libraries": self._all()}

    def add(self, path: str, media: MediaType) -> None:
        kind, title = _KINDS[media]
        libraries = [
            each
            for each in self.app.libraries()
            if str(each.get("CollectionType")).lower() == kind
        ]
        name = self._fitting(libraries, path, title)
        if name is None:
            self.app.add_library(title, kind, path)
        else:
            self.app.add_path(name, path)

    def remove(self, path: str) -> None:
        for name, places in self._all().items():
            for place in {each for each in places if same(each, path)}:
                self.app.delete_path(name, place)

    def put_back(self, path: str, note: Note) -> None:
        before: dict[str, list[str]] = note["libraries"]
        for name, places in self._all().items():
            mine = [each for each in places if same(each, path)]
            if name not in before:
                # Made by us: nothing else stands in it.
                if mine and len(mine) == len(places):
                    self.app.delete_library(name)
                continue
            wanted = sum(same(each, path) for each in before[name])
            if len(mine) > wanted:
                self.app.delete_path(name, mine[0])
                mine = []
            for _ in range(wanted - len(mine)):
                self.app.add_path(name, path)

    def needed(self) -> tuple[str, ...]:
        return ()

    def _all(self) -> dict[str, list[str]]:
        found = {}
        for each in self.app.libraries():
            places = each.get("Locations")
            if not isinstance(places, list):
                raise _odd(self.app.name, "a library without Locations")
            found[str(each.get("Name"))] = [str(place) for place in places]
        return found

    @staticmethod
    def _fitting(
        libraries: list[dict[str, Any]], path: str, title: str
    ) -> str | None:
        """Return the library that has a folder of the same name, else the
        first of its kind; comics go among books only by name."""
        last = posixpath.basename(path)
        for each in libraries:
            places: Iterable[object] = each.get("Locations") or ()
            if any(posixpath.basename(str(place)) == last for place in places):
                return str(each["Name"])
        names = [str(each.get("Name")) for each in libraries]
        if title in names:
            return title
        return names[0] if names and title != "Comics" else None


class BookLibraries:
    """Audiobookshelf: libraries by id, each with folders."""

    def __init__(self, app: Audiobookshelf) -> None:
        self.app = app

    def paths(self) -> list[str]:
        return [
            str(folder.get("fullPath"))
            for folders in self._all().values()
            for folder in folders
        ]

    def note(self, path: str) -> Note:
        return {"libraries": self._all()}

    def add(self, path: str, media: MediaType) -> None:
        books = [
            str(each.get("id"))
            for each in self.app.libraries()
            if each.get("mediaType") == "book"
        ]
        if not books:
            self.app.add_library("Books", path)
            return
        folders = self._all()
        last = posixpath.basename(path)
        chosen = [
            each
            for each in books
            if any(str(f.get("fullPath")).endswith(f"/{last}")
                   for f in folders[each])
        ] or books  # fmt: skip
        self.app.set_folders(
            chosen[0], [*folders[chosen[0]], {"fullPath": path}]
        )

    def remove(self, path: str) -> None:
        for library, folders in self._all().items():
            left = [f for f in folders if not same(f.get("fullPath"), path)]
            if left and len(left) < len(folders):
                self.app.set_folders(library, left)

    def put_back(self, path: str, note: Note) -> None:
        before: dict[str, list[dict[str, Any]]] = note["libraries"]
        for library, folders in self._all().items():
            mine = [f for f in folders if same(f.get("fullPath"), path)]
            if library not in before:
                if mine and len(mine) == len(folders):
                    self.app.delete_library(library)
                continue
            had = any(same(f.get("fullPath"), path) for f in before[library])
            if bool(mine) != had:
                rest = [f for f in folders if f not in mine]
                again = [{"fullPath": path}] if had else []
                self.app.set_folders(library, [*rest, *again])

    def needed(self) -> tuple[str, ...]:
        """A library needs a folder: without any its items would go."""
        return tuple(
            str(folders[0].get("fullPath"))
            for folders in self._all().values()
            if len(folders) == 1
        )

    def _all(self) -> dict[str, list[dict[str, Any]]]:
        found = {}
        for each in self.app.libraries():
            folders = each.get("folders")
            if not isinstance(folders, list) or not all(
                isinstance(folder, dict) for folder in folders
            ):
                raise _odd(self.app.name, "a library without folders")
            found[str(each.get("id"))] = folders
        return found


def _odd(service: str, why: str) -> UsenetError:
    return UsenetError(
        "app.unexpected", service=service, call="its media folders", why=why
    )
