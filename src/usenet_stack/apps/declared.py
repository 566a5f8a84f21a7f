"""The client for services whose file only declares figures."""

from collections.abc import Iterable
from typing import Any

from usenet_stack.apps.answer import Answer
from usenet_stack.apps.app import Client, Figures
from usenet_stack.apps.failures import messages_of
from usenet_stack.apps.http import Http
from usenet_stack.apps.message import Raw, Request
from usenet_stack.stack.service import Figure, Key


class Declared(Client):
    """It asks what the catalogue says, each call once.

    Args:
        figures: what to ask, and where in the answers to look.
        key: how the application refuses a wrong one.
    """

    def __init__(self, http: Http, figures: Iterable[Figure], key: Key) -> None:
        super().__init__(http)
        self._figures = tuple(figures)
        self._with_200 = 200 in key.wrong_status

    def version(self) -> str:
        """Return the figure called "version", "" when none is declared."""
        wanted = [each for each in self._figures if each.name == "version"]
        return str(self._ask_all(wanted).get("version", ""))

    def figures(self) -> Figures:
        """Return the declared figures."""
        return self._ask_all(self._figures)

    def _ask_all(self, wanted: Iterable[Figure]) -> Figures:
        answers: dict[tuple[str, str, str], Answer] = {}
        found: Figures = {}
        with self.http.together():
            for each in wanted:
                call = (each.method, each.call, each.body)
                if call not in answers:
                    answers[call] = self._ask(each)
                found[each.name] = value_at(answers[call], each.field)
        return found

    def _ask(self, figure: Figure) -> Answer:
        request = Request(figure.method, figure.call, repeatable=True)
        if figure.body:
            request = request._replace(
                text=figure.body, headers={"Content-Type": "application/json"}
            )
        raw = self.http.exchange(request)
        answer = self.http.read(request, raw)
        if self._with_200:
            self._check(answer, raw)
        return answer

    def _check(self, answer: Answer, raw: Raw) -> None:
        """Refuse a refusal that comes with status 200.

        Source: Mylar's API, which answers so and with error code 460 to a
            wrong key, and to nothing else that a declared figure asks.
        """
        data = answer.data
        if isinstance(data, dict) and data.get("success") is False:
            why = "".join(messages_of(raw)[:1])
            error = answer.place.error("app.unauthorised", why)
            raise self.http.veiled(error)


def value_at(answer: Answer, way: str) -> int | float | str:
    """Return the figure at a dotted way.

    Args:
        way: `#` at its end is the length of a list; a number is a
            place in a list.

    Raises:
        UsenetError: app.unexpected: nothing is there, or no figure.
    """
    found: Any = answer.data
    for name in way.split("."):
        if name == "#":
            if not isinstance(found, list):
                raise answer.wrong("a list", found, way)
            return len(found)
        found = _step(found, name)
    if isinstance(found, bool):
        return int(found)
    if not isinstance(found, int | float | str):
        raise answer.wrong("a figure", found, way)
    return found


def _step(found: Any, name: str) -> Any:
    if isinstance(found, dict):
        return found.get(name)
    if isinstance(found, list) and name.isdigit() and int(name) < len(found):
        return found[int(name)]
    return None
