"""The command queue: one worker, equal commands only once."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Routes
from . import wire

if TYPE_CHECKING:
    from . import Servarr

KIND = "command"
ROUTES: Routes[Servarr] = Routes()
Work = Callable[["Servarr", dict[str, Json]], str]
_WAITING = ("queued", "started")
_LISTED_S = 300
_PLAIN = {
    "commandName": None,
    "priority": "normal",
    "trigger": "manual",
    "sendUpdatesToClient": True,
    "updateScheduledTask": True,
}


class Commands:
    """Keeps commands in the database and carries them out one by one.

    Args:
        known: what each command name does; returns its message.
    """

    def __init__(self, app: Servarr, known: dict[str, Work]) -> None:
        self._app = app
        self._known = {name.lower(): (name, do) for name, do in known.items()}
        self._queue: queue.Queue[int] = queue.Queue()
        self._ended: dict[int, float] = {}

    def start(self) -> None:
        """Continue what the last run left: started is orphaned."""
        for each in self._app.database.all(KIND):
            if each["status"] == "started":
                self._change(each["id"], status="orphaned")
            elif each["status"] == "queued":
                self._queue.put(each["id"])
        self._app.in_background(self._run)

    def push(self, body: dict[str, Json]) -> dict[str, Json]:
        """Queue a command, or return the equal one that waits or runs.

        Raises:
            LookupError: there is no such command.
        """
        found = self._known.get(str(body.get("name", "")).lower())
        if found is None:
            raise LookupError("Sequence contains no matching element")
        content = {key: value for key, value in body.items() if key != "name"}
        with self._app.database.transaction():
            for each in self._app.database.all(KIND):
                if (
                    each["name"] == found[0]
                    and each["status"] in _WAITING
                    and each["content"] == content
                ):
                    return each
            stored = self._app.database.add(
                KIND,
                {
                    **_PLAIN,
                    "name": found[0],
                    "commandName": found[0],
                    "content": content,
                    "status": "queued",
                    "result": "unknown",
                    "queued": wire.now(),
                },
            )
        self._queue.put(stored["id"])
        return stored

    def listed(self) -> list[dict[str, Json]]:
        """Commands that wait, run, or ended a short while ago."""
        limit = time.monotonic() - _LISTED_S
        return [
            each
            for each in self._app.database.all(KIND)
            if each["status"] in _WAITING
            or self._ended.get(each["id"], 0.0) > limit
        ]

    def cancel(self, number: int) -> bool:
        """Remove a command that has not started."""
        with self._app.database.transaction():
            found = self._app.database.find(KIND, number)
            if not found or found["status"] != "queued":
                return False
            return self._app.database.delete(KIND, number)

    def _run(self) -> None:
        pause = float(self._app.place.env("SIMULATOR_COMMAND_S", "0.2"))
        while True:
            number = self._queue.get()
            found = self._app.database.find(KIND, number)
            if found is None:
                continue
            self._change(number, status="started", started=wire.now())
            begun = time.monotonic()
            if self._app.stopping.wait(pause):
                return
            self._carry_out(number, found, begun)

    def _carry_out(
        self, number: int, command: dict[str, Json], begun: float
    ) -> None:
        _, do = self._known[command["name"].lower()]
        try:
            message = do(self._app, command["content"])
        except (OSError, LookupError, TypeError, ValueError) as error:
            self._end(number, begun, "failed", "unsuccessful", str(error))
            return
        self._end(number, begun, "completed", "successful", message)

    def _end(
        self, number: int, begun: float, status: str, result: str, text: str
    ) -> None:
        took = time.monotonic() - begun
        self._ended[number] = time.monotonic()
        self._change(
            number,
            status=status,
            result=result,
            ended=wire.now(),
            duration=f"00:00:{took:010.7f}",
            **{"message" if status == "completed" else "exception": text},
        )

    def _change(self, number: int, **values: Json) -> None:
        found = self._app.database.find(KIND, number)
        if found is not None:
            now = wire.now()
            found |= {"stateChangeTime": now, **values}
            self._app.database.put(KIND, found)


def _shown(app: Servarr, command: dict[str, Json]) -> dict[str, Json]:
    hidden = ["content"] if app.flavour.library else ["content", "result"]
    result = {key: val for key, val in command.items() if key not in hidden}
    result["body"] = {
        "name": command["name"],
        "trigger": "manual",
        "sendUpdatesToClient": True,
        **command["content"],
    }
    return result


@ROUTES.on("GET", "/command")
def list_commands(app: Servarr, request: Request) -> Reply:
    return wire.reply([_shown(app, each) for each in app.commands.listed()])


@ROUTES.on("POST", "/command")
def post_command(app: Servarr, request: Request) -> Reply:
    body = wire.body_of(request)
    try:
        stored = app.commands.push(body)
    except LookupError as error:
        return wire.server_error(str(error.args[0]))
    if stored["name"] == "ResetApiKey":
        # In force at once, before the command has run.
        app.reset_api_key()
    return wire.created(request, _shown(app, stored))


@ROUTES.on("GET", "/command/{id:int}")
def get_command(app: Servarr, request: Request) -> Reply:
    found = app.database.find(KIND, request.number)
    if found is None:
        raise wire.missing()
    return wire.reply(_shown(app, found))


@ROUTES.on("DELETE", "/command/{id:int}")
def delete_command(app: Servarr, request: Request) -> Reply:
    if app.commands.cancel(request.number):
        return wire.reply({})
    return wire.server_error("Unable to cancel task", 409)
