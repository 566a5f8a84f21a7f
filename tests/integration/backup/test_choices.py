"""Types, services, sizes, and the forms of the commands."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from cli_process import Cli
from usenet_stack.backup import (
    BackupRequest,
    all_backups,
    create_backup,
    find_backup,
    open_archive,
    plan_backup,
    preview_backup,
    show_backup,
    verify_backup,
    verify_backups,
)
from usenet_stack.backup.note import read_note
from usenet_stack.backup.selection import Choice, select
from usenet_stack.errors import UsenetError
from usenet_stack.stack.model import Stack, load_stack


@pytest.fixture
def used(bare: Stack) -> Stack:
    """A stack of which two services have run."""
    (bare.folder / ".env").write_text("SONARR_API_KEY=0123456789abcdef\n")
    for name in ("sonarr", "radarr"):
        folder = bare.config_root / name
        for inner in ("asp", "logs", "MediaCover/1", "Sentry", "my/Backups"):
            (folder / inner).mkdir(parents=True)
            (folder / inner / "file").write_text(inner)
        (folder / "config.xml").write_text("<Config/>")
        for database in (f"{name}.db", "logs.db"):
            with closing(sqlite3.connect(folder / database)) as made:
                made.execute("CREATE TABLE t (x)")
    return bare


def names(path: str) -> set[str]:
    with open_archive(Path(path)) as archive:
        return {e.record.name for e in archive.members() if e.record.sha256}


STACK = {"stack/stack.toml", "stack/.env"}
SETTINGS = {"config/sonarr/config.xml", "config/radarr/config.xml"}


def test_minimal_holds_settings_and_keys_only(used: Stack) -> None:
    (used.config_root / "sonarr/sonarr.db").unlink()  # it needs none
    made = create_backup(used, BackupRequest(type="minimal"))
    assert names(made.data["path"]) == STACK | SETTINGS


def test_config_holds_databases_and_own_folders(used: Stack) -> None:
    request = BackupRequest(services=("sonarr",))
    found = names(create_backup(used, request).data["path"])
    own = {"config.xml", "sonarr.db", "asp/file", "my/Backups/file"}
    assert found == STACK | {f"config/sonarr/{name}" for name in own}


def test_full_holds_logs_and_covers_but_no_caches(used: Stack) -> None:
    request = BackupRequest(type="full", services=("sonarr",))
    found = names(create_backup(used, request).data["path"])
    more = {"logs/file", "logs.db", "MediaCover/1/file"}
    assert {f"config/sonarr/{name}" for name in more} <= found
    assert not any("Sentry" in name for name in found)


def test_only_the_named_services(used: Stack) -> None:
    (used.config_root / "sonarr/sonarr.db").unlink()  # not asked for
    request = BackupRequest(services=("radarr",))
    found = names(create_backup(used, request).data["path"])
    assert "config/radarr/radarr.db" in found
    assert not any("sonarr" in name for name in found)


def test_a_database_is_known_by_its_first_bytes(used: Stack) -> None:
    folder = used.config_root / "sonarr/asp"
    with closing(sqlite3.connect(folder / "no-ending")) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE t (x)")
    (folder / "false.db").write_text("no database")
    path = create_backup(used).data["path"]
    with open_archive(Path(path)) as archive:
        kinds = {r.name.rpartition("/")[2]: r.kind for r in archive.records()}
    assert (kinds["no-ending"], kinds["false.db"]) == ("database", "file")


def limited(stack: Stack, megabytes: int) -> Stack:
    text = (stack.folder / "stack.toml").read_text()
    text += f"\n[backup.limit]\nconfig = {megabytes}\n"
    (stack.folder / "stack.toml").write_text(text)
    return load_stack(stack.folder)


def test_a_backup_that_explodes_is_stopped(used: Stack) -> None:
    stack = limited(used, 1)
    culprit = stack.config_root / "sonarr/my/dump"
    culprit.write_bytes(bytes(2 * 1024 * 1024))
    with pytest.raises(UsenetError) as caught:
        create_backup(stack)
    assert caught.value.code == "backup.too-large"
    assert caught.value.details[0] == "sonarr/my: 2 MiB"
    assert not (stack.folder / "backups").exists()
    assert create_backup(stack, BackupRequest(force=True)).ok


def test_data_in_postgres_is_refused(used: Stack) -> None:
    (used.config_root / "sonarr/sonarr.db").unlink()
    used.override_path.write_text(
        "services:\n  sonarr:\n    environment:\n"
        "      SONARR__POSTGRES__HOST: pg.lan\n"
    )
    with pytest.raises(UsenetError) as caught:
        create_backup(used)
    assert caught.value.code == "backup.postgres"
    assert "pg.lan" in caught.value.hint
    assert create_backup(used, BackupRequest(force=True)).ok
    assert create_backup(used, BackupRequest(services=("radarr",))).ok


POSTGRES = """
title = "PostgreSQL"
group = "extra"
default = true
image = "postgres:17"
health = { kind = "container" }
volumes = [{ kind = "config", target = "/var/lib/postgresql/data" }]
[backup.postgres]
"""


def test_a_server_of_the_stack_is_dumped_and_never_copied(
    used: Stack,
) -> None:
    (used.folder / "services.d").mkdir()
    (used.folder / "services.d/pg.toml").write_text(POSTGRES)
    data = used.config_root / "pg/data/base/1"
    data.mkdir(parents=True)
    (data / "1259").write_text("torn")
    (used.config_root / "pg/data/PG_VERSION").write_text("17")
    (used.config_root / "pg/dump").mkdir()
    (used.config_root / "pg/dump/usenet-restore.sql").write_text("old")
    (used.config_root / "pg/dump/mine.sql").write_text("kept")
    host = "<Config><PostgresHost>pg</PostgresHost></Config>"
    (used.config_root / "sonarr/config.xml").write_text(host)
    stack = load_stack(used.folder)
    selected = {item.name for item in select(stack, Choice("full"))}
    assert {name for name in selected if name.startswith("config/pg")} == {
        "config/pg",
        "config/pg/data",
        "config/pg/dump",
        "config/pg/dump/mine.sql",
    }
    parts = preview_backup(stack)["parts"]
    assert any("pg_dump" in part["why"] for part in parts)
    plan_backup(stack, BackupRequest())
    # Without the server in it, its data would be missing.
    with pytest.raises(UsenetError) as caught:
        plan_backup(stack, BackupRequest(services=("sonarr",)))
    assert caught.value.code == "backup.postgres"


def test_names_and_ids_find_a_backup(used: Stack) -> None:
    request = BackupRequest(name="arrs", description="before 4.1")
    first = Path(create_backup(used, request).data["path"])
    second = Path(create_backup(used, BackupRequest(type="full")).data["path"])
    assert find_backup(used, "arrs") == first
    assert find_backup(used, first.name.split("-")[3][:6]) == first
    assert find_backup(used, "usenet-full") == second
    assert find_backup(used, "ar") == first
    with pytest.raises(UsenetError) as caught:
        find_backup(used, "usenet")
    assert caught.value.code == "backup.ambiguous"
    assert set(caught.value.details) == {first.name, second.name}


@pytest.mark.parametrize(
    "words",
    [
        {"name": "latest"},
        {"name": "a/b"},
        {"name": " a"},
        {"name": "a\x1b[31m"},
        {"name": "a" * 61},
        {"description": "two\nlines"},
        {"description": "a" * 301},
    ],
)
def test_words_that_would_not_be_found_or_shown(
    used: Stack, words: dict[str, str]
) -> None:
    with pytest.raises(UsenetError) as caught:
        create_backup(used, BackupRequest(**words))  # type: ignore[arg-type]
    assert caught.value.code == "backup.name"
    assert caught.value.facts["what"] in words


def test_no_backup_goes_into_what_it_backs_up(used: Stack) -> None:
    place = used.config_root / "sonarr/Backups/ours"
    with pytest.raises(UsenetError) as caught:
        create_backup(used, BackupRequest(target=place))
    assert "sonarr" in caught.value.why
    assert not place.exists()
    # Of another service it is no more than a folder.
    request = BackupRequest(target=place, services=("radarr",))
    assert create_backup(used, request).ok


def test_what_is_switched_off_is_named(used: Stack) -> None:
    folder = used.config_root / "kavita"
    folder.mkdir(parents=True)
    (folder / "appsettings.json").write_text("{}")
    texts = [m.text for m in create_backup(used).messages]
    assert any("Switched off" in text and "kavita" in text for text in texts)
    named = create_backup(used, BackupRequest(services=("kavita",)))
    assert named.data["services"] == ["kavita"]
    assert named.data["files"] > 0


def test_files_are_counted_alike_everywhere(used: Stack) -> None:
    (used.config_root / "sonarr/link").symlink_to("config.xml")
    path = Path(create_backup(used).data["path"])
    shown = show_backup(path).data
    listed = [f for f in shown["files"] if f.get("kind") != "folder"]
    counts = {
        preview_backup(used)["files"],
        read_note(path).manifest.plain_files,  # type: ignore[union-attr]
        verify_backup(path).data["files"],
        shown["totals"]["files"],
        len(listed),
    }
    assert len(counts) == 1, counts


def test_of_two_in_one_second_the_later_is_the_newer(used: Stack) -> None:
    request = BackupRequest(type="minimal")
    made = [create_backup(used, request).data["path"] for _ in range(6)]
    assert [str(path) for path in all_backups(used)] == made[::-1]
    assert str(find_backup(used, "latest")) == made[-1]


def test_the_newest_comes_first_whatever_its_type(used: Stack) -> None:
    folder = used.folder / "backups"
    folder.mkdir()
    stamped = (
        "usenet-minimal-20260101T000000Z-aaaa.tar.gz",
        "usenet-config-20260102T000000Z-bbbb.tar.zst",
        "usenet-minimal-20260103T000000Z-cccc.tar.zst.age",
    )
    for name in (*stamped, "usenet-full-x.tar.zst", "notes.tar.zst"):
        (folder / name).touch()
    assert [path.name for path in all_backups(used)] == list(stamped[::-1])


def test_the_manifest_tells_where_it_comes_from(used: Stack) -> None:
    record = used.state_path
    record.mkdir(exist_ok=True)
    image = {"reference": "example/sonarr:4", "digest": "example@sha256:12"}
    (record / "images.json").write_text(json.dumps({"sonarr": image}))
    git = ["git", "-C", str(used.folder), "-c", "user.name=a"]
    git += ["-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "stack.toml"], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    (used.folder / "stack.toml").open("a").write("# more\n")
    data = show_backup(Path(create_backup(used).data["path"])).data
    (row,) = [row for row in data["services"] if row["name"] == "sonarr"]
    assert row["digest"] == "example@sha256:12"
    assert len(data["git"]["commit"]) == 40
    assert data["git"]["dirty"] is True
    rows = {f["name"]: f.get("rows") for f in data["files"]}
    assert rows["config/sonarr/sonarr.db"] == {"t": 0}


def test_the_preview_says_what_and_why(used: Stack) -> None:
    found = preview_backup(used, "full", ("sonarr",))
    parts = {(p["service"], p["why"]): p["files"] for p in found["parts"]}
    assert parts == {
        ("stack", "the stack itself"): 2,
        ("sonarr", "database"): 2,
        ("sonarr", "settings"): 1,
        ("sonarr", "application data"): 2,
        ("sonarr", "logs and covers"): 2,
    }
    sizes = [row["size"] for row in found["largest"]]
    assert sizes == sorted(sizes, reverse=True)


def test_verify_all_goes_on_after_a_damaged_one(used: Stack) -> None:
    for _ in range(3):
        create_backup(used)
    paths = all_backups(used)
    paths[1].write_bytes(paths[1].read_bytes()[:-30])
    result = verify_backups(paths)
    assert [row["ok"] for row in result.data["backups"]] == [True, False, True]
    assert (result.exit_code, len(result.errors)) == (3, 1)


def test_the_commands(usenet: Cli, used: Stack) -> None:
    def run(*words: str) -> str:
        ran = usenet("backup", *words, "--stack", str(used.folder))
        assert ran.rc == 0, ran
        assert "0123456789abcdef" not in ran.stdout + ran.stderr
        return ran.stdout

    planned = json.loads(run("create", "--dry-run", "--format=json"))["data"]
    assert planned["selection"]["databases"] == 2
    assert not (used.folder / "backups").exists()
    run("create", "--type", "minimal", "--service=sonarr", "--description=x")
    assert "minimal" in run("list")
    assert "config.xml" not in run("show", "latest")
    assert "config/sonarr/config.xml" in run("show", "latest", "--files")
    assert "whole" in run("verify", "--all")
    assert "never" not in run("list")
    for words in ((), ("latest", "--all")):
        there = ("--stack", str(used.folder))
        assert usenet("backup", "verify", *words, *there).rc == 2
