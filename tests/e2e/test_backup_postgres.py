"""A real PostgreSQL server: dumped while it runs, made anew from the dump."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_process import CHECKOUT, Cli
from docker_engine import until
from e2e.sandbox_stack import ALL, containers, take_down
from images.build import docker
from usenet_stack.stack.model import Stack, load_stack

PAGE = CHECKOUT / "docs/how-to/back-up.md"
NAME = "Sonarr \"main\" = 'x'"
QUOTED = '"Sonarr ""main"" = \'x\'"'
SETUP = f"""
CREATE ROLE app LOGIN PASSWORD 'secret';
CREATE DATABASE {QUOTED} OWNER app;
"""
TABLE = """
SET ROLE app;
CREATE TABLE series (id int PRIMARY KEY, title text);
INSERT INTO series SELECT n, 'title ' || n FROM generate_series(1, 1000) n;
"""


class Server:
    """A stack with nothing but the server of the how-to page."""

    def __init__(self, cli: Cli, host: str, stack: Stack) -> None:
        self.cli = cli
        self.host = host
        self.stack = stack

    def usenet(self, *words: str) -> object:
        ran = self.cli("--stack", self.stack.folder, *words)
        assert ran.rc == 0, ran
        return ran.json if "--format=json" in words else ran

    def psql(self, text: str, database: str = "postgres") -> str:
        found = containers(self.host, self.stack.project)["postgres"]
        flags = ("-U", "postgres", "-XqAt", "-v", "ON_ERROR_STOP=1")
        # Over TCP: a server that still makes itself has a socket only, and
        # goes away once more.
        flags += ("-h", "127.0.0.1")
        quoted = database.replace("'", r"\'")
        return docker(
            *(self.host, "exec", found["Id"], "psql", *flags),
            *("-d", f"dbname='{quoted}'", "-c", text),
        )

    def answers(self, text: str = "SELECT 1", database: str = "") -> str:
        """Return the answer of a server that may still make itself."""
        try:
            return self.psql(text, database or "postgres")
        except RuntimeError as problem:
            raise ConnectionError(problem) from problem


@pytest.fixture
def server(
    docker_host: str, real_images: dict[str, str], tmp_path: Path
) -> Iterator[Server]:
    folder = tmp_path / "pg"
    (folder / "services.d").mkdir(parents=True)
    (folder / "stack.toml").write_text(
        f'[stack]\nname = "{tmp_path.name[:40]}"\n'
        f"[services]\ndisable = {json.dumps(ALL)}\n"
    )
    (text,) = re.findall(
        r"```toml\n# services.d/postgres.toml\n(.*?)```", PAGE.read_text(), re.S
    )
    image = real_images["postgres"]
    uid = docker(
        *(docker_host, "run", "--rm", "--entrypoint", "id"),
        *(image, "-u", "postgres"),
    )
    text = text.replace("postgres:17", image).replace("999", uid)
    (folder / "services.d/postgres.toml").write_text(text)
    cli = Cli(tmp_path, {"DOCKER_HOST": docker_host})
    made = Server(cli, docker_host, load_stack(folder))
    try:
        made.usenet("deploy", "--yes")
        until(made.answers)
        for line in filter(None, SETUP.splitlines()):
            made.psql(line)
        for line in filter(None, TABLE.splitlines()):
            made.psql(line if "SET" in line else f"SET ROLE app; {line}", NAME)
        yield made
    finally:
        take_down(docker_host, made.stack.project, folder)


@pytest.mark.timeout(900)
def test_dumped_while_it_runs_and_made_anew(
    server: Server, tmp_path: Path
) -> None:
    made = server.usenet("backup", "create", "--format=json")
    path = made["data"]["path"]  # type: ignore[index]
    server.usenet("backup", "verify", "latest")
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "xf", path, "-C", out], check=True)
    restored = out / "config/postgres"
    assert list((restored / "data").iterdir()) == []
    (dump,) = (restored / "dump").iterdir()
    assert dump.stat().st_mode & 0o777 == 0o600
    server.psql("DROP TABLE series", NAME)
    server.usenet("services", "stop", "postgres")
    live = server.stack.config_root / "postgres"
    shutil.move(live, tmp_path / "old")
    subprocess.run(["cp", "-a", restored, live], check=True)
    server.usenet("services", "start", "postgres")
    count = "SELECT count(*), max(title), current_user FROM series"
    found = until(lambda: server.answers(count, NAME))
    assert found == "1000|title 999|postgres"
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'series'"
    assert server.psql(owner, NAME) == "app"
    login = "SELECT rolcanlogin, rolpassword IS NOT NULL FROM pg_authid"
    assert server.psql(f"{login} WHERE rolname = 'app'") == "t|t"
    # And the next backup of the server that was made anew is the same.
    again = server.usenet("backup", "create", "--format=json")
    assert again["data"]["files"] == made["data"]["files"]  # type: ignore[index]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("only", [(), ("--only=databases",)])
def test_restored_and_undone(server: Server, only: tuple[str, ...]) -> None:
    server.usenet("backup", "create")
    server.psql("DROP TABLE series", NAME)
    server.usenet("backup", "restore", "latest", "--yes", *only)
    count = "SELECT count(*) FROM series"
    assert until(lambda: server.answers(count, NAME)) == "1000"
    server.usenet("backup", "undo", "--yes")
    exists = "SELECT to_regclass('series') IS NULL"
    assert until(lambda: server.answers(exists, NAME)) == "t"


@pytest.mark.timeout(900)
def test_no_dump_no_backup(server: Server) -> None:
    cli, folder = server.cli, server.stack.folder
    file = folder / "services.d/postgres.toml"
    text = file.read_text()
    file.write_text(f'{text}\nuser = "nobody-here"\n')
    ran = cli("--stack", folder, "backup", "create")
    assert ran.rc == 13, ran
    assert "nobody-here" in ran.stderr
    file.write_text(text)
    server.usenet("services", "stop", "postgres")
    ran = cli("--stack", folder, "backup", "create")
    assert ran.rc == 13, ran
    assert "does not run" in ran.stderr
    assert "services start postgres" in ran.stderr
    assert not (folder / "backups").exists()
    minimal = cli("--stack", folder, "backup", "create", "--type=minimal")
    assert minimal.rc == 0, minimal
