"""What the picker shows, and what each key does."""

import re

import pytest

from usenet_stack.render.picker import Line, Picker, cell_width, fit

HEADINGS = ("Drive", "Kind", "Size", "Free", "Label", "Pool")


def line(name: str, marked: bool = False, why_not: str = "") -> Line:
    cells = (name, "HDD ext4", "8 TiB", "1 TiB", "films", "-")
    return Line(cells, marked, why_not)


def picker(*lines: Line) -> Picker:
    return Picker("Drives", HEADINGS, list(lines))


def screen(state: Picker, width: int = 80, height: int = 24) -> list[str]:
    painted = state.paint(width, height)
    assert len(painted) == height
    plain = [re.sub(r"\x1b\[\d*m", "", text) for text in painted]
    assert {cell_width(text) for text in plain if text} == {width}
    return plain


def press(state: Picker, *keys: str) -> str:
    found = ""
    for key in keys:
        found = state.press(key, 24)
    return found


def test_all_columns_stand_on_80() -> None:
    text = "\n".join(screen(picker(line("/mnt/a", True), line("/mnt/b"))))
    for word in (*HEADINGS, "[x] /mnt/a", "[ ] /mnt/b", "8 TiB", "films"):
        assert word in text


def test_marks() -> None:
    state = picker(line("a"), line("b", True))
    press(state, " ", "j", " ")
    assert state.marks == [True, False]
    assert "1 to add, 1 to remove" in "\n".join(screen(state))
    press(state, " ", "k", " ")
    assert state.marks == [False, True]
    assert "to add" not in "\n".join(screen(state))


def test_what_cannot_be_chosen_says_why() -> None:
    state = picker(line("a", why_not="it is read-only"))
    text = "\n".join(screen(state))
    assert "Cannot be chosen: it is read-only." in text
    assert " -  a" in text
    press(state, " ")
    assert state.marks == [False]


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        (("j", "\x1b[B", "\x1bOB"), 3),
        (("k",), 0),
        (("G",), 49),
        (("G", "j"), 49),
        (("G", "g"), 0),
        (("\x1b[6~",), 18),
        (("\x1b[6~", "\x1b[5~"), 0),
        (("\x1b[F", "\x1b[A", "\x1bOA", "k"), 46),
        (("x", "\x1b[99~"), 0),
    ],
)
def test_moving(keys: tuple[str, ...], cursor: int) -> None:
    state = picker(*(line(f"/mnt/{number}") for number in range(50)))
    press(state, *keys)
    assert state.cursor == cursor
    assert f"] /mnt/{cursor} " in "\n".join(screen(state))


def test_the_screen_says_how_much_it_hides() -> None:
    state = picker(*(line(f"/mnt/{number}") for number in range(50)))
    assert "32 below" in "\n".join(screen(state))
    press(state, "G")
    assert "32 above" in "\n".join(screen(state))
    # A smaller window still shows the cursor.
    assert "] /mnt/49 " in "\n".join(screen(state, 40, 8))


def test_ends() -> None:
    assert press(picker(line("a")), "\r") == "apply"
    assert press(picker(line("a")), "q") == "leave"
    assert press(picker(line("a")), "\x03") == "leave"
    assert press(picker(line("a")), " ") == ""


@pytest.mark.parametrize(
    "name",
    ["x" * 300, "漢字" * 40, "a\nb\tc", "\x1b[2J", "e\u0301", "[red]", ""],
)
def test_names_of_any_kind_keep_the_screen_whole(name: str) -> None:
    for width, height in ((80, 24), (40, 8), (200, 60)):
        text = "\n".join(screen(picker(line(name)), width, height))
        assert "\x1b" not in text


def test_fitting() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abcdef", 4) == "abc…"
    assert fit("漢字", 3) == "漢…"
    assert fit("/mnt/films", 6, keep_end=True) == "…films"
    assert fit("漢字", 4, keep_end=True) == "漢字"
    assert fit("x漢字", 4, keep_end=True) == "…字 "
    assert fit("a\nb", 3) == "a\N{REPLACEMENT CHARACTER}b"
