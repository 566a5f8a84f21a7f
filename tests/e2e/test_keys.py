"""`usenet keys` on a sandbox whose applications know each other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from cli_process import COMMAND
from e2e.linked_stack import Linked, linked_stack, provider
from images.build import docker
from usenet_stack.stack.secrets import read_env

PUT_APPLICATION = {"method": "PUT", "path": "/api/v1/applications/"}


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, docker_host: str
) -> Iterator[Linked]:
    home = tmp_path_factory.mktemp("keys")
    with linked_stack(home, docker_host) as linked:
        yield linked


@pytest.fixture(autouse=True)
def no_faults(stack: Linked) -> Iterator[None]:
    yield
    for name in ("prowlarr", "seerr", "bazarr", "sonarr", "jellyfin"):
        stack.fault(name)


def holders_of_sonarr(stack: Linked) -> dict[str, Any]:
    """Return what the holders of Sonarr's key have."""
    bazarr = stack.good("bazarr", "GET", "/api/system/settings")
    seerr = stack.good("seerr", "GET", "/api/v1/settings/sonarr")
    path = stack.folder / "config/recyclarr/recyclarr.yml"
    return {
        "bazarr": bazarr,
        "seerr": seerr,
        "prowlarr": stack.good("prowlarr", "GET", "/api/v1/applications"),
        "recyclarr": path.read_text(),
    }


def assert_all_hold(stack: Linked, key: str) -> None:
    held = holders_of_sonarr(stack)
    assert held["bazarr"]["sonarr"]["apikey"] == key
    assert [s["apiKey"] for s in held["seerr"]] == [key]
    assert f"api_key: {key}   # the key" in held["recyclarr"]
    assert stack.provider_passes("prowlarr", "/api/v1/applications", "Sonarr")
    assert stack.sonarr_lets_in(key) == 200


def everything_written(stack: Linked) -> str:
    """Return all that the program wrote beside `.env`, and all labels."""
    found = [
        path.read_text(errors="replace")
        for path in (stack.folder / ".usenet").rglob("*")
        if path.is_file()
    ]
    found += [(stack.folder / "compose.yaml").read_text()]
    labels = [c["Config"]["Labels"] for c in stack.containers().values()]
    return "\n".join([*found, json.dumps(labels)])


def test_list_shows_no_key_and_finds_the_holders(stack: Linked) -> None:
    ran = stack("keys", "list", "--format=json")
    assert ran.rc == 0, ran
    rows = {row["service"]: row for row in ran.json["data"]["keys"]}
    held = {
        name: sorted({each["service"] for each in row["holders"]})
        for name, row in rows.items()
    }
    assert held["sonarr"] == ["bazarr", "prowlarr", "recyclarr", "seerr"]
    assert held["sabnzbd"] == held["transmission"] == ["sonarr"]
    assert held["mylar3"] == ["prowlarr"]
    assert held["bazarr"] == []
    made = {name for name in rows if name != "jellyfin"}
    assert {rows[name]["accepted"] for name in made} == {"accepted"}
    assert {rows[name]["agrees"] for name in made} == {True}
    assert rows["jellyfin"]["accepted"] == "none"
    assert rows["transmission"]["masked"] == "********"
    assert rows["sonarr"]["masked"] == "********" + stack.key("sonarr")[-4:]
    for said in (ran.stdout, stack("keys", "list", "-v").stdout):
        for name, value in read_env(stack.folder).items():
            assert value.reveal() not in said, name


def test_under_services_it_is_the_same_without_a_warning(
    stack: Linked,
) -> None:
    plain, alias = stack("keys", "list"), stack("services", "keys", "list")
    assert alias.rc == 0
    assert (alias.stdout, alias.stderr) == (plain.stdout, plain.stderr)


def test_show_needs_a_yes(stack: Linked) -> None:
    key = stack.key("sonarr")
    refused = stack("keys", "show", "sonarr", "--format=json")
    assert refused.rc == 1
    (error,) = refused.json["errors"]
    assert error["code"] == "keys.not-shown"
    assert (
        error["hint"]
        .split("   ")[0]
        .endswith("show sonarr --format=json --yes")
    )
    assert key not in refused.stdout + refused.stderr
    shown = stack("keys", "show", "sonarr", "--yes")
    assert (shown.rc, shown.stdout, shown.stderr) == (0, f"{key}\n", "")
    told = stack("keys", "show", "transmission", "--yes", "--format=json")
    assert told.json["data"]["username"] == "admin"
    assert told.json["data"]["value"] == stack.key("transmission")


@pytest.mark.parametrize(("answer", "shown"), [("y", True), ("n", False)])
def test_show_asks_on_a_terminal(
    stack: Linked, answer: str, shown: bool
) -> None:
    key = stack.key("sonarr")
    words = [*COMMAND[1:], f"--stack={stack.folder}", "keys", "show", "sonarr"]
    child = pexpect.spawn(
        COMMAND[0], words, env=stack.cli.environment(), encoding="utf-8"
    )
    child.expect("Print the key of sonarr on this screen")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    assert (key in child.before) is shown


def test_dry_run_names_the_holders_and_changes_nothing(stack: Linked) -> None:
    env = (stack.folder / ".env").read_bytes()
    ran = stack("keys", "rotate", "sonarr", "--dry-run", "--format=json")
    plan = [step["operation"] for step in ran.json["data"]["plan"]]
    assert len(plan) == 5
    for name in ("bazarr", "prowlarr", "seerr", "recyclarr"):
        assert any(step.startswith(f"tell {name} ") for step in plan), name
    assert (stack.folder / ".env").read_bytes() == env


def test_rotate_changes_the_key_everywhere_and_nothing_else(
    stack: Linked,
) -> None:
    env = stack.folder / ".env"
    with env.open("a", newline="") as file:
        file.write("# mine\r\nMY_OWN='x y' # keep\n")
    old = stack.key("sonarr")
    before = holders_of_sonarr(stack)
    written, boxes = env.read_bytes(), stack.containers()
    ran = stack("keys", "rotate", "sonarr", "--yes", "--format=json")
    assert ran.rc == 0, ran
    (row,) = ran.json["data"]["rotated"]
    assert sorted(row["told"]) == ["bazarr", "prowlarr", "recyclarr", "seerr"]
    new = stack.key("sonarr")
    assert new != old and len(new) == 32
    assert stack.sonarr_lets_in(old) == 401
    assert_all_hold(stack, new)
    assert env.read_bytes() == written.replace(old.encode(), new.encode())
    assert env.stat().st_mode & 0o777 == 0o600
    text = json.dumps(before).replace(old, new)
    # Only the key itself: a longer word that holds it stays.
    text = text.replace(f"x{new}x", f"x{old}x")
    assert holders_of_sonarr(stack) == json.loads(text)
    assert holders_of_sonarr(stack)["seerr"][0]["somethingNew"]
    after = stack.containers()
    changed = {n for n in after if after[n]["Id"] != boxes[n]["Id"]}
    assert changed == {"sonarr"}
    for key in (old, new):
        assert key not in ran.stdout + ran.stderr
        assert key not in everything_written(stack)
    again = stack("deploy", "--yes", "--format=json")
    assert again.json["data"]["changed"] == 0, again


@pytest.mark.parametrize(
    "fault",
    [
        {**PUT_APPLICATION, "status": 400},
        {**PUT_APPLICATION, "status": 500},
        {**PUT_APPLICATION, "status": 500, "after_apply": True, "count": 1},
        {**PUT_APPLICATION, "reset": True},
    ],
    ids=["refused", "failing", "failing after it was done", "hanging up"],
)
def test_a_holder_that_fails_puts_everything_back(
    stack: Linked, fault: dict[str, Any]
) -> None:
    env = stack.folder / ".env"
    old, written = stack.key("sonarr"), env.read_bytes()
    before = holders_of_sonarr(stack)
    stack.fault("prowlarr", fault)
    ran = stack("keys", "rotate", "sonarr", "--yes", "--format=json")
    stack.fault("prowlarr")
    assert ran.rc == 13, ran
    (error,) = ran.json["errors"]
    assert error["code"] == "transaction.rolled-back"
    assert env.read_bytes() == written
    assert holders_of_sonarr(stack) == before
    assert_all_hold(stack, old)
    assert old not in ran.stdout + ran.stderr + everything_written(stack)
    assert not list((stack.folder / ".usenet/journal").glob("*.kept"))


def test_a_holder_that_cannot_use_the_key_puts_everything_back(
    stack: Linked,
) -> None:
    old = stack.key("sonarr")
    test = {"method": "POST", "path": "/settings/sonarr/test"}
    # The first time it is asked whether it can use the old one.
    first = test | {"latency_ms": 1, "count": 1}
    stack.fault("seerr", first, test | {"status": 500})
    ran = stack("keys", "rotate", "sonarr", "--yes", "--format=json")
    stack.fault("seerr")
    assert ran.rc == 13, ran
    assert_all_hold(stack, old)


def test_a_holder_that_never_worked_does_not_stand_in_the_way(
    stack: Linked,
) -> None:
    where = "/api/v1/settings/sonarr"
    stale = {"name": "Gone", "hostname": "gone", "port": 1}
    stale |= {"apiKey": stack.key("sonarr"), "useSsl": False, "baseUrl": ""}
    number = stack.good("seerr", "POST", where, stale)["id"]
    ran = stack("keys", "rotate", "sonarr", "--yes", "--format=json")
    assert ran.rc == 0, ran
    assert 'Sonarr server "Gone"' in ran.json["messages"][0]["text"]
    keys = {s["apiKey"] for s in stack.good("seerr", "GET", where)}
    assert keys == {stack.key("sonarr")}
    stack.good("seerr", "DELETE", f"{where}/{number}")


def test_a_linked_env_file_stays_a_link(stack: Linked, tmp_path: Path) -> None:
    env, elsewhere = stack.folder / ".env", tmp_path / "secrets.env"
    env.rename(elsewhere)
    env.symlink_to(elsewhere)
    written = elsewhere.read_bytes()
    stack.fault("prowlarr", {**PUT_APPLICATION, "status": 400})
    assert stack("keys", "rotate", "sonarr", "--yes").rc == 13
    stack.fault("prowlarr")
    assert env.is_symlink() and elsewhere.read_bytes() == written
    assert stack("keys", "rotate", "sonarr", "--yes").rc == 0
    assert env.is_symlink() and elsewhere.read_bytes() != written
    env.unlink()
    elsewhere.rename(env)


def test_a_service_that_is_stopped_is_left_alone(stack: Linked) -> None:
    assert stack("services", "stop", "sonarr").rc == 0
    ran = stack("keys", "rotate", "sonarr", "--yes", "--format=json")
    assert (ran.rc, ran.json["errors"][0]["code"]) == (1, "keys.silent")
    assert stack("services", "start", "sonarr").rc == 0


def test_nothing_begins_while_a_holder_is_away(stack: Linked) -> None:
    env, journals = stack.folder / ".env", stack.folder / ".usenet/journal"
    assert stack("services", "stop", "bazarr").rc == 0
    written, known = env.read_bytes(), len(list(journals.iterdir()))
    ran = stack("keys", "rotate", "sonarr", "--yes", "--format=json")
    (error,) = ran.json["errors"]
    assert (ran.rc, error["code"]) == (1, "keys.holder-silent"), ran
    assert "usenet services start bazarr" in error["hint"]
    assert env.read_bytes() == written
    assert len(list(journals.iterdir())) == known
    # It never holds SABnzbd's, so that one can be rotated.
    other = stack("keys", "rotate", "sabnzbd", "--yes")
    assert other.rc == 0, other
    assert stack("services", "start", "bazarr").rc == 0


@pytest.mark.parametrize("name", ["sabnzbd", "transmission"])
def test_download_clients_are_told_again(stack: Linked, name: str) -> None:
    old = stack.key(name)
    ran = stack("keys", "rotate", name, "--yes")
    assert ran.rc == 0, ran
    assert stack.key(name) != old
    title = {"sabnzbd": "SABnzbd", "transmission": "Transmission"}[name]
    where = "/api/v3/downloadclient"
    assert stack.provider_passes("sonarr", where, title)
    assert old not in everything_written(stack)


def test_sabnzbd_and_its_holder_inside_mylar3(stack: Linked) -> None:
    """Mylar3 takes it into its file, for which it is stopped."""
    path = stack.folder / "config/mylar3/mylar/config.ini"
    assert stack("services", "stop", "mylar3").rc == 0
    text = path.read_text()
    text = text.replace("sab_host = None", "sab_host = http://sabnzbd:8080")
    mark = f"sab_apikey = {stack.key('sabnzbd')}"
    path.write_text(text.replace("sab_apikey = None", mark))
    assert stack("services", "start", "mylar3").rc == 0
    ran = stack("keys", "rotate", "sabnzbd", "--yes", "--format=json")
    assert ran.rc == 0, ran
    told = ran.json["data"]["rotated"][0]["told"]
    assert sorted(told) == ["mylar3", "sonarr"]
    assert f"sab_apikey = {stack.key('sabnzbd')}" in path.read_text()
    states = {n: c["State"]["Status"] for n, c in stack.containers().items()}
    assert set(states.values()) == {"running"}


@pytest.mark.parametrize("name", ["bazarr", "mylar3"])
def test_keys_in_files(stack: Linked, name: str) -> None:
    known = stack.stack.catalog[name]
    path = stack.folder / "config" / name / known.key.file
    old, owner = stack.key(name), path.stat().st_uid
    ran = stack("keys", "rotate", name, "--yes")
    assert ran.rc == 0, ran
    new = stack.key(name)
    assert new != old
    text = path.read_text()
    assert new in text and old not in text
    assert path.stat().st_uid == owner
    rows = stack("keys", "list", "--format=json").json["data"]["keys"]
    row = next(row for row in rows if row["service"] == name)
    assert (row["accepted"], row["agrees"]) == ("accepted", True)
    if name == "mylar3":
        where = "/api/v1/applications"
        assert stack.provider_passes("prowlarr", where, "Mylar")


def test_prowlarr_is_told_to_the_indexers_that_it_made(stack: Linked) -> None:
    indexer = provider(
        "Made",
        "Newznab",
        baseUrl="http://prowlarr:9696/1/",
        apiPath="/api",
        apiKey=stack.key("prowlarr"),
    ) | {"enableRss": False, "enableAutomaticSearch": False}
    indexer["enableInteractiveSearch"] = False
    stack.good("sonarr", "POST", "/api/v3/indexer?forceSave=true", indexer)
    ran = stack("keys", "rotate", "prowlarr", "--yes", "--format=json")
    assert ran.rc == 0, ran
    (row,) = ran.json["data"]["rotated"]
    assert row["places"] == ['sonarr: indexer "Made"']


def test_jellyfin_gets_a_second_key_before_the_first_goes(
    stack: Linked,
) -> None:
    env = stack.folder / ".env"
    before = env.read_text()
    made = stack("keys", "rotate", "jellyfin", "--yes", "--format=json")
    assert made.rc == 0, made
    assert made.json["data"]["rotated"][0]["outcome"] == "made"
    first = read_env(stack.folder)["JELLYFIN_API_KEY"].reveal()
    assert env.read_text() == f"{before}JELLYFIN_API_KEY={first}\n"
    assert first not in made.stdout + made.stderr + everything_written(stack)
    assert jellyfin(stack, "/Auth/Keys", first) == 200
    written = env.read_text()
    theirs = stack.good("seerr", "GET", "/api/v1/settings/jellyfin")
    ran = stack("keys", "rotate", "jellyfin", "--yes")
    assert ran.rc == 0, ran
    new = read_env(stack.folder)["JELLYFIN_API_KEY"].reveal()
    assert new != first and env.read_text() == written.replace(first, new)
    assert jellyfin(stack, "/Auth/Keys", first) == 401
    assert jellyfin(stack, "/Auth/Keys", new) == 200
    # Seerr has a key of its own, which is none of our business.
    assert stack.good("seerr", "GET", "/api/v1/settings/jellyfin") == theirs


def test_without_the_administrator_no_first_key_is_made(
    stack: Linked,
) -> None:
    env = stack.folder / ".env"
    was = env.read_text()
    password = read_env(stack.folder)["JELLYFIN_ADMIN_PASSWORD"].reveal()
    other = re.sub("JELLYFIN_API_KEY=.*\n", "", was)
    env.write_text(other.replace(password, "another-than-theirs"))
    ran = stack("keys", "rotate", "jellyfin", "--yes", "--format=json")
    left = env.read_text()
    env.write_text(was)
    assert left == other.replace(password, "another-than-theirs")
    (error,) = ran.json["errors"]
    assert (ran.rc, error["code"]) == (12, "keys.login-refused")
    assert str(env) in error["hint"] and "another" not in ran.stdout


def test_a_first_key_that_fails_is_taken_back(stack: Linked) -> None:
    env = stack.folder / ".env"
    was = env.read_text()
    mine = read_env(stack.folder)["JELLYFIN_API_KEY"].reveal()
    before = re.sub("JELLYFIN_API_KEY=.*\n", "", was)
    env.write_text(before)
    made = {"path": "/Auth/Keys", "method": "POST", "count": 1}
    stack.fault("jellyfin", {**made, "status": 500, "after_apply": True})
    ran = stack("keys", "rotate", "jellyfin", "--yes", "--format=json")
    left = env.read_text()
    env.write_text(was)
    assert ran.rc == 13, ran
    assert left == before
    assert jellyfin_keys(stack, mine) == [mine]


def jellyfin_keys(stack: Linked, token: str) -> list[str]:
    """Return the keys of ours."""
    header = {"Authorization": f'MediaBrowser Token="{token}"'}
    keys = stack.good("jellyfin", "GET", "/Auth/Keys", headers=header)
    found = [k for k in keys["Items"] if k["AppName"] == "usenet"]
    return [str(each["AccessToken"]) for each in found]


def jellyfin(stack: Linked, path: str, token: str) -> int:
    header = {"Authorization": f'MediaBrowser Token="{token}"'}
    return stack.ask("jellyfin", "GET", path, headers=header).status


def test_a_user_s_own_compose_file_is_followed(stack: Linked) -> None:
    override = stack.folder / "compose.override.yaml"
    override.write_text(
        "services:\n  recyclarr:\n    environment:\n"
        "      THEIR_KEY: ${SONARR_API_KEY}\n"
    )
    assert stack("deploy", "--yes").rc == 0
    ran = stack("keys", "rotate", "sonarr", "--yes", "--format=json")
    assert ran.rc == 0, ran
    environment = stack.containers()["recyclarr"]["Config"]["Env"]
    assert f"THEIR_KEY={stack.key('sonarr')}" in environment


def test_all_of_them_one_after_the_other(stack: Linked) -> None:
    old = {n: v.reveal() for n, v in read_env(stack.folder).items()}
    ran = stack("keys", "rotate", "--all", "--yes", "--format=json")
    assert ran.rc == 0, ran
    rows = {r["service"]: r for r in ran.json["data"]["rotated"]}
    assert {row["outcome"] for row in rows.values()} == {"rotated"}
    new = {n: v.reveal() for n, v in read_env(stack.folder).items()}
    changed = {name for name in old if old[name] != new[name]}
    names = {"SABNZBD", "PROWLARR", "SONARR", "BAZARR", "MYLAR3", "SEERR"}
    wanted = {f"{name}_API_KEY" for name in (*names, "JELLYFIN")}
    assert changed == {*wanted, "TRANSMISSION_PASSWORD"}
    assert_all_hold(stack, stack.key("sonarr"))
    said = ran.stdout + ran.stderr + everything_written(stack)
    for name in changed:
        assert old[name] not in said and new[name] not in said, name
    logs = docker(stack.host, "logs", stack.containers()["sonarr"]["Id"])
    assert new["SONARR_API_KEY"] not in logs
    assert Path(stack.folder / ".usenet/audit.jsonl").stat().st_mode & 0o77 == 0
    text = (stack.folder / "config/recyclarr/recyclarr.yml").read_text()
    assert text.startswith("# mine: keep\n")
