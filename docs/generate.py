"""Write the reference pages that follow from the program's own data.

    python docs/generate.py            writes them
    python docs/generate.py --check    exits with 1 when one is out of date

The sources are the descriptions of the commands, the table of errors and the
catalogue of services: what the program runs by is what the pages say.
"""

import difflib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import dedent, fill

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "src"))

from usenet_stack.cli.parse import parse  # noqa: E402
from usenet_stack.cli.registry import (  # noqa: E402
    GLOBAL_OPTIONS,
    SECTIONS,
    load,
)
from usenet_stack.cli.spec import Argument, Command, Group, Option  # noqa: E402
from usenet_stack.cli.usage import usage_line  # noqa: E402
from usenet_stack.errors import ERRORS, Exit  # noqa: E402
from usenet_stack.stack.catalog import Catalog, load_catalog  # noqa: E402
from usenet_stack.stack.service import Port, Service, Volume  # noqa: E402

MARK = "<!-- Written by docs/generate.py: do not edit. -->"
WIDTH = 80

AREAS = {
    "": "The front door",
    "stack": "The stack",
    "catalog": "Service files",
    "settings": "stack.toml",
    "config": "Editing stack.toml",
    "env": "Secrets",
    "secret": "Secrets",
    "service": "Names",
    "group": "Names",
    "profile": "Names",
    "port": "Ports",
    "network": "Networks",
    "app": "The applications' APIs",
    "keys": "Keys",
    "deploy": "Deploy",
    "lock": "Transactions",
    "transaction": "Transactions",
    "journal": "Transactions",
    "validate": "Checks and fixes",
    "fix": "Checks and fixes",
    "docker": "Docker",
    "compose": "Compose",
    "image": "Images",
    "update": "Updates",
    "storage": "Storage",
    "backup": "Backups",
    "disk": "Files",
    "file": "Files",
}

EXITS = {
    Exit.OK: "All went well. A deploy with nothing to do is 0 too.",
    Exit.FAILURE: "An expected failure; the error says how to mend it. "
    "`usenet validate` exits with it when a check fails.",
    Exit.USAGE: "The command line cannot be right, or names what is not there.",
    Exit.PARTIAL: "Part of the work failed and the rest is done: a service "
    "that does not get well does not stop the others.",
    Exit.NO_STACK: "No stack was found, or the one named is none.",
    Exit.LOCKED: "Another run is changing the same stack.",
    Exit.AUTH: "An application refused our key or password.",
    Exit.ROLLED_BACK: "A step failed, and all was put back as it was.",
    Exit.ROLLBACK_FAILED: "A step failed, and not all could be put back. The "
    "error lists what to do by hand.",
    Exit.BUG: "A bug. The error names a report file without secrets.",
    Exit.INTERRUPTED: "Ctrl-C. The same command continues from there.",
}

KINDS = {
    "hex32": "32 hexadecimal digits, made",
    "base64": "33 random bytes in base64, made",
    "password": "24 letters and digits, made",
    "tapi": "`tapi_` and 24 letters and digits, made",
    "given": "given by you",
}

USERS = {
    "puid": "PUID:PGID, given to the image",
    "user": "PUID:PGID, set by Compose",
    "root": "root",
    "fixed": "the image's own",
}

GROUPS = {
    "media": "Media",
    "automation": "Automation",
    "download": "Download",
    "monitoring": "Monitoring",
    "sharing": "Sharing",
    "extra": "Extra (off by default)",
}


def pages() -> dict[str, str]:
    """Return every generated page: its path below docs/, and its text."""
    catalog = load_catalog()
    return {
        "reference/commands.md": commands_page(),
        "reference/errors.md": errors_page(),
        "reference/exit-codes.md": exit_codes_page(),
        "reference/services.md": services_page(catalog),
        "reference/secrets.md": secrets_page(catalog),
    }


def drifted(folder: Path) -> list[str]:
    """Return what differs between the pages in a folder and the data.

    Returns: the lines of a unified diff; none when all agree.
    """
    found: list[str] = []
    for name, wanted in pages().items():
        path = folder / name
        there = path.read_text("utf-8") if path.exists() else ""
        found += difflib.unified_diff(
            there.splitlines(), wanted.splitlines(), name, name, lineterm=""
        )
    return found


def write(folder: Path) -> None:
    """Write every page below a folder."""
    for name, text in pages().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


# -- building blocks ----------------------------------------------------------


def page(title: str, *blocks: str) -> str:
    """Return a page: its blocks with one empty line between them."""
    return "\n\n".join([f"# {title}", MARK, *filter(None, blocks)]) + "\n"


def prose(text: str) -> str:
    """Return text wrapped, paragraph by paragraph."""
    parts = dedent(text).strip().split("\n\n")
    return "\n\n".join(_wrapped(part) for part in parts)


def bullet(text: str) -> str:
    """Return one item of a list, wrapped."""
    return _wrapped(text, "- ", "  ")


def _wrapped(text: str, first: str = "", more: str = "") -> str:
    return fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=more,
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table."""
    names = list(heads)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "\n".join(f"| {' | '.join(_cells(line))} |" for line in lines)


def _cells(line: list[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in line]


def anchor(heading: str) -> str:
    """Return the name by which a link reaches a heading."""
    kept = (c for c in heading.lower() if c.isalnum() or c in " -_")
    return "".join(kept).replace(" ", "-")


def link(text: str, file: str = "") -> str:
    """Return a link to a heading of the same words."""
    return f"[{text}]({file}#{anchor(text)})"


def code(text: str) -> str:
    """Return text as code, or "" for nothing."""
    return f"`{text}`" if text else ""


def fenced(text: str, kind: str) -> str:
    return f"```{kind}\n{text}\n```"


# -- commands -----------------------------------------------------------------


def commands_page() -> str:
    """Return the page of every command."""
    intro = """
        What `usenet help COMMAND` says, all on one page. `[X]` may be left
        out, `X...` may be several.
    """
    blocks = [prose(intro), _contents(), "## Global options"]
    blocks.append(
        prose("They may stand before or after the command, with every command.")
    )
    blocks.append(_options(GLOBAL_OPTIONS))
    for _, entries in SECTIONS:
        for entry in entries:
            topic = load(entry.name)
            if isinstance(topic, Group):
                blocks += _noun(topic)
            else:
                blocks += _command(topic, "##")
    return page("Commands", *blocks)


def _contents() -> str:
    lines = []
    for title, entries in SECTIONS:
        lines.append(f"- {title}")
        for entry in entries:
            topic = load(entry.name)
            name = link(f"usenet {entry.name}")
            lines.append(f"  - {name}: {_lower(entry.summary)}")
            if isinstance(topic, Group):
                lines += [
                    f"    - {link(f'usenet {c.path}')}: {_lower(c.summary)}"
                    for c in topic.commands
                ]
    return "\n".join(lines)


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _noun(group: Group) -> Iterator[str]:
    yield f"## usenet {group.path}"
    yield prose(f"{group.summary}.")
    yield prose(group.description)
    for command in group.commands:
        yield from _command(command, "###")


def _command(command: Command, level: str) -> Iterator[str]:
    yield f"{level} usenet {command.path}"
    yield prose(f"{command.summary}.")
    yield fenced(_usage(command), "text")
    yield prose(command.description)
    if command.one_of:
        ways = ", ".join(map(code, command.one_of[:-1]))
        yield prose(f"One of {ways} or {code(command.one_of[-1])} is needed.")
    if command.arguments:
        yield _arguments(command.arguments)
    if command.options:
        yield _options(command.options)
    if command.examples:
        yield fenced("\n".join(_examples(command)), "sh")
    yield "\n".join(_ending(command))


def _usage(command: Command) -> str:
    words = usage_line(command).replace(" [", "\n[").split("\n")
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) >= WIDTH:
            lines.append(f"    {word}")
        else:
            lines[-1] += f" {word}"
    return "\n".join(lines)


def _arguments(arguments: Iterable[Argument]) -> str:
    rows = [
        (
            code(argument.name + ("..." if argument.many else "")),
            _with_choices(argument.help, argument.choices),
            "yes" if argument.required else "no",
        )
        for argument in arguments
    ]
    return table(("Argument", "Meaning", "Required"), rows)


def _options(options: Iterable[Option]) -> str:
    rows = []
    for option in options:
        names = ", ".join(code(name) for name in option.names)
        value = f" {code(option.metavar)}" if option.metavar else ""
        rows.append((names + value, _with_choices(option.help, option.choices)))
    return table(("Option", "Meaning"), rows)


def _with_choices(text: str, choices: Iterable[str]) -> str:
    words = ", ".join(map(code, choices))
    return f"{text}: {words}" if words else text


def _examples(command: Command) -> Iterator[str]:
    for line, told in command.examples:
        yield f"# {told}"
        yield line


def _ending(command: Command) -> Iterator[str]:
    if command.errors:
        errors = ", ".join(link(name, "errors.md") for name in command.errors)
        yield bullet(f"Common errors: {errors}")
    if command.see_also:
        names = ", ".join(_see(name) for name in command.see_also)
        yield bullet(f"See also: {names}")


def _see(name: str) -> str:
    topic = parse([*name.split(), "--help"]).topic
    assert topic is not None
    return link(f"usenet {topic.path}")


# -- errors -------------------------------------------------------------------


def errors_page() -> str:
    """Return the page of every error."""
    intro = """
        Every error has a code, which `--format json` prints, a message, and
        the command that mends it. Words in `<...>` are filled in when it
        happens. The exit codes are explained in
        [exit-codes.md](exit-codes.md).
    """
    blocks = [prose(intro)]
    areas: dict[str, list[str]] = {}
    for name in ERRORS:
        area = name.split(".")[0] if "." in name else ""
        areas.setdefault(AREAS[area], []).append(name)
    for title, names in areas.items():
        blocks.append(f"## {title}")
        for name in names:
            blocks += _error(name)
    return page("Errors", *blocks)


def _error(name: str) -> Iterator[str]:
    kind = ERRORS[name]
    yield f"### {name}"
    if name == "usage":
        yield prose(
            "The command line cannot be right. The message names what is "
            "wrong with it, the nearest word that there is, and all of them."
        )
        yield "Exit code 2."
        return
    lines = f"error: {_shown(kind.message)}\n  fix: {_shown(kind.hint)}"
    yield fenced(lines, "text")
    yield f"Exit code {int(kind.exit)}."


def _shown(template: str) -> str:
    # Some are empty or bring their own space: "{hint}These exist".
    plain = re.sub(r"\}(?=[A-Z{])", "} ", template.replace(":g}", "}"))
    return plain.replace("{", "<").replace("}", ">")


def exit_codes_page() -> str:
    """Return the page of the exit codes."""
    rows = []
    for exit_code in Exit:
        names = [n for n, kind in ERRORS.items() if kind.exit is exit_code]
        led = ", ".join(link(name, "errors.md") for name in names)
        if len(names) > 8:
            led = f"{len(names)} of the [errors](errors.md)"
        if not names:
            led = "none" if exit_code is Exit.OK else "none yet"
        rows.append((str(int(exit_code)), EXITS[exit_code], led))
    more = """
        `usenet services exec` ends with the exit code of the program that
        it ran. When the reader of a pipe goes away, as in
        `usenet help | head -1`, the code is 141, as for any other program.
    """
    shown = table(("Code", "Meaning", "Errors that lead to it"), rows)
    return page("Exit codes", shown, prose(more))


# -- services -----------------------------------------------------------------


def services_page(catalog: Catalog) -> str:
    """Return the page of every service of the catalogue."""
    on = sum(service.default for service in catalog.values())
    intro = f"""
        The catalogue knows {len(catalog)} services. A new stack has {on} of
        them; the others are turned on with
        `usenet config set services.enable NAME`.

        Ports are shown as they are on your machine, with the container's own
        port in brackets where it differs. All of them can be moved, see
        [stack-toml.md](stack-toml.md). What a word here means for the
        program stands in [service-file.md](service-file.md).
    """
    heads = (
        "Service",
        "Group",
        "On",
        "Image",
        "Ports",
        "User",
        "Key",
        "Health",
        "Deprecated",
    )
    rows = [_row(service) for service in catalog.values()]
    blocks = [prose(intro), table(heads, rows)]
    for group in catalog.groups():
        blocks.append(f"## {GROUPS[group]}")
        for service in catalog.in_group(group):
            blocks += _service(service)
    return page("Services", *blocks)


def _row(service: Service) -> tuple[str, ...]:
    return (
        link(service.name),
        service.group,
        "yes" if service.default else "no",
        code(service.image),
        ", ".join(map(_port, service.ports)) or "none",
        service.user,
        service.key.where,
        service.health.kind,
        "yes" if service.deprecated else "",
    )


def _port(port: Port) -> str:
    inside = f" ({port.container})" if port.usual != port.container else ""
    udp = "/udp" if port.protocol == "udp" else ""
    return f"{port.usual}{udp}{inside}"


def _service(service: Service) -> Iterator[str]:
    yield f"### {service.name}"
    yield prose(f"{service.title}: {_lower(service.description)}")
    yield "\n".join(bullet(line) for line in _facts(service))


def _facts(service: Service) -> Iterator[str]:
    yield f"Page: <{service.upstream}>"
    yield f"Image: {code(service.image)}"
    if service.aliases:
        yield f"Also called: {', '.join(map(code, service.aliases))}"
    if service.deprecated:
        yield f"Deprecated: {service.deprecated_reason}."
    if service.notes:
        yield f"Mind: {service.notes}"
    for port in service.ports:
        yield f"Port {_port(port)}: {port.name}{_page_of(port)}"
    for volume in service.volumes:
        yield f"Folder {_volume(service, volume)}"
    for folder in service.folders:
        yield f"Makes {code(folder)}"
    user = USERS[service.user]
    yield f"User: {user}{f' ({service.uid})' if service.uid else ''}"
    yield f"Key: {_key(service)}"
    yield f"Health: {_health(service)}"
    yield f"Starts: {_tier(service)}; {service.stop_seconds} s to stop"
    yield f"Share of the machine: {service.weight}"
    rights = [*service.capabilities, *service.devices, *service.security_opt]
    rights += [f"pid {service.pid}"] if service.pid else []
    if rights:
        yield f"Rights: {', '.join(map(code, rights))}"
    if service.gpu:
        yield "Uses a graphics processor where there is one"
    if service.needs:
        yield f"Talks to: {', '.join(map(link, service.needs))}"


def _page_of(port: Port) -> str:
    return f", a page ({port.scheme})" if port.scheme else ""


def _volume(service: Service, volume: Volume) -> str:
    below = {
        "config": f"config/{service.name}/{volume.source}",
        "cache": f"cache/{service.name}/{volume.source}",
        "data": "data",
        "host": volume.source,
    }[volume.kind]
    left = below.rstrip("/") or "/"
    read = ", read only" if volume.read_only else ""
    return f"{code(left)} is {code(volume.target)} inside{read}"


def _key(service: Service) -> str:
    key = service.key
    secret = link_secret(key.secret)
    return {
        "none": "it has none, or none that we know",
        "env": f"{secret}, given to it as {code(key.env)}",
        "file": f"{secret}, written into {code(key.file)}",
        "api": "made by the application itself",
    }[key.where]


def link_secret(name: str) -> str:
    """Return a link to a secret's line."""
    return f"[`{name}`](secrets.md)" if name else ""


def _health(service: Service) -> str:
    health = service.health
    if health.kind == "container":
        return "the state of its container"
    if health.kind == "tcp":
        return f"a connection to port {service.health_port}"
    answers = ", ".join(map(str, health.status))
    what = f"{health.method} {health.path}"
    limit = f"up to {health.limit_seconds} s for a first start"
    return f"{code(what)} answers {answers}; {limit}"


def _tier(service: Service) -> str:
    if service.tier == "any":
        return "at any time"
    return {
        "download": "first, with the download clients",
        "automation": "after the download clients",
        "media": "last, after the automation",
    }[service.tier]


# -- secrets ------------------------------------------------------------------


def secrets_page(catalog: Catalog) -> str:
    """Return the page of every secret."""
    intro = """
        They stand in `.env` in the stack's folder, mode 0600. A deploy adds
        those that are missing and never changes one that is there. Only the
        services that are on need theirs. How they are kept out of everything
        else is told in [security.md](../explanation/security.md).
    """
    rows = [
        (
            code(secret.name),
            link(service.name, "services.md"),
            secret.title,
            KINDS[secret.kind] + (", optional" if secret.optional else ""),
            "; ".join(_ways(service, secret.name)) or "not yet",
        )
        for service in catalog.values()
        for secret in service.secrets
    ]
    heads = (
        "Name",
        "Service",
        "What it is",
        "Value",
        "How the service gets it",
    )
    none = [s.name for s in catalog.values() if not s.secrets]
    rest = f"""
        "Not yet" stands where the application takes its password through
        its API alone: this version makes one and does not set it there.
        Give it to the application yourself when it asks for a password at
        the first visit.

        These have no secret in `.env`: {", ".join(none)}.
    """
    return page("Secrets", prose(intro), table(heads, rows), prose(rest))


def _ways(service: Service, name: str) -> Iterator[str]:
    token = f"${{{name}}}"
    for variable, value in service.environment.items():
        if token in value:
            yield f"environment {code(variable)}"
    for seed in service.seeds:
        if token in seed.text:
            yield f"file {code(f'config/{service.name}/{seed.path}')}"


def main(words: list[str]) -> int:
    """Write the pages, or check them; return the exit code."""
    if words == ["--check"]:
        lines = drifted(FOLDER)
        if lines:
            lines.append("Out of date. Mend it with: python docs/generate.py")
            sys.stdout.write("\n".join(lines) + "\n")
        return 1 if lines else 0
    if words:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    write(FOLDER)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
