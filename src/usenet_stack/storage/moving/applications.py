"""Tells the applications where their files are now.

The *arr applications keep an absolute path for each series, film, artist or
author. Their bulk editors change it without touching a file; a rescan then
finds the files, which are all there before the first path changes.

Source: SeriesEditorController, MovieEditorController and the like.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar, NamedTuple

from usenet_stack.apps.app import App
from usenet_stack.apps.jellyfin import Jellyfin
from usenet_stack.apps.registry import open_app
from usenet_stack.apps.servarr import Servarr
from usenet_stack.apps.transmission import Transmission
from usenet_stack.docker.engine import Engine
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack
from usenet_stack.stack.secrets import read_env
from usenet_stack.storage.shelving import patiently
from usenet_stack.transaction import Step
from usenet_stack.transaction.operation import Before, Context, Operation

SECONDS = 30.0
_SERVICE = "com.docker.compose.service"
_BATCH = 200
# They have their paths from those that are told.
_FOLLOW = ("bazarr",)


class Words(NamedTuple):
    """What an application calls its items.

    Args:
        items: the resource; `ids` names a list of them in the editor.
        rescan: the command; `owner` its parameter, "" where it takes
            folders.
    """

    items: str
    ids: str
    rescan: str
    owner: str = ""


WORDS = {
    "sonarr": Words("series", "seriesIds", "RescanSeries", "seriesId"),
    "whisparr": Words("series", "seriesIds", "RescanSeries", "seriesId"),
    "radarr": Words("movie", "movieIds", "RescanMovie", "movieId"),
    "lidarr": Words("artist", "artistIds", "RescanFolders"),
    "readarr": Words("author", "authorIds", "RescanFolders"),
}


def running(stack: Stack) -> set[str]:
    """Return the names of the services whose containers run.

    Raises:
        UsenetError: the Engine does not answer. Where none is installed or
            running, nothing runs.
    """
    try:
        found = Engine().containers(stack.project, all=False)
    except UsenetError as problem:
        if problem.code in ("docker.not-installed", "docker.not-running"):
            return set()
        raise
    return {str(each["Labels"].get(_SERVICE, "")) for each in found}


def plan_telling(stack: Stack, name: str, target: str) -> list[Step]:
    """Return the steps that point the applications at another drive.

    Raises:
        UsenetError: "storage.move-no-root": the application does not take
            the other drive; one of app.*: it must be asked first.
    """
    old, new = (f"{stack.media_inside}/{each}" for each in (name, target))
    steps = []
    alive = running(stack)
    for service in stack.services:
        if service.name not in alive:
            continue
        point: PointItems | PointTorrents
        if service.api == "servarr" and service.name in WORDS:
            point = PointItems(service.name, old, new)
            count = _count_items(stack, point)
        elif service.api == "transmission":
            point = PointTorrents(service.name, old, new)
            count = _count_torrents(stack, point)
        else:
            continue
        if count:
            why = f"{count} of its entries lie on {name}"
            steps.append(Step(point, why))
    return steps


def not_told(stack: Stack) -> tuple[str, ...]:
    """Return the services that may name a drive and are not told of a move.

    They run and see the pool, and what they keep of it is theirs alone.
    """
    alive = running(stack)
    return tuple(
        service.name
        for service in stack.services
        if service.name in alive
        and service.name not in (*WORDS, *_FOLLOW)
        and service.api not in ("transmission", "jellyfin")
        and service.group in ("media", "automation", "download")
        and any(volume.kind == "data" for volume in service.volumes)
    )


def _count_items(stack: Stack, point: "PointItems") -> int:
    with _opened(stack, point.service) as app:
        assert isinstance(app, Servarr)
        items = _below(app, WORDS[point.service], point.old)
        roots = {str(each["path"]).rstrip("/") for each in app.root_folders()}
        wanted = {_root(moved(p, point.old, point.new)) for _, p in items}
        missing = sorted(wanted - roots)
    if missing:
        raise UsenetError(
            "storage.move-no-root", service=point.service, path=missing[0]
        )
    return len(items)


def _count_torrents(stack: Stack, point: "PointTorrents") -> int:
    with _opened(stack, point.service) as app:
        assert isinstance(app, Transmission)
        return len(_seeding(app, point.old))


def _opened(stack: Stack, name: str) -> App:
    service = stack.catalog[stack.resolve(name).name]
    app = open_app(stack, service, read_env(stack.folder), SECONDS)
    if app is None:
        raise UsenetError("app.unreachable", service=name, why="no port")
    return app


def moved(path: str, old: str, new: str) -> str:
    """Return where a path below `old` is below `new`."""
    return new + path[len(old) :]


def _is_below(path: str, folder: str) -> bool:
    return path.rstrip("/") == folder or path.startswith(f"{folder}/")


def _root(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0]


def _below(app: Servarr, words: Words, folder: str) -> list[tuple[int, str]]:
    return [
        (int(each["id"]), str(each["path"]))
        for each in app.list(words.items)
        if _is_below(str(each["path"]), folder)
    ]


class PointItems(Operation, frozen=True):
    """Change the paths of an *arr application's items; move no file.

    Args:
        service: its name.
        old, new: the drives' folders as the containers see them.
    """

    kind: ClassVar[str] = "telling.items"
    service: str
    old: str
    new: str

    def describe(self) -> str:
        return f"tell {self.service} that {self.old} is at {self.new} now"

    def prepare(self, context: Context) -> Before:
        with self._app(context) as app:
            assert isinstance(app, Servarr)
            found = _below(app, WORDS[self.service], self.old)
        return {"items": [list(each) for each in found]}

    def do(self, context: Context, before: Before) -> None:
        with self._app(context) as app:
            assert isinstance(app, Servarr)
            words = WORDS[self.service]
            found = _below(app, words, self.old)
            wanted = [(n, moved(p, self.old, self.new)) for n, p in found]
            _point(app, words, wanted)
            # Where that fails, it scans by itself within a day.
            with suppress(UsenetError):
                _rescan(app, words, before["items"], self.new)

    def undo(self, context: Context, before: Before) -> None:
        patiently(lambda: self._put_back(context, before))

    def _put_back(self, context: Context, before: Before) -> None:
        with self._app(context) as app:
            assert isinstance(app, Servarr)
            words = WORDS[self.service]
            now = dict(_all(app, words))
            wrong = [
                (number, path)
                for number, path in before["items"]
                if number in now and now[number] != path
            ]
            _point(app, words, wrong)

    def verify(self, context: Context) -> bool:
        with self._app(context) as app:
            assert isinstance(app, Servarr)
            return not _below(app, WORDS[self.service], self.old)

    def manual(self, before: Before) -> str:
        return (
            f"in {self.service}, select all below {self.new} in the mass "
            f"editor and set the root folder to {self.old}, without moving"
        )

    def _app(self, context: Context) -> App:
        return _opened(load_stack(context.stack_folder), self.service)


def _all(app: Servarr, words: Words) -> list[tuple[int, str]]:
    return [(int(e["id"]), str(e["path"])) for e in app.list(words.items)]


def _point(app: Servarr, words: Words, wanted: list[tuple[int, str]]) -> None:
    """Give items their paths: many at once, those with odd names alone."""
    now = dict(_all(app, words))
    roots: dict[str, list[int]] = {}
    odd: list[tuple[int, str]] = []
    for number, path in wanted:
        same = path.rpartition("/")[2] == now[number].rpartition("/")[2]
        if same:
            roots.setdefault(_root(path), []).append(number)
        else:
            odd.append((number, path))
    for root, numbers in roots.items():
        for batch in _batches(numbers):
            body = {
                words.ids: batch,
                "rootFolderPath": root,
                "moveFiles": False,
            }
            path = f"{app.root}/{words.items}/editor"
            app.http.send("PUT", path, body)
    for number, path in odd:
        item = app.get(words.items, number)
        item["path"] = path
        app.update(words.items, item, moveFiles="false")


def _batches(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]


def _rescan(
    app: Servarr, words: Words, items: list[list[Any]], new: str
) -> None:
    if not words.owner:
        app.command(words.rescan, folders=[new])
        return
    for number, _ in items:
        app.command(words.rescan, **{words.owner: number})


class PointTorrents(Operation, frozen=True):
    """Change where Transmission seeds from; it moves no file itself.

    Args:
        service: its name.
        old, new: the drives' folders as the containers see them.
    """

    kind: ClassVar[str] = "telling.torrents"
    service: str
    old: str
    new: str

    def describe(self) -> str:
        return f"let {self.service} seed from {self.new}, not {self.old}"

    def prepare(self, context: Context) -> Before:
        with self._app(context) as app:
            assert isinstance(app, Transmission)
            return {"torrents": _seeding(app, self.old)}

    def do(self, context: Context, before: Before) -> None:
        with self._app(context) as app:
            assert isinstance(app, Transmission)
            for digest, path in _seeding(app, self.old).items():
                app.set_location(digest, moved(path, self.old, self.new))

    def undo(self, context: Context, before: Before) -> None:
        patiently(lambda: self._put_back(context, before))

    def _put_back(self, context: Context, before: Before) -> None:
        with self._app(context) as app:
            assert isinstance(app, Transmission)
            for digest, path in before["torrents"].items():
                app.set_location(digest, path)

    def verify(self, context: Context) -> bool:
        with self._app(context) as app:
            assert isinstance(app, Transmission)
            return not _seeding(app, self.old)

    def manual(self, before: Before) -> str:
        return (
            f"in {self.service}, set the location of the torrents below "
            f"{self.new} to {self.old}, without moving"
        )

    def _app(self, context: Context) -> App:
        return _opened(load_stack(context.stack_folder), self.service)


def _seeding(app: Transmission, folder: str) -> dict[str, str]:
    """Return the torrents that keep their files below a folder."""
    return {
        str(each["hashString"]): str(each["downloadDir"])
        for each in app.torrents("hashString", "downloadDir")
        if _is_below(str(each["downloadDir"]), folder)
    }


class TellJellyfin(Operation, frozen=True):
    """Let Jellyfin look at what moved, once the old files are gone.

    Both at once would be two of each film for it.

    Args:
        old, new: the drives' folders as the containers see them.
        folders: those that held files, below them.
    """

    kind: ClassVar[str] = "telling.jellyfin"
    old: str
    new: str
    folders: tuple[str, ...]

    def describe(self) -> str:
        return f"let jellyfin look at {self.new}"

    def wanted(self, stack: Stack) -> bool:
        """Tell whether there is a Jellyfin that has the old folder."""
        names = [s.name for s in stack.services if s.api == "jellyfin"]
        if not set(names) & running(stack):
            return False
        with _opened(stack, "jellyfin") as app:
            assert isinstance(app, Jellyfin)
            try:
                libraries = app.libraries()
            except UsenetError as problem:
                if problem.code == "app.setup-pending":
                    return False
                raise
        return any(
            _is_below(place, self.old) or _is_below(place, self.new)
            for library in libraries
            for place in library.get("Locations") or ()
        )

    def do(self, context: Context, before: Before) -> None:
        updates = [
            {"Path": f"{drive}/{folder}", "UpdateType": kind}
            for folder in self.folders
            for drive, kind in ((self.old, "Deleted"), (self.new, "Created"))
        ]
        stack = load_stack(context.stack_folder)
        with _opened(stack, "jellyfin") as app:
            assert isinstance(app, Jellyfin)
            app.updated(updates)

    def undo(self, context: Context, before: Before) -> None:
        """It looked; it will again."""
