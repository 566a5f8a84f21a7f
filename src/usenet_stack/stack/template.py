"""The text of a new stack's `stack.toml`, with comments that explain it."""

from collections.abc import Mapping
from typing import NamedTuple


class NewStack(NamedTuple):
    """What differs between new stacks; see `settings.StackTable`."""

    name: str
    sandbox: bool = False
    timezone: str = "Etc/UTC"
    puid: int = 1000
    pgid: int = 1000
    profile: str = "balanced"
    bind: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    ports: Mapping[str, Mapping[str, int]] = {}


_TEXT = """\
# This folder is a stack. After a change run: {deploy}
# Each setting is explained in docs/reference/stack-toml.md.

[stack]
name = {name}
{sandbox}# dedicated, balanced, light, or one of your own (see [profiles] below)
profile = {profile}
timezone = {timezone}
# Owner of everything that the services write: your own ids (see: id).
puid = {puid}
pgid = {pgid}
umask = "002"
# Where the ports open. 127.0.0.1: only this machine.
bind = {bind}
# Names and addresses under which browsers reach this machine.
hosts = {hosts}

[services]
# Beyond the default set, for example ["plex", "homepage"].
enable = {enable}
# Of the default set, for example ["tdarr"].
disable = {disable}

[paths]
# Relative paths are below this folder. Keep config off network drives:
# SQLite databases break there.
config = "config"
cache = "cache"
# Media and downloads share this one folder, so that hard links work.
data = "data"

[pool]
# Media drives appear in data/media, one folder each.
layout = "separate"

# A profile of your own, for stack.profile:
# [profiles.quiet]
# heavy = {{ cpus = 0.25, memory = 0.25 }}

[ports]
# Where another program has the usual port, for example: sonarr = 18989
{ports}"""


def new_settings_text(new: NewStack) -> str:
    """Return a commented `stack.toml` for a new stack."""
    sandbox = "# Simulated applications: for trying it out.\nsandbox = true\n"
    return _TEXT.format(
        name=_quoted(new.name),
        deploy="usenet deploy --sandbox" if new.sandbox else "usenet deploy",
        sandbox=sandbox if new.sandbox else "",
        profile=_quoted(new.profile),
        timezone=_quoted(new.timezone),
        puid=new.puid,
        pgid=new.pgid,
        bind=_quoted(new.bind),
        hosts=_listed(new.hosts),
        enable=_listed(new.enable),
        disable=_listed(new.disable),
        ports=_port_lines(new.ports),
    )


def _quoted(text: str) -> str:
    import json

    # JSON's string is a TOML basic string, but for DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _listed(items: tuple[str, ...]) -> str:
    return f"[{', '.join(_quoted(item) for item in items)}]"


def _port_lines(ports: Mapping[str, Mapping[str, int]]) -> str:
    lines = []
    for service, chosen in ports.items():
        pairs = ", ".join(f"{name} = {port}" for name, port in chosen.items())
        lines.append(f"{service} = {{ {pairs} }}\n")
    return "".join(lines)
