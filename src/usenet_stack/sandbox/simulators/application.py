"""What all simulated applications share: life cycle and the request path."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from typing import Any, ClassVar

from .databases import Database, DatabaseFile
from .faults import VARIABLE, Faults, WatchedFile
from .journal import log
from .place import Place
from .privileges import ABC, User, become, own, wanted_user
from .routing import (
    Refusal,
    Reply,
    Request,
    Route,
    Router,
    text_reply,
)

SEED_NAME = ".simulator-seed.json"
# What a handler may raise when a request holds values of wrong types.
HANDLER_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    sqlite3.Error,
)


class Application:
    """Base of every simulator.

    A subclass declares its ports, folders and databases, and overrides
    `start`, `gate`, `routes` and `finish` as needed. Life cycle:
    `prepare()` (as root), `start()`, any number of `answer()` from many
    threads, `stop()`.

    Documents can be seeded: whatever `.simulator-seed.json` in the config
    folder holds as `{kind: [document, ...]}` replaces the documents of
    these kinds, at the start and whenever the file changes.
    """

    port: int = 0
    more_ports: tuple[int, ...] = ()
    tcp_only: ClassVar[bool] = False
    config: str = "/config"
    folders: tuple[str, ...] = ("/config",)
    user: ClassVar[User] = ABC
    umask: ClassVar[str] = "022"
    database_files: tuple[DatabaseFile, ...] = ()
    fold_case: ClassVar[bool] = False
    # Whether a delayed start is seen as answers instead of a closed port.
    answers_while_starting: ClassVar[bool] = False

    def __init__(self, service: str, place: Place) -> None:
        self.service = service
        self.place = place
        self.stopping = threading.Event()
        self.databases: list[Database] = []
        self.faults = Faults(place.path(self.config), place.env(VARIABLE))
        self.ready_at = 0.0
        self.arguments: list[str] = []
        self._seed = WatchedFile(place.path(self.config) / SEED_NAME)
        self._seed_lock = threading.Lock()

    # Life cycle

    def prepare(self) -> None:
        """Make the folders and give up root.

        Effects: folders, owners, the process's user and umask.
        """
        user = wanted_user(self.place, self.user)
        for folder in self.folders:
            path = self.place.path(folder)
            path.mkdir(parents=True, exist_ok=True)
            if os.getuid() == 0:
                own(path, user)
        become(user, int(self.place.env("UMASK", self.umask), 8))

    def start(self) -> None:
        """Open the databases and start writing."""
        for declared in self.database_files:
            if declared.held_open:
                path = self.place.path(declared.path)
                self.databases.append(Database(path, declared))
        if self.databases:
            self.in_background(self._keep_writing)

    def stop(self) -> None:
        """Write everything down and close the databases."""
        self.stopping.set()
        for database in self.databases:
            database.close()

    @property
    def database(self) -> Database:
        """The main database."""
        return self.databases[0]

    def in_background(self, work: Any) -> None:
        """Run `work()` in a thread that does not keep the process alive."""
        threading.Thread(target=work, daemon=True).start()

    def _keep_writing(self) -> None:
        rate = float(self.place.env("SIMULATOR_WRITES_PER_S", "2"))
        while not self.stopping.wait(1 / rate):
            for database in self.databases:
                try:
                    database.work()
                except sqlite3.OperationalError as error:
                    log(f"[Warn] {database.path.name}: {error}")
                except sqlite3.ProgrammingError:
                    return  # closed between the wait and the work

    # Requests

    def routes(self) -> Iterable[Route[Any]]:
        """All routes of the application."""
        return ()

    @property
    def router(self) -> Router[Any]:
        """The routes, made once."""
        router: Router[Any] | None = self.__dict__.get("_router")
        if router is None:
            router = Router(self.routes(), self.fold_case)
            self.__dict__["_router"] = router
        return router

    def answer(self, request: Request) -> Reply:
        """Answer one request, whatever happens inside."""
        try:
            self._read_seed()
            if time.monotonic() < self.ready_at:
                return self.starting(request)
            blocked = self.gate(request)
            if blocked is not None:
                return blocked
            return self.finish(request, self.dispatch(request))
        except Refusal as refusal:
            return refusal.reply
        except HANDLER_ERRORS as error:
            return self.failed(error)

    def dispatch(self, request: Request) -> Reply:
        """Find the route and call its handler."""
        found = self.router.find(request)
        if isinstance(found, int):
            return self.lost(request, found)
        reply: Reply = found(self, request)
        return reply

    def starting(self, request: Request) -> Reply:
        """The answer while the application starts."""
        return text_reply("starting", 503)

    def gate(self, request: Request) -> Reply | None:
        """Refuse a request before it is routed, or let it through."""
        return None

    def lost(self, request: Request, status: int) -> Reply:
        """The answer where no route fits: 404 or 405."""
        return text_reply("Not Found" if status == 404 else "", status)

    def failed(self, error: Exception) -> Reply:
        """The answer when a handler failed."""
        return text_reply(f"{type(error).__name__}: {error}", 500)

    def finish(self, request: Request, reply: Reply) -> Reply:
        """Add what the application adds to every regular answer."""
        return reply

    def _read_seed(self) -> None:
        if not self.databases:
            return
        with self._seed_lock:
            seed = self._seed.read() if self._seed.changed() else None
        for kind, documents in (seed or {}).items():
            self.database.replace(kind, documents)


def page(name: str) -> Reply:
    """The user interface of a simulator: a page that says what it is."""
    return text_reply(
        f"<!doctype html><title>{name} (simulated)</title>"
        f"<h1>{name}</h1><p>A simulated application of the sandbox.</p>",
        200,
        "html",
    )
