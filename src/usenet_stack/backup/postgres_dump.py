"""Dumps of PostgreSQL servers that a stack runs, made inside their containers.

A dump is plain SQL that a new, empty server runs as it is: the published
image runs what lies in `/docker-entrypoint-initdb.d` when its data folder is
empty. So a restored folder (no data, one dump) becomes the old server with
its next start, and nothing more is needed.

Source: PostgreSQL manual, "pg_dump", "pg_dumpall"; the image's own
documentation, "Initialization scripts".
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack
from usenet_stack.stack.service import POSTGRES_DUMP, Service

DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1"
# How each dump ends that is whole.
LAST_LINE = b"-- PostgreSQL database dump complete"
TAIL = 4096
LONGEST_COMPLAINT = 2000
_ROLE = re.compile(rb"^CREATE ROLE ([^;]+);$", re.MULTILINE)


class Dump(NamedTuple):
    """A dump that is to be packed.

    Args:
        name: in the archive.
        folder: of the archive that holds it.
        mode, uid, gid: who may read it; the server's own user has to.
    """

    name: str
    folder: str
    service: str
    copy: Path
    mode: int
    uid: int
    gid: int


def dumps(
    stack: Stack, services: Sequence[Service], staging: Path
) -> Iterator[Dump]:
    """Dump each server among some services into a private folder.

    Raises:
        UsenetError: backup.dump: it does not run, or pg_dump failed.
    """
    for number, service in enumerate(services):
        if service.backup.postgres is None:
            continue
        copy = staging / f"dump-{number}"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        with os.fdopen(os.open(copy, flags, 0o600), "wb") as file:
            _dump(stack, service, file)
        folder = f"config/{service.name}/{service.backup.postgres.dump}"
        uid, gid = _owner(stack, service)
        yield Dump(
            *(f"{folder}/{POSTGRES_DUMP}", folder, service.name, copy),
            *(0o600, uid, gid),
        )


def _owner(stack: Stack, service: Service) -> tuple[int, int]:
    assert service.backup.postgres is not None
    folder = stack.config_folder(service)
    data = folder / service.backup.postgres.data
    found = (data if data.is_dir() else folder).stat()
    return found.st_uid, found.st_gid


def _dump(stack: Stack, service: Service, file: IO[bytes]) -> None:
    assert service.backup.postgres is not None
    inside = _Inside(stack, service)
    user = f"--username={service.backup.postgres.user}"
    roles = inside.run("pg_dumpall", user, "--roles-only")
    file.write(b"\\connect template1\n")
    # The first role is there already when the dump is run.
    file.write(
        _ROLE.sub(
            rb"DO $do$ BEGIN CREATE ROLE \1; "
            rb"EXCEPTION WHEN duplicate_object THEN NULL; END $do$;",
            roles,
        )
    )
    listed = inside.run(
        *("psql", user, "--dbname=postgres", "--no-psqlrc"),
        *("--tuples-only", "--no-align", f"--command={DATABASES}"),
    )
    for name in listed.decode().splitlines():
        # The database that runs the dump cannot drop itself.
        file.write(b"\n\\connect template1\n")
        inside.stream(
            file,
            *("pg_dump", user, "--create", "--clean", "--if-exists"),
            f"--dbname={_connection(name)}",
        )


def _connection(name: str) -> str:
    """Return a connection string; a name alone could be one itself."""
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{quoted}'"


class _Inside:
    """Runs the server's own programs, which are of its very version."""

    def __init__(self, stack: Stack, service: Service) -> None:
        # A backup without PostgreSQL does not wait for this.
        from usenet_stack.docker.engine import SERVICE_LABEL, Engine

        self._engine = Engine()
        self._service = service
        self._container = next(
            (
                str(found["Id"])
                for found in self._engine.containers(stack.project)
                if found["Labels"].get(SERVICE_LABEL) == service.name
                and found.get("State") == "running"
            ),
            "",
        )
        if not self._container:
            raise self._failed("It does not run.")

    def run(self, *command: str) -> bytes:
        """Return what a command prints."""
        pieces: list[bytes] = []
        self._run(command, pieces.append)
        return b"".join(pieces)

    def stream(self, file: IO[bytes], *command: str) -> None:
        """Write a dump to a file; it is whole, or an error."""
        tail = bytearray()

        def keep(block: bytes) -> None:
            file.write(block)
            tail.extend(block)
            del tail[:-TAIL]

        self._run(command, keep)
        if LAST_LINE not in tail:
            raise self._failed("pg_dump was cut off.")

    def _run(self, command: Sequence[str], keep: object) -> None:
        complaint = bytearray()

        def sort(stream: str, block: bytes) -> None:
            if stream == "stdout":
                keep(block)  # type: ignore[operator]
            else:
                complaint.extend(block[: LONGEST_COMPLAINT - len(complaint)])

        status = self._engine.exec_stream(self._container, command, sort)
        if status:
            said = complaint.decode(errors="replace").strip()
            last = said.splitlines()[-1:] or [f"exit code {status}"]
            raise self._failed(f"{command[0]}: {last[0]}.")

    def _failed(self, why: str) -> UsenetError:
        name = self._service.name
        return UsenetError("backup.dump", service=name, why=why)
