"""sabnzbd.ini: sections, and named sections inside sections."""

from __future__ import annotations

from pathlib import Path

from ..routing import Json

Config = dict[str, dict[str, Json]]
NESTED = ("servers", "categories", "rss", "sorters")
_NEWEST = 19


def read(path: Path) -> Config:
    """Parse the file.

    Raises:
        ValueError: it was written by a newer version, or is broken.
    """
    config: Config = {}
    section: dict[str, Json] = {}
    for line in path.read_text().splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("[["):
            inner: dict[str, Json] = {}
            list(config.values())[-1][text.strip("[]").strip()] = inner
            section = inner
        elif text.startswith("["):
            section = config.setdefault(text.strip("[]").strip(), {})
        else:
            name, found, value = text.partition("=")
            if not found:
                raise ValueError(f"{path} is broken at: {text[:40]}")
            if name.strip() == "__version__" and int(value) > _NEWEST:
                raise ValueError(f"{path} was written by a newer version")
            section[name.strip()] = value.strip().strip('"')
    return config


def write(path: Path, config: Config) -> None:
    """Replace the file; the old one stays as `sabnzbd.ini.bak`."""
    lines = [f"__version__ = {_NEWEST}", "__encoding__ = utf-8"]
    for name, section in config.items():
        lines.append(f"[{name}]")
        for key, value in section.items():
            if isinstance(value, dict):
                lines.append(f"[[{key}]]")
                lines += [f"{k} = {_quoted(v)}" for k, v in value.items()]
            else:
                lines.append(f"{key} = {_quoted(value)}")
    draft = path.with_name("sabnzbd.ini.new")
    draft.touch(0o600)
    draft.write_text("\n".join(lines) + "\n")
    if path.exists():
        path.replace(path.with_name("sabnzbd.ini.bak"))
    draft.replace(path)


def _quoted(value: Json) -> str:
    text = str(value)
    return text if text else '""'


def load(path: Path) -> Config | None:
    """The file, or its backup when it is missing or broken."""
    for each in (path, path.with_name("sabnzbd.ini.bak")):
        if each.exists():
            try:
                return read(each)
            except IndexError:
                continue
    return None
