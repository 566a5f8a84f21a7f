"""The generated pages say what the program's data say."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pages import DOCS

SCRIPT = DOCS / "generate.py"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_page_has_drifted_from_the_data() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_a_changed_page_is_told_with_the_difference(
    generate: ModuleType, tmp_path: Path
) -> None:
    generate.write(tmp_path)
    assert generate.drifted(tmp_path) == []
    page = tmp_path / "reference/errors.md"
    page.write_text(page.read_text().replace("### bug\n", "### insect\n"))
    told = generate.drifted(tmp_path)
    assert "-### insect" in told
    assert "+### bug" in told


def test_a_missing_page_is_told(generate: ModuleType, tmp_path: Path) -> None:
    generate.write(tmp_path)
    (tmp_path / "reference/secrets.md").unlink()
    assert "+# Secrets" in generate.drifted(tmp_path)


def test_the_generated_pages_name_their_maker(generate: ModuleType) -> None:
    for text in generate.pages().values():
        assert generate.MARK in text
