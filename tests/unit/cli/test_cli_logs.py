"""Log lines on their way to the user."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from usenet_stack.cli.log_output import print_logs, without_secrets
from usenet_stack.cli.parse import parse
from usenet_stack.services import LogLine
from usenet_stack.stack.model import load_stack
from usenet_stack.stack.template import NewStack, new_settings_text

KEY = "0123456789abcdef0123456789abcdef"


def line(service: str, text: str) -> LogLine:
    return LogLine(service, "2026-01-02T03:04:05Z", "stdout", text)


def test_keys_of_the_stack_are_masked(tmp_path: Path) -> None:
    text = new_settings_text(NewStack(name="tv"))
    (tmp_path / "stack.toml").write_text(text)
    (tmp_path / ".env").write_text(f"SONARR_API_KEY={KEY}\n")
    lines = [line("sonarr", f"my key is {KEY}."), line("sonarr", "ready")]
    shown = [x.text for x in without_secrets(load_stack(tmp_path), lines)]
    assert KEY not in shown[0]
    assert shown[0].startswith("my key is ") and shown[0].endswith(".")
    assert shown[1] == "ready"


def test_several_services_are_told_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call = parse(["services", "logs", "sonarr", "sabnzbd"])
    lines = [line("sonarr", "one"), line("sabnzbd", "two\033[2J")]
    names = call.names("name")
    assert print_logs(call, names, lines).exit_code == 0
    assert capsys.readouterr().out == "sonarr  one\nsabnzbd two\n"


def cut_off() -> Iterator[LogLine]:
    yield line("sonarr", "one")
    raise KeyboardInterrupt


def test_ctrl_c_ends_following_without_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call = parse(["services", "logs", "sonarr", "--follow"])
    assert print_logs(call, ["sonarr"], cut_off()).exit_code == 130
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("one\n", "")


def test_ctrl_c_elsewhere_is_told_by_the_boundary() -> None:
    call = parse(["services", "logs", "sonarr"])
    with pytest.raises(KeyboardInterrupt):
        print_logs(call, ["sonarr"], cut_off())
