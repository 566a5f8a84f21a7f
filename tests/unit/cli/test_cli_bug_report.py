"""The report of a bug says where, and holds no secret."""

import stat
from pathlib import Path

import pytest

from usenet_stack.cli.bug_report import HIDDEN, redact, write_report

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"GET /api?apikey={KEY}", KEY),
        (f"X-Api-Key: {KEY}", KEY),
        (f"odd {KEY.upper()} key", KEY.upper()),
        ("password=hunter2", "hunter2"),
        ("'password': 'hunter2'", "hunter2"),
        ('"apiKey":"abc123"', "abc123"),
        ("PASSWD: correct-horse", "correct-horse"),
        ("token=eyJhbGciOi", "eyJhbGciOi"),
        ("http://admin:s3cret@127.0.0.1:8080/", "s3cret"),
        ("key Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==", "Zm9vYmFyYmF6cXV4"),
        ("cookie: SID=abcdef", "SID=abcdef"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, secret: str) -> None:
    shown = redact(text)
    assert secret not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    [
        'File "/srv/usenet_stack/transaction/executor.py", line 12, in run',
        "KeyError: 'services'",
        "sha256 of nothing, port 8989, process 31415",
        "/home/someone/.local/share/usenet/stacks/default/compose.yaml",
    ],
)
def test_what_tells_where_stays(text: str) -> None:
    assert redact(text) == text


def failed(text: str) -> Exception:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("USENET_STACK", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_report_is_private_and_says_where(here: Path) -> None:
    report = Path(write_report(failed("odd"), ["services", "list"]))
    assert report.parent == here / "state/usenet/reports"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    text = report.read_text()
    assert "command: usenet services list" in text
    assert "ValueError: odd" in text
    assert "test_cli_bug_report.py" in text


@pytest.mark.parametrize("named_by", ["--stack", "--stack=", "env", "folder"])
def test_values_of_the_stacks_env_are_hidden(
    here: Path, named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = here / "tv"
    stack.mkdir()
    (stack / ".env").write_text("# keys\nSMB='horse battery'\nPORT=8989\n")
    words = ["deploy"]
    if named_by == "--stack":
        words += ["--stack", str(stack)]
    elif named_by == "--stack=":
        words += [f"--stack={stack}"]
    elif named_by == "env":
        monkeypatch.setenv("USENET_STACK", str(stack))
    else:
        monkeypatch.chdir(stack)
    bug = failed("login with horse battery on 8989")
    text = Path(write_report(bug, words)).read_text()
    assert "horse battery" not in text
    assert f"login with {HIDDEN} on 8989" in text


def test_the_environment_and_variables_are_not_in_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_VARIABLE", "value-of-the-environment")

    def deep() -> None:
        held = "value-of-a-variable"
        raise ValueError(len(held))

    with pytest.raises(ValueError) as caught:
        deep()
    text = Path(write_report(caught.value, [])).read_text()
    assert "value-of-the-environment" not in text
    # The line of source that raised is shown; values of variables are not.
    assert "raise ValueError(len(held))" in text
    assert "value-of-a-variable" not in text


def test_a_folder_that_cannot_be_made_falls_back(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "state").write_text("a file stands in the way")
    monkeypatch.setenv("TMPDIR", str(here))
    monkeypatch.setattr("tempfile.tempdir", None)
    report = Path(write_report(failed("odd"), []))
    assert report.parent == here
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
