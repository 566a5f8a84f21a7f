"""kill -9 of a restore after each record: all old or all new, and running."""

import os
from itertools import count
from pathlib import Path

import pytest
from killing import run_killed

from cli_process import Cli
from docker_engine import engine_socket
from e2e.sandbox_stack import small_stack
from usenet_stack.backup import all_backups, verify_backup
from usenet_stack.stack.model import load_stack
from usenet_stack.transaction.journal import Journal, journals

SERVICES = ("sonarr", "bazarr")


@pytest.mark.timeout(900)
def test_killed_at_every_record(usenet: Cli, tmp_path: Path) -> None:
    host = f"unix://{engine_socket()}"
    cli = Cli(usenet.home, {"DOCKER_HOST": host})
    folder = tmp_path / f"torn{os.getpid()}"
    there = f"--stack={folder}"
    marks = [folder / f"config/{name}/since.txt" for name in SERVICES]
    seen = []
    with small_stack(cli, host, folder, SERVICES):
        with (folder / "stack.toml").open("a") as settings:
            settings.write("[backup]\nkeep_restores = 1\n")
        assert cli(there, "deploy", "--yes").rc == 0
        assert cli(there, "backup", "create").rc == 0
        words = [there, "backup", "restore", "latest", "--yes"]
        for number in count(1):
            for mark in marks:
                mark.write_text("only in the old state")
            environ = cli.environment()
            found = run_killed(words, after_record=number, env=environ)
            recover = [there, "journal", "recover"]
            run_killed(recover, after_record=1 + number % 5, env=environ)
            recovered = cli(*recover)
            assert recovered.rc == 0, (number, recovered)
            paths = journals(folder)
            assert all(Journal.open(path).finished for path in paths)
            old = [mark.exists() for mark in marks]
            assert len(set(old)) == 1, f"a mixture after record {number}"
            seen.append(old[0])
            listed = cli(there, "services", "list", "--fresh", "--format=json")
            rows = listed.json["data"]["services"]
            assert all(row["state"] in ("ready", "starting") for row in rows)
            # What is kept beside is what can be undone, and no more.
            spares = list((folder / "config").glob(".restore-*"))
            done = not all(seen)
            assert len(spares) == len(SERVICES) * done, (number, spares)
            for path in all_backups(load_stack(folder)):
                assert verify_backup(path).ok
            if not found.killed:
                assert found.code == 0, found
                break
    assert number > 12
    # Old until the swap is journalled, new from there on.
    assert seen == sorted(seen, reverse=True)
    assert seen[0] and not seen[-1]
    assert seen.count(False) > 5
