"""Load the catalogue: shipped service files, and the user's on top."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from usenet_stack.errors import UsenetError
from usenet_stack.stack import compiled
from usenet_stack.stack.checks import Problem, allowed_words, convert
from usenet_stack.stack.names import CATALOG_FOLDER, meant
from usenet_stack.stack.service import GROUPS, Group, Service
from usenet_stack.stack.soundness import problems
from usenet_stack.stack.toml_lines import key_lines, line_of, syntax_error


class Catalog(Mapping[str, Service]):
    """All services by name, in the order of their groups."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        ordered = sorted(
            services.values(), key=lambda s: (GROUPS.index(s.group), s.name)
        )
        self._services = {service.name: service for service in ordered}
        self._aliases = {
            alias: service.name
            for service in ordered
            for alias in service.aliases
        }

    def __getitem__(self, name: str) -> Service:
        return self._services[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)

    def resolve(self, name: str) -> Service:
        """Return the service called `name`, or known by it earlier.

        Raises:
            UsenetError: service.unknown, with the nearest name.
        """
        wanted = name.strip().lower()
        wanted = self._aliases.get(wanted, wanted)
        if wanted in self._services:
            return self._services[wanted]
        raise UsenetError(
            "service.unknown",
            name=name,
            meant=meant(name, [*self._services, *self._aliases]),
            details=(f"There is: {', '.join(self._services)}",),
        )

    def groups(self) -> tuple[Group, ...]:
        """Return the groups that hold a service."""
        held = {service.group for service in self._services.values()}
        return tuple(group for group in GROUPS if group in held)

    def in_group(self, group: str) -> tuple[Service, ...]:
        """Return the services of one group.

        Raises:
            UsenetError: group.unknown.
        """
        if group not in GROUPS:
            raise UsenetError(
                "group.unknown",
                name=group,
                meant=meant(group, GROUPS),
                details=(f"There is: {', '.join(GROUPS)}",),
            )
        return tuple(s for s in self._services.values() if s.group == group)


class _UserFile(NamedTuple):
    path: Path
    text: str
    raw: dict[str, Any]

    def fault(self, problem: Problem) -> str:
        lines = key_lines(self.text)
        line = line_of(lines, problem.path) or 1
        key = f" {problem.key}:" if problem.path else ""
        return f"{self.path}:{line}:{key} {problem.reason}"


def load_catalog(user_dir: Path | None = None) -> Catalog:
    """Return the shipped services with the user's on top.

    Args:
        user_dir: the `services.d` folder of a stack, which may be missing.
            A file there adds a service, or changes the shipped one of the
            same name: tables are merged, anything else is replaced.

    Raises:
        UsenetError: catalog.invalid with file, line, key and reason of
            each bad file.
    """
    raw = compiled.load_shipped(CATALOG_FOLDER)
    faults: list[str] = []
    files = _read_user_files(user_dir, faults)
    services: dict[str, Service] = {}
    for name in sorted({*raw, *files}):
        own = files.get(name)
        merged = _merge(raw.get(name, {}), own.raw if own else {})
        made = _make(name, merged)
        if isinstance(made, Service):
            services[name] = made
        else:
            path = own.path if own else CATALOG_FOLDER / f"{name}.toml"
            own = own or _UserFile(path, path.read_text(), merged)
            faults += [own.fault(problem) for problem in made]
    faults += _alias_faults(services, files)
    if faults:
        raise _invalid(faults)
    return Catalog(services)


def _make(name: str, raw: dict[str, Any]) -> Service | list[Problem]:
    if raw.get("name", name) != name:
        return [Problem(("name",), f"the file's name makes it {name!r}")]
    raw = {"title": name.replace("-", " ").title(), **raw, "name": name}
    made = convert(raw, Service)
    if isinstance(made, Problem):
        words = allowed_words(Service, made.path)
        if words and "allowed words" in made.reason:
            reason = f"{made.reason}: {', '.join(words)}"
            made = made._replace(reason=reason)
        return [made]
    return list(problems(made)) or made


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merge(old, value)
        else:
            merged[key] = value
    return merged


def _read_user_files(
    folder: Path | None, faults: list[str]
) -> dict[str, _UserFile]:
    files: dict[str, _UserFile] = {}
    if folder is None or not folder.is_dir():
        return files
    for path in sorted(folder.glob("*.toml")):
        try:
            text = path.read_text("utf-8")
            files[path.stem] = _UserFile(path, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            line, reason = syntax_error(error, text)
            faults.append(f"{path}:{line}: {reason}")
        except UnicodeDecodeError:
            faults.append(f"{path}:1: is not UTF-8 text")
        except OSError as error:
            faults.append(f"{path}:1: cannot be read: {error.strerror}")
    return files


def _alias_faults(
    services: Mapping[str, Service], files: Mapping[str, _UserFile]
) -> list[str]:
    faults: list[str] = []
    owners: dict[str, str] = {name: name for name in services}
    # The user's services come last, so that a clash is told of their file.
    for name in sorted(services, key=lambda name: (name in files, name)):
        for index, alias in enumerate(services[name].aliases):
            other = owners.setdefault(alias, name)
            if other == name:
                continue
            path = files[name].path if name in files else name
            problem = Problem(
                ("aliases", index), f"{alias!r} already means {other}"
            )
            faults.append(
                files[name].fault(problem)
                if name in files
                else f"{path}: aliases: {problem.reason}"
            )
    return faults


def _invalid(faults: list[str]) -> UsenetError:
    more = len(faults) - 1
    return UsenetError(
        "catalog.invalid",
        fault=faults[0],
        more=f" (and {more} more)" if more else "",
        file=faults[0].split(":", 1)[0],
        details=tuple(faults),
    )
