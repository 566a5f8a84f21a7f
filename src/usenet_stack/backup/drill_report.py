"""How a drill went: what is kept of it, and told."""

from typing import Literal

import msgspec

from usenet_stack.backup.restoring.checks import numbers
from usenet_stack.errors import UsenetError

# real: from the stack's own image; simulated: by the program that stands
# for it in a sandbox; skipped: not at all, as it needs the machine itself.
How = Literal["real", "simulated", "skipped"]


class Tried(msgspec.Struct, frozen=True):
    """How one database fared.

    Args:
        name: in the archive.
        ok: it opened and held what it should.
        why: what is wrong; "" if nothing is.
    """

    name: str
    ok: bool
    why: str = ""

    @property
    def error(self) -> UsenetError:
        """What is told of one that failed."""
        return UsenetError("backup.drill", name=self.name, why=self.why)


class Started(msgspec.Struct, frozen=True):
    """How one service fared.

    Args:
        name: of the service.
        ok: it got ready on what was restored; None: it was not tried.
        why: what is wrong, or why it was skipped or half tried; or "".
        version: of the application that was started, where it is known.
        data_version: of the one that wrote what is in the backup.
    """

    name: str
    ok: bool | None
    why: str = ""
    how: How = "simulated"
    version: str = ""
    data_version: str = ""

    @property
    def is_older(self) -> bool:
        """Whether the application is older than its data."""
        here, data = self.version, self.data_version
        return bool(here and data) and numbers(here) < numbers(data)

    @property
    def error(self) -> UsenetError:
        """What is told of one that failed."""
        if self.is_older:
            return UsenetError(
                "backup.older-app",
                service=self.name,
                have=self.version,
                need=self.data_version,
            )
        return UsenetError("backup.drill", name=self.name, why=self.why)


class Report(msgspec.Struct, frozen=True):
    """How a drill went; kept in `.usenet/backup-drill.json`.

    Args:
        began: seconds since 1970.
        seconds: how long it took, with the removal.
    """

    backup: str
    began: float
    services: tuple[Started, ...] = ()
    databases: tuple[Tried, ...] = ()
    rows: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[Started | Tried, ...]:
        """What did not start, or is not as it was."""
        tried: list[Started | Tried] = [*self.services, *self.databases]
        return tuple(each for each in tried if each.ok is False)

    @property
    def ok(self) -> bool:
        """Whether nothing that was tried failed."""
        return not self.failed
