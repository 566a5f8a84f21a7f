"""A key inside an application's own file: only the key changes."""

from pathlib import Path

import pytest

from usenet_stack.keys.keyfile import (
    read_element,
    read_text,
    replace_element,
    rewrite,
)

OLD, NEW = "0123456789abcdef0123456789abcdef", "f" * 32
SAB = f"""\
__version__ = 19
[logging]
api_key = not-this
[misc]
nzb_key = {OLD[::-1]}
api_key = {OLD}
[[servers]]
api_key = nor-this
"""
BAZARR = f"""\
---
analytics:
  apikey: not-this
auth:
  type: null
  # apikey: a remark
  apikey: '{OLD}'   # ours
sonarr:
  apikey: nor-this
"""
XML = f"<Config>\n  <Port>6969</Port>\n  <ApiKey>{OLD}</ApiKey>\n</Config>\n"
MYLAR = f"[General]\nx = 1\n[API]\nAPI_Enabled = True\nApi_Key = {OLD}\n"


@pytest.mark.parametrize(
    ("text", "format", "element"),
    [
        (SAB, "ini", "misc.api_key"),
        (SAB.replace("\n", "\r\n"), "ini", "misc.api_key"),
        (MYLAR, "ini", "API.api_key"),
        (BAZARR, "yaml", "auth.apikey"),
        (BAZARR.replace("'", '"'), "yaml", "auth.apikey"),
        (BAZARR.replace("'", ""), "yaml", "auth.apikey"),
        (XML, "xml", "ApiKey"),
    ],
)
def test_one_value_is_read_and_replaced(
    text: str, format: str, element: str
) -> None:
    assert read_element(text, format, element) == OLD
    changed = replace_element(text, format, element, NEW)
    assert changed == text.replace(OLD, NEW)
    assert read_element(changed, format, element) == NEW


def test_json_is_read() -> None:
    text = f'{{"main": {{"apiKey": "{OLD}"}}}}'
    assert read_element(text, "json", "main.apiKey") == OLD
    assert read_element("{", "json", "main.apiKey") is None
    assert read_element('{"main": 1}', "json", "main.apiKey") is None


@pytest.mark.parametrize(
    ("format", "element"),
    [("ini", "misc.other"), ("yaml", "auth.other"), ("xml", "Other")],
)
def test_what_is_not_there_is_not_made(format: str, element: str) -> None:
    text = SAB + BAZARR + XML
    assert read_element(text, format, element) is None
    with pytest.raises(ValueError, match=element):
        replace_element(text, format, element, NEW)


def test_a_value_that_needs_quotes_is_refused() -> None:
    with pytest.raises(ValueError, match="quotes"):
        replace_element(SAB, "ini", "misc.api_key", "a'b # c")


def test_rewriting_keeps_mode_and_odd_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.ini"
    path.write_bytes(b"[misc]\r\nname = \xff\napi_key = old\n")
    path.chmod(0o640)
    text = replace_element(read_text(path), "ini", "misc.api_key", NEW)
    rewrite(path, text)
    assert path.read_bytes() == (
        b"[misc]\r\nname = \xff\napi_key = " + NEW.encode() + b"\n"
    )
    assert path.stat().st_mode & 0o777 == 0o640
