"""Unpack a backup into folders of its own, and prove what came out."""

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from usenet_stack.backup.crew import Crew
from usenet_stack.backup.members import Member
from usenet_stack.backup.placing import Placer
from usenet_stack.backup.proving import prove_database
from usenet_stack.backup.reading import Archive, Entry
from usenet_stack.backup.restoring.places import Only
from usenet_stack.backup.rules import TYPES, Rules, Type, rules_of
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import Secrets, parse_env
from usenet_stack.stack.service import Backup, Service

SETTINGS, SECRETS = b"stack/stack.toml", b"stack/.env"
OLD_SECRETS = b"stack/old-tool/.env"
LARGEST_SETTINGS = 1024 * 1024


class Scope(NamedTuple):
    """What of a service's folder a restore is about.

    Args:
        rules: of the type of the backup.
        only: "settings" or "databases"; "" is both and all else.
    """

    rules: Rules
    only: Only

    def covers(self, below: str, kind: str = "") -> bool:
        """Tell whether a file comes from the backup, not from the disk.

        Args:
            below: "/config.xml".
            kind: the manifest's, where the backup holds it.
        """
        if not kind and not self.rules.takes(below, folder=False):
            return False
        if not self.only:
            return True
        base = kind in ("database", "live")
        base = base or self.rules.why(below) == "database"
        base = base or self.rules.is_dumped(below)
        if self.only == "databases":
            return base
        return not base and self.rules.why(below) == "settings"


def scope_of(type: str, service: Service, only: Only) -> Scope:
    """Return what a restore from a backup of that type is about."""
    known: Type = next((t for t in TYPES if t == type), "full")
    return Scope(rules_of(known, service.backup or Backup()), only)


class Stager:
    """Puts the members of services into their spare folders.

    Args:
        tops: the folder of each service; made here, private.
        scopes: what is wanted of each.
        owners: (uid, gid) of the files of this stack.
        same_owners: keep those of the backup, whoever they are here.
    """

    def __init__(
        self,
        tops: Mapping[str, Path],
        scopes: Mapping[str, Scope],
        owners: tuple[int, int],
        same_owners: bool = False,
    ) -> None:
        self._tops = tops
        self.scopes = scopes
        self._own = owners
        self._theirs = owners
        self._same_owners = same_owners
        self._placers: dict[str, Placer] = {}
        self._placed: set[bytes] = set()
        self._folders: dict[str, Member] = {}
        self.mapped: list[str] = []
        self.secrets = Secrets({})
        self.settings: dict[str, Any] = {}

    def take(self, archive: Archive) -> None:
        """Unpack what is wanted; the rest is read, for the seal.

        Raises:
            ValueError, OSError: as `Placer.place`.
        """
        databases = 0
        with Crew() as crew:
            for entry in archive.members():
                databases += entry.record.kind == "database"
                if entry.member.name == SETTINGS:
                    self._learn_settings(entry)
                elif entry.member.name in (SECRETS, OLD_SECRETS):
                    self._learn_secrets(entry)
                elif entry.member.name.startswith(b"config/"):
                    self._take(entry, crew)
            # Before folders get their times: each makes files beside it.
            crew.wait()
        if databases != archive.manifest.databases:
            raise ValueError("its manifest counts other databases than it has")
        for service, placer in self._placers.items():
            placer.finish(self._folders[service])

    @property
    def services(self) -> list[str]:
        """Those that the backup held something of."""
        return list(self._placers)

    def _take(self, entry: Entry, crew: Crew) -> None:
        member = self._mapped(entry.member)
        front, _, rest = member.name.removeprefix(b"config/").partition(b"/")
        service = os.fsdecode(front)
        if service not in self._tops:
            return
        top = self._tops[service]
        if not rest:
            if member.type != "folder":
                raise ValueError(f"{entry.record.name} is no folder")
            top.mkdir(mode=0o700)
            self._placers[service] = Placer(top)
            self._folders[service] = member
            return
        below = f"/{os.fsdecode(rest)}"
        wanted = self.scopes[service].covers(below, entry.record.kind)
        if member.type != "folder" and not wanted:
            return
        placer = self._placers[service]
        if member.type == "hardlink":
            if member.target not in self._placed:
                raise ValueError(f"{entry.record.name} is linked elsewhere")
            mine = member.target.partition(b"/")[2].partition(b"/")
            if mine[0] != front:
                raise ValueError(f"{entry.record.name} is linked elsewhere")
            crew.wait()
            placer.link(rest, mine[2])
        elif entry.record.kind == "database":
            placer.place(rest, member, entry.content)
            crew.do(
                partial(prove_database, Path(f"{top}{below}"), entry.record)
            )
        else:
            crew.place(placer, rest, member, entry.content)
        self._placed.add(member.name)

    # -- another machine ---------------------------------------------------

    def _learn_settings(self, entry: Entry) -> None:
        text = _text(entry)
        with suppress(tomllib.TOMLDecodeError):
            self.settings = tomllib.loads(text)
        own = self.settings.get("stack")
        if isinstance(own, dict):
            self._learn_owners(own.get("puid"), own.get("pgid"))

    def _learn_secrets(self, entry: Entry) -> None:
        text = _text(entry)
        with suppress(UsenetError):
            self.secrets = parse_env(text)
        if entry.member.name == OLD_SECRETS:
            # The old tool kept its settings there as well.
            ids = (self.secrets.get("PUID"), self.secrets.get("PGID"))
            self._learn_owners(*(id and id.reveal() for id in ids))

    def _learn_owners(self, uid: object, gid: object) -> None:
        try:
            theirs = (int(str(uid)), int(str(gid)))
        except ValueError:
            return
        if self._same_owners or theirs == self._own:
            return
        self._theirs = theirs
        self.mapped.append(
            f"files of {theirs[0]}:{theirs[1]} belong to "
            f"{self._own[0]}:{self._own[1]} here"
        )

    def _mapped(self, member: Member) -> Member:
        if self._theirs == self._own:
            return member
        uid = self._own[0] if member.uid == self._theirs[0] else member.uid
        gid = self._own[1] if member.gid == self._theirs[1] else member.gid
        return member._replace(uid=uid, gid=gid)


def _text(entry: Entry) -> str:
    """Return a file of settings; "": it is far too long for one.

    Raises:
        ValueError: it is not what was packed.
    """
    if entry.member.size > LARGEST_SETTINGS:
        return ""
    return b"".join(entry.content.pieces()).decode(errors="replace")


def owners_of(stack: Stack) -> tuple[int, int]:
    """Return whose the files of a stack are."""
    return (stack.settings.stack.puid, stack.settings.stack.pgid)
