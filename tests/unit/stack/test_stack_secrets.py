"""Secrets: made once, kept in .env, never shown."""

import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from usenet_stack.errors import UsenetError
from usenet_stack.stack import dotenv
from usenet_stack.stack.model import Stack
from usenet_stack.stack.secrets import (
    SecretValue,
    complete_env,
    generate,
    missing_secrets,
    parse_env,
    read_env,
    read_env_text,
    required_secrets,
    set_in_env,
    write_env,
)
from usenet_stack.stack.service import Secret

VALUES = st.text(
    st.characters(
        codec="utf-8",
        exclude_characters="\0\r\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e",
    ),
    max_size=40,
)


@pytest.fixture
def stack(make_stack: object) -> Stack:
    made = make_stack()  # type: ignore[operator]
    assert isinstance(made, Stack)
    return made


def test_a_new_env_holds_every_secret_that_is_wanted(stack: Stack) -> None:
    change = complete_env("", stack)
    env = parse_env(change.text.reveal())
    assert tuple(env) == change.added
    assert {"SONARR_API_KEY", "SEERR_API_KEY"} <= set(env)
    assert missing_secrets(stack, env) == ()
    assert change.wanting == ()


def test_completing_twice_changes_nothing(stack: Stack) -> None:
    text = complete_env("", stack).text
    again = complete_env(text.reveal(), stack)
    assert again.text == text and again.added == ()


def test_lines_of_the_user_stay(stack: Stack) -> None:
    mine = (
        "# mine\n\nexport SONARR_API_KEY = 'my key'  # note\n"
        'OTHER="a\nb"\nRADARR_API_KEY=\nBARE'
    )
    change = complete_env(mine, stack)
    assert change.text.reveal().startswith(mine + "\n")
    env = parse_env(change.text.reveal())
    assert env["SONARR_API_KEY"].reveal() == "my key"
    assert env["OTHER"].reveal() == "a\nb"
    assert len(env["RADARR_API_KEY"].reveal()) == 32
    assert "SONARR_API_KEY" not in change.added


def test_what_only_the_user_can_give_is_told(make_stack: object) -> None:
    stack = make_stack(enable=("cloudflared", "plex"))  # type: ignore[operator]
    change = complete_env("", stack)
    assert [s.name for s in change.wanting] == ["TUNNEL_TOKEN"]
    assert "TUNNEL_TOKEN" not in change.added
    assert "PLEX_CLAIM" not in change.added


def test_a_secret_of_two_services_is_made_once(make_stack: object) -> None:
    stack = make_stack(enable=("unpackerr",))  # type: ignore[operator]
    names = [secret.name for secret in required_secrets(stack)]
    assert names.count("SONARR_API_KEY") == 1


FORMS = {
    "hex32": r"[0-9a-f]{32}",
    "password": r"[A-Za-z2-9]{24}",
    "tapi": r"tapi_[A-Za-z2-9]{24}",
    "base64": r"[A-Za-z0-9+/]{44}",
}


@pytest.mark.parametrize("kind", FORMS)
def test_secrets_have_the_form_that_is_wanted(kind: str) -> None:
    secret = Secret(name="X", kind=kind)  # type: ignore[arg-type]
    values = {generate(secret).reveal() for _ in range(50)}
    assert len(values) == 50
    assert all(re.fullmatch(FORMS[kind], value) for value in values)


def test_a_given_secret_is_never_made_up() -> None:
    with pytest.raises(ValueError, match="X"):
        generate(Secret(name="X", kind="given"))


def test_a_secret_never_shows_itself(tmp_path: Path) -> None:
    env = parse_env("A=hunter2hunter2\n")
    shown = [
        repr(env),
        str(env),
        f"{env['A']} {env['A']:>20} {env['A']!r}",
        str({"a": env["A"]}),
        "{}".format(env["A"]),
        env.masked("the key is hunter2hunter2!"),
    ]
    assert not any("hunter2" in text for text in shown)
    with pytest.raises(TypeError):
        pickle.dumps(env["A"])


def test_secrets_compare_by_value() -> None:
    assert SecretValue("a") == SecretValue("a") != SecretValue("b")
    assert SecretValue("a") != "a"
    assert not SecretValue("")


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=old\n")
    (tmp_path / ".env").chmod(0o644)
    write_env(tmp_path, SecretValue("A=new\n"))
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert read_env(tmp_path)["A"].reveal() == "new"
    assert [
        path.name for path in tmp_path.iterdir() if path.name.startswith(".env")
    ] == [".env"]


def test_no_file_is_an_empty_one(tmp_path: Path) -> None:
    assert dict(read_env(tmp_path)) == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1\nhunter2 hunter2\n", 2), ("A='open\n\n", 1), ("=hunter2", 1)],
)
def test_a_bad_line_is_told_without_its_content(
    text: str, line: int, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(UsenetError) as caught:
        read_env(tmp_path)
    assert caught.value.code == "env.invalid"
    assert f"line {line}." in caught.value.message
    assert "hunter2" not in str(caught.value.as_dict())
    assert caught.value.__cause__ is None


@given(VALUES)
@example('it\'s $HOME \\ "x" #1')
@example("a\nb'c")
@example(" spaced ")
def test_any_value_comes_back(value: str) -> None:
    text = f"# top\nA={dotenv.quote(value)}\nB=1\n"
    env = parse_env(text)
    assert env["A"].reveal() == value
    assert env["B"].reveal() == "1"


@given(VALUES, VALUES)
@example("", " \n")
def test_replacing_one_value_keeps_the_others(old: str, new: str) -> None:
    text = set_in_env("", "A", SecretValue("first")).reveal()
    text = set_in_env(text, "B", SecretValue(old.replace("\n", ""))).reveal()
    text = set_in_env(text, "B", SecretValue(new)).reveal()
    env = parse_env(text)
    assert (env["A"].reveal(), env["B"].reveal()) == ("first", new)
    assert list(env) == ["A", "B"]


def test_compose_reads_the_same_values(tmp_path: Path) -> None:
    values = ['it\'s $HOME \\ "x" #1', "a=b+/==", "x y", "ü'#", "$${A}"]
    names = [f"V{index}" for index in range(len(values))]
    text = ""
    for name, value in zip(names, values, strict=True):
        text = set_in_env(text, name, SecretValue(value)).reveal()
    (tmp_path / ".env").write_text(text)
    lines = "".join(f"      {n}: ${{{n}:?}}\n" for n in names)
    (tmp_path / "compose.yaml").write_text(
        f"services:\n  a:\n    image: a:1\n    environment:\n{lines}"
    )
    shown = subprocess.run(
        [compose(), "config", "--environment"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = dict(line.split("=", 1) for line in shown.splitlines())
    assert [found[name] for name in names] == values


def compose() -> str:
    beside = Path(sys.executable).with_name("docker-compose")
    found = beside if beside.exists() else shutil.which("docker-compose")
    assert found, "docker-compose comes with the development dependencies"
    return str(found)


ENV = (
    "# mine\r\n"
    "export A=1 # one\n"
    "\n"
    "B='two' # not #2\n"
    'C="line one\nline two"\r\n'
    "A = old  # counts\n"
    "NO_NEWLINE=x"
)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("A", "A = old  # counts", "A = new  # counts"),
        ("B", "B='two' # not #2", "B=new # not #2"),
        ("C", 'C="line one\nline two"\r\n', "C=new\r\n"),
        ("NO_NEWLINE", "NO_NEWLINE=x", "NO_NEWLINE=new"),
    ],
)
def test_all_but_one_value_stays_byte_for_byte(
    name: str, old: str, new: str
) -> None:
    changed = set_in_env(ENV, name, SecretValue("new")).reveal()
    assert changed == ENV.replace(old, new)
    assert parse_env(changed)[name].reveal() == "new"


def test_a_new_name_comes_after_a_last_line_without_its_end() -> None:
    changed = set_in_env(ENV, "D", SecretValue("new")).reveal()
    assert changed == f"{ENV}\nD=new\n"


def test_line_endings_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(ENV.encode())
    assert read_env_text(tmp_path) == ENV
