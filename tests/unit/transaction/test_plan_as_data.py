"""Plans as text, and plans through JSON and back."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from traced import Traced

from usenet_stack.errors import UsenetError
from usenet_stack.transaction import Operation, Plan, Step
from usenet_stack.transaction.files import MakeFolder, MakeFolders, WriteFile
from usenet_stack.transaction.journal import Journal

pytestmark = pytest.mark.unit

text = st.text(st.characters(exclude_categories=["Cs"]))
paths = text.map(lambda name: Path("/", name.replace("\0", "")))
modes = st.integers(0, 0o7777)
owners = st.integers(-1, 2**31 - 1)
folders = st.builds(MakeFolder, paths, modes, owners, owners)
operations = st.one_of(
    folders,
    st.builds(MakeFolders, st.lists(folders, min_size=1).map(tuple)),
    st.builds(WriteFile, paths, text, modes, owners, owners),
    st.builds(Traced, paths, text, st.lists(text).map(tuple), text),
)
steps = st.builds(
    Step, operations, text, st.sampled_from(["abort", "continue"])
)
plans = st.builds(
    Plan,
    text,
    st.lists(steps, max_size=4).map(tuple),
    st.sampled_from(["forward", "back"]),
)


def test_a_plan_as_text() -> None:
    plan = Plan(
        "deploy",
        (
            Step(MakeFolder(Path("/srv/config")), "sonarr keeps it there"),
            Step(WriteFile(Path("/srv/a.toml"), "top = 1\n"), "it is new"),
        ),
    )
    assert plan.as_text() == (
        "1. create folder /srv/config\n"
        "   why: sonarr keeps it there\n"
        "2. write /srv/a.toml\n"
        "   why: it is new\n"
    )


def test_an_empty_plan_as_text() -> None:
    assert Plan("deploy", ()).as_text() == "Nothing to do.\n"


@given(plans)
def test_a_plan_survives_json(plan: Plan) -> None:
    told: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(plan.as_dict())
    )
    assert Plan.from_dict(told) == plan


@given(operations)
def test_an_operation_names_its_kind(operation: Operation) -> None:
    told = operation.as_dict()
    assert told["kind"] == operation.kind
    assert type(Operation.from_dict(told)) is type(operation)


@pytest.mark.parametrize(
    "told",
    [
        {"kind": "file.explode", "path": "/x"},
        {"kind": "", "path": "/x"},
        {"path": "/x"},
        {"kind": "file.write", "path": "/x"},
        {"kind": "file.write", "path": "/x", "content": 7},
    ],
)
def test_what_is_no_operation_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        Operation.from_dict(told)


def test_the_journal_of_another_version_is_told_as_such(
    tmp_path: Path,
) -> None:
    step = {"operation": {"kind": "file.explode"}, "why": "", "on_failure": ""}
    record = {"event": "plan", "command": "x", "recovery": "back"}
    journal = Journal(
        tmp_path / "20300101.jsonl", [{**record, "steps": [step]}], 0
    )
    with pytest.raises(UsenetError) as caught:
        journal.plan()
    assert caught.value.code == "journal.foreign"
    assert "usenet journal show 20300101" in caught.value.hint
