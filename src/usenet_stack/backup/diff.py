"""What differs between two backups, or a backup and the live stack."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from usenet_stack.backup.manifest import FileRecord
from usenet_stack.backup.reading import Archive, open_archive
from usenet_stack.backup.rules import rules_of
from usenet_stack.backup.scratch import scratch
from usenet_stack.backup.selection import Choice
from usenet_stack.backup.verify import readable
from usenet_stack.backup.writing import Words, write_archive
from usenet_stack.result import Result
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import Backup

LIVE = "live"
LARGEST_SETTINGS = 1024 * 1024
SECRET = re.compile(r"key|pass|token|secret|auth|cookie|salt|user", re.I)
_LINES = (
    re.compile(r"^\s*<(?P<key>[\w.]+)>(?P<value>.*)</"),
    re.compile(r'^\s*"(?P<key>[^"]+)"\s*:\s*(?P<value>.*?),?\s*$'),
    re.compile(r"^\s*(?P<key>[\w.\-]+)\s*[:=]\s*(?P<value>.*?)\s*$"),
)


class Side:
    """One side of a comparison: its files, and the text of its settings."""

    def __init__(self) -> None:
        self.files: dict[str, FileRecord] = {}
        self.settings: dict[str, dict[str, str]] = {}


def diff_backups(
    stack: Stack, old: Path, new: Path | None, identity: Path | None = None
) -> Result:
    """Compare a backup with another, or with the stack as it is now.

    Args:
        new: None is the live stack, of which the same is taken as of `old`.

    Returns: `files` with `added[]`, `removed[]`, `changed[]`; `settings[]`
        with `file`, `key`, `old`, `new` (no secret is shown); `rows[]` with
        `database`, `table`, `old`, `new`.
    Raises:
        UsenetError: backup.damaged, backup.locked-up, backup.database.
    """
    with readable(old, identity) as plain, open_archive(plain) as archive:
        first = _read(stack, archive)
        manifest = archive.manifest
    names = tuple(manifest.service_names)
    choice = Choice(manifest.type, names)  # type: ignore[arg-type]
    with (
        _other(stack, choice, new, identity) as other,
        open_archive(other) as archive,
    ):
        second = _read(stack, archive)
    return Result(
        {
            "old": str(old),
            "new": str(new) if new else LIVE,
            "files": _files(first, second),
            "settings": list(_settings(first, second)),
            "rows": list(_rows(first, second)),
        }
    )


@contextmanager
def _other(
    stack: Stack, choice: Choice, new: Path | None, identity: Path | None
) -> Iterator[Path]:
    if new is not None:
        with readable(new, identity) as plain:
            yield plain
        return
    on = {s.name for s in stack.services}
    there = tuple(
        name
        for name in choice.services
        if name in on and stack.config_folder(stack.catalog[name]).is_dir()
    )
    live = Choice(choice.type, there)
    with scratch() as folder:
        yield write_archive(
            *(stack, live, Words(), folder, "zstd", {}),
            lambda _done: None,
            guarded=False,
        )[0]


def _read(stack: Stack, archive: Archive) -> Side:
    side = Side()
    for member, record, content in archive.members():
        name = record.name
        if member.type == "folder":
            continue
        side.files[name] = record
        if _is_settings(stack, name) and member.size <= LARGEST_SETTINGS:
            text = b"".join(content.pieces()).decode(errors="replace")
            side.settings[name] = _keys(name, text)
    return side


def _is_settings(stack: Stack, name: str) -> bool:
    root, _, rest = name.partition("/")
    if root == "stack":
        return True
    service, _, below = rest.partition("/")
    found = stack.catalog.get(service)
    backup = found.backup if found else Backup()
    return rules_of("minimal", backup).takes(f"/{below}", folder=False)


def _keys(name: str, text: str) -> dict[str, str]:
    """Return the settings of a file by key; a secret's value as a digest.

    A file of another form has none, and counts as a file only.
    """
    found: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        if heading := re.match(r"^\s*\[+([^\]]+)\]+\s*$", line):
            section = f"{heading[1]}."
        for pattern in _LINES:
            if match := pattern.match(line):
                found[section + match["key"]] = match["value"]
                break
    return found


def _shown(file: str, key: str, value: str | None) -> str | None:
    if value is None:
        return None
    hidden = file.endswith(".env") or SECRET.search(key) is not None
    return "(hidden)" if hidden else value


def _settings(old: Side, new: Side) -> Iterator[dict[str, Any]]:
    for name in sorted(old.settings.keys() & new.settings.keys()):
        before, after = old.settings[name], new.settings[name]
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                yield {
                    "file": name,
                    "key": key,
                    "old": _shown(name, key, before.get(key)),
                    "new": _shown(name, key, after.get(key)),
                }


def _files(old: Side, new: Side) -> dict[str, list[str]]:
    both = sorted(old.files.keys() & new.files.keys())
    return {
        "added": sorted(new.files.keys() - old.files.keys()),
        "removed": sorted(old.files.keys() - new.files.keys()),
        "changed": [n for n in both if _differ(old.files[n], new.files[n])],
    }


def _differ(old: FileRecord, new: FileRecord) -> bool:
    if old.kind == new.kind == "database" and old.rows != new.rows:
        return True
    return (old.kind, old.sha256) != (new.kind, new.sha256)


def _rows(old: Side, new: Side) -> Iterator[dict[str, Any]]:
    for name in sorted(old.files.keys() | new.files.keys()):
        before, after = (_counted(side.files.get(name)) for side in (old, new))
        for table in sorted(before.keys() | after.keys()):
            counts = before.get(table), after.get(table)
            if counts[0] != counts[1]:
                yield {
                    "database": name,
                    "table": table,
                    "old": counts[0],
                    "new": counts[1],
                }


def _counted(record: FileRecord | None) -> dict[str, int]:
    return (record.rows if record else None) or {}
