"""Whether restored applications fit the keys of the stack, and their mend."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

from usenet_stack.errors import UsenetError
from usenet_stack.keys.holders import look_around
from usenet_stack.keys.places import Place
from usenet_stack.keys.telling import held_value, tell, try_out
from usenet_stack.keys.verdict import Verdict, judge
from usenet_stack.keys.ways import has_key, secret_name
from usenet_stack.services import ask_all
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import SecretValue, read_env

SECONDS = 10.0


def rewire(
    stack: Stack, holders: Collection[str], secrets: Collection[str]
) -> Iterator[str]:
    """Give applications the keys of others that they hold an old one of.

    Args:
        holders: services that run, on settings from another time.
        secrets: names in `.env`; the other keys are as they were.

    Yields: what was changed or needs the user, for a person.
    Raises:
        UsenetError: one of app.*: a holder would not take a key.
    Effects: only what the holders hold; doing it twice is doing it once.
    """
    env = read_env(stack.folder)
    seen = look_around(stack, env)
    for service in stack.services:
        name = secret_name(service)
        value = env.get(name)
        if name not in secrets or not value:
            continue
        for place in seen.holders(stack, service, value):
            if place.service in holders and place.kind != "text":
                yield from _give(stack, place, value, service.name)
    for name, error in seen.silent.items():
        if name in holders:
            yield (
                f"{name} was not asked which keys it holds: usenet keys list "
                f"({error.message})"
            )


def _give(
    stack: Stack, place: Place, value: SecretValue, service: str
) -> Iterator[str]:
    if held_value(stack, place) == value:
        return
    tell(stack, place, value)
    yield f"{place.service}: {place.title} has the key of {service}"
    try:
        try_out(stack, place)
    except UsenetError as error:
        # Whose key it is does not accept it: that was so before.
        yield f"{place.service}: {error.message} usenet keys list"


def refusals(stack: Stack, names: Sequence[str]) -> Iterator[str]:
    """Ask running services whether they accept the keys in `.env`.

    Yields: which do not, and what helps, for a person.
    """
    env = read_env(stack.folder)
    questions: dict[str, Callable[[], Verdict]] = {
        name: partial(judge, stack, stack.catalog[name], env, None, SECONDS)
        for name in names
        if has_key(stack.catalog[name])
    }
    found = ask_all(questions, SECONDS + 1)
    for name, verdict in sorted(found.items()):
        if verdict.state == "refused":
            yield f"{name} does not accept its key in .env: usenet keys list"
