"""Answers the shell's question: what could the word at the cursor be?

It runs at every press of Tab, so it reads names of files and never parses
one, and imports no room.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence

from usenet_stack.cli.legacy import plain
from usenet_stack.cli.registry import ENTRIES, GLOBAL_OPTIONS, load
from usenet_stack.cli.spec import Argument, Command, Group, Option, Source

Offer = tuple[str, str]

PROFILES = ("dedicated", "balanced", "light")


def answer(words: Sequence[str]) -> int:
    """Print what could stand at the cursor, one candidate a line.

    Args:
        words: index of the word at the cursor, then the whole command line
            with the program at 0.

    Effects: lines on stdout: "candidate TAB description"; ":folders" and
        ":files" ask the shell to offer those.
    """
    if not words or not words[0].isdigit():
        return 2
    cursor = int(words[0])
    line = list(words[1:])
    current = line[cursor] if cursor < len(line) else ""
    for value, text in offers(line[1:cursor], current):
        sys.stdout.write(f"{value}\t{text}\n" if text else f"{value}\n")
    return 0


def offers(before: Sequence[str], current: str) -> list[Offer]:
    """Return the candidates for a word, given those before it."""
    # bash makes words of their own of "=" in --format=json.
    place = _Place(plain([word for word in before if word != "="]))
    typed = "" if current == "=" else current
    head, equals, value = typed.partition("=")
    if place.lost:
        return []
    if place.pending is None and equals and head.startswith("--"):
        option = _find(head, place.topic)
        if option is None or not option.metavar:
            return []
        found = _values(option, value, place)
        return [(v if v[:1] == ":" else f"{head}={v}", t) for v, t in found]
    if place.pending is not None:
        return _values(place.pending, typed, place)
    if typed.startswith("-"):
        return _starting(typed, _options(place))
    return _starting(typed, _words(place))


class _Place:
    """Where in the grammar the cursor stands."""

    def __init__(self, before: Sequence[str]) -> None:
        self.topic: Group | Command | None = None
        self.pending: Option | None = None
        self.given: list[str] = []
        self.arguments: list[str] = []
        self.folder = ""
        self.lost = False
        for word in before:
            self._step(word)

    def _step(self, word: str) -> None:
        if self.pending is not None:
            if self.pending.key == "stack":
                self.folder = word
            self.pending = None
        elif word.startswith("-") and word not in ("-", "--"):
            self._option(word)
        elif self.topic is None:
            self.lost = self.lost or word not in ENTRIES
            self.topic = None if self.lost else load(word)
        elif isinstance(self.topic, Group):
            found = self.topic.find(word)
            self.lost = found is None
            self.topic = found or self.topic
        elif word != "--":
            self.arguments.append(word)

    def _option(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = _find(name, self.topic)
        if option is None:
            return
        self.given.extend(option.names)
        if option.metavar and not equals:
            self.pending = option
        elif option.key == "stack":
            self.folder = value


def _own(topic: Group | Command | None) -> tuple[Option, ...]:
    return topic.options if isinstance(topic, Command) else ()


def _find(name: str, topic: Group | Command | None) -> Option | None:
    for option in (*_own(topic), *GLOBAL_OPTIONS):
        if name in option.names:
            return option
    return None


def _options(place: _Place) -> Iterator[Offer]:
    for option in (*_own(place.topic), *GLOBAL_OPTIONS):
        repeatable = option.kind == "list" or option.key == "verbose"
        if repeatable or option.names[0] not in place.given:
            yield option.names[0], option.help


def _words(place: _Place) -> Iterable[Offer]:
    if place.topic is None:
        return [(entry.name, entry.summary) for entry in ENTRIES.values()]
    if isinstance(place.topic, Group):
        return [(c.path.split()[-1], c.summary) for c in place.topic.commands]
    argument = _argument(place.topic.arguments, len(place.arguments))
    if argument is None:
        return _options(place)
    if argument.choices:
        return [(choice, "") for choice in argument.choices]
    found = _from(argument.complete, place)
    return [o for o in found if o[0] not in place.arguments]


def _argument(arguments: Sequence[Argument], index: int) -> Argument | None:
    if index < len(arguments):
        return arguments[index]
    return arguments[-1] if arguments and arguments[-1].many else None


def _values(option: Option, typed: str, place: _Place) -> list[Offer]:
    if option.choices:
        return _starting(typed, [(choice, "") for choice in option.choices])
    if option.kind != "list":
        return _starting(typed, _from(option.complete, place))
    head, comma, last = typed.rpartition(",")
    taken = head.split(",")
    found = _starting(last, _from(option.complete, place))
    return [(head + comma + v, t) for v, t in found if v not in taken]


def _starting(typed: str, found: Iterable[Offer]) -> list[Offer]:
    return [o for o in found if o[0].startswith((typed, ":"))]


def _from(source: Source, place: _Place) -> Iterable[Offer]:
    if source == "service":
        return _services(place)
    if source == "profile":
        return [(name, "") for name in (*PROFILES, *_own_profiles(place))]
    if source == "journal":
        return _journals(place)
    if source == "backup":
        return _backups(place)
    if source == "drive":
        return [*_drives(), (":folders", "")]
    if source == "pool":
        return _pool(place)
    if source == "setting":
        return [(name, "") for name in SETTINGS]
    if source == "topic":
        return _topics(place)
    return [(f":{source}s", "")] if source in ("folder", "file") else []


SETTINGS = (
    "stack.name",
    "stack.profile",
    "stack.timezone",
    "stack.puid",
    "stack.pgid",
    "stack.umask",
    "stack.bind",
    "stack.hosts",
    "services.enable",
    "services.disable",
    "services.network",
    "paths.config",
    "paths.data",
    "paths.cache",
    "paths.downloads",
    "pool.path",
    "pool.layout",
    "pool.create",
    "pool.tv",
    "pool.movies",
    "pool.music",
    "pool.books",
    "pool.comics",
    "backup.folder",
    "backup.type",
    "backup.compression",
    "backup.recipients",
    "backup.passphrase_file",
    "backup.busy_seconds",
    "backup.keep_restores",
    "backup.notice",
    "backup.notice_when",
    "backup.limit.minimal",
    "backup.limit.config",
    "backup.limit.full",
    "backup.keep.last",
    "backup.keep.hourly",
    "backup.keep.daily",
    "backup.keep.weekly",
    "backup.keep.monthly",
    "backup.keep.yearly",
    "backup.keep.older_than_days",
    "backup.keep.min_free",
)


def _topics(place: _Place) -> list[Offer]:
    if not place.arguments:
        return [(entry.name, entry.summary) for entry in ENTRIES.values()]
    name = place.arguments[0]
    topic = load(name) if name in ENTRIES else None
    if isinstance(topic, Group) and len(place.arguments) == 1:
        return [(c.path.split()[-1], c.summary) for c in topic.commands]
    return []


def _services(place: _Place) -> list[Offer]:
    from usenet_stack.stack.names import service_names

    folder = _stack(place)
    from pathlib import Path

    own = Path(folder) / "services.d" if folder else None
    return [(name, "") for name in service_names(own)]


def _stack(place: _Place) -> str:
    from pathlib import Path

    from usenet_stack.errors import UsenetError
    from usenet_stack.stack.locate import find_stack

    try:
        named = Path(place.folder) if place.folder else None
        return str(find_stack(named, Path.cwd(), os.environ).folder)
    except UsenetError:
        return ""


def _own_profiles(place: _Place) -> Iterable[str]:
    found: dict[str, None] = {}
    for line in _lines(f"{_stack(place)}/stack.toml"):
        if line.startswith("[profiles."):
            name = line.removeprefix("[profiles.").split("]")[0]
            found[name.split(".")[0].strip('"')] = None
    return found


def _backups(place: _Place) -> Iterator[Offer]:
    from pathlib import Path

    yield "latest", "the newest one"
    folder = Path(_stack(place), "backups")
    # Their names tell the time behind the type.
    found = sorted(
        folder.glob("usenet-*.tar.*"),
        key=lambda path: path.name.split("-")[-2:],
        reverse=True,
    )
    for path in found:
        if path.name.endswith((".tar.zst", ".tar.gz", ".age")):
            yield path.name, ""


def _journals(place: _Place) -> Iterator[Offer]:
    from pathlib import Path

    folder = Path(_stack(place), ".usenet", "journal")
    for path in sorted(folder.glob("*.jsonl"), reverse=True):
        yield path.stem, ""


def _drives() -> Iterator[Offer]:
    """Mounted file systems that could hold media; see proc(5), mountinfo."""
    seen = set()
    for line in _lines("/proc/self/mountinfo"):
        front, _, back = line.partition(" - ")
        path = front.split()[4].replace("\\040", " ")
        kind, source = back.split()[:2]
        real = source.startswith("/dev/") or kind in ("nfs", "nfs4", "cifs")
        system = path == "/" or path.startswith(("/boot", "/etc/", "/snap"))
        if real and not system and path not in seen:
            seen.add(path)
            yield path, f"{kind} on {source}"


def _pool(place: _Place) -> list[Offer]:
    from pathlib import Path

    from usenet_stack.errors import UsenetError
    from usenet_stack.storage.registry import read_registry

    folder = _stack(place)
    try:
        drives = read_registry(Path(folder)) if folder else {}
    except (OSError, UsenetError):
        return []
    return [(name, drive.source) for name, drive in drives.items()]


def _lines(path: str) -> list[str]:
    from pathlib import Path

    try:
        return Path(path).read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
