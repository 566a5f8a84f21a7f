"""The tree of `usenet services list`, to the column."""

import re
from typing import Any

import pytest
from services_shown import data, row

from usenet_stack.render.service_rows import Look, amount, service_lines

NOW = 1_000_000.0
MIB = 1024**2
ROWS = (
    row(
        "jellyfin",
        "media",
        port=8096,
        url="http://127.0.0.1:8096",
        memory_bytes=512 * MIB,
        cpu_percent=104.2,
        api="ok",
        figures={"streams": 2, "transcodes": 1, "gpu": 1, "version": "10"},
        drives=["films", "tv"],
    ),
    row(
        "readarr",
        "automation",
        state="down",
        reason="nothing listens on port 8787",
        port=8787,
        url="http://127.0.0.1:8787",
        api="unknown",
        restarts=4,
        deprecated=True,
        replacement="bookshelf",
    ),
    row(
        "recyclarr",
        "automation",
        state="timer",
        reason="never told",
        memory_bytes=9 * MIB,
        cpu_percent=0.0,
        figures={"last_run": int(NOW) - 3 * 3600},
    ),
    row(
        "transmission",
        "download",
        state="degraded",
        reason="refuses the key in .env",
        port=9092,
        url="http://127.0.0.1:9092",
        memory_bytes=1536 * MIB,
        cpu_percent=0.3,
        api="refused",
        figures={"active": 2, "down_bytes_s": 1_200_000, "up_bytes_s": 300_000},
    ),
)
PAGE_80 = """\
   Name         Port State     Mem  CPU API Details
Media (1/1 healthy)
 ● jellyfin     8096 Ready    512M 104% ✓   2 streams, 1 on the GPU
Automation (1/2 healthy)
 ✗ readarr      8787 Down        -    - -
    nothing listens on port 8787
 ◷ recyclarr       - Timer      9M 0.0% -   last run 3 h ago
Download (0/1 healthy)
 ▲ transmission 9092 Degraded 1.5G 0.3% ✗   2 active, down 1.2 MB/s, up 300 kB/s
    refuses the key in .env

4 services, 2 healthy, 1 down, 1 degraded. Memory 2.0G, CPU 104.5%, drives:
films, tv.
readarr is retired upstream; bookshelf takes its place.
Seen 12 s ago; --fresh asks anew.
"""
PAGE_120 = """\
   Name         Port State     Mem  CPU API Address               Details
Media (1/1 healthy)
 ● jellyfin     8096 Ready    512M 104% ✓   http://127.0.0.1:8096 2 streams, 1 on the GPU, 1 transcoding, 2 drives
Automation (1/2 healthy)
 ✗ readarr      8787 Down        -    - -   http://127.0.0.1:8787
    nothing listens on port 8787
 ◷ recyclarr       - Timer      9M 0.0% -   -                     last run 3 h ago
Download (0/1 healthy)
 ▲ transmission 9092 Degraded 1.5G 0.3% ✗   http://127.0.0.1:9092 2 active, down 1.2 MB/s, up 300 kB/s
    refuses the key in .env
"""  # noqa: E501
PAGE_ASCII = """\
   Name         Port State     Mem  CPU API Details
Media (1/1 healthy)
 + jellyfin     8096 Ready    512M 104% ok  2 streams, 1 on the GPU
Automation (1/2 healthy)
 x readarr      8787 Down        -    - -
    nothing listens on port 8787
 @ recyclarr       - Timer      9M 0.0% -   last run 3 h ago
Download (0/1 healthy)
 ! transmission 9092 Degraded 1.5G 0.3% no  2 active, down 1.2 MB/s, up 300 kB/s
    refuses the key in .env
"""


def shown(*rows: dict[str, Any], age: float = 0.0, **look: Any) -> str:
    lines = service_lines(data(*rows, age=age), Look(now=NOW, **look))
    return "".join(f"{line}\n" for line in lines)


def test_80_columns() -> None:
    assert shown(*ROWS, age=12.2) == PAGE_80


def test_120_columns_add_addresses_and_drives() -> None:
    assert shown(*ROWS, width=120).startswith(PAGE_120)


def test_ascii_and_no_colour_lose_no_meaning() -> None:
    page = shown(*ROWS, unicode=False)
    assert page.startswith(PAGE_ASCII)
    assert page.isascii()


def test_colour_changes_no_text() -> None:
    coloured = shown(*ROWS, age=12.2, colour=True)
    assert "\033[32m●" in coloured and "\033[1;31m✗" in coloured
    plain = re.sub(r"\033\[[0-9;]*m", "", coloured)
    assert [x.rstrip() for x in plain.splitlines()] == PAGE_80.splitlines()


@pytest.mark.parametrize("width", [40, 48, 60, 80, 99, 100, 110, 120])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_screen(width: int, unicode: bool) -> None:
    long = row(
        "a-service-with-a-name-of-its-own-that-does-not-end",
        "extra",
        state="degraded",
        reason="words " * 40,
        port=65535,
        url="http://192.168.100.100:65535",
        memory_bytes=900 * 1024**3,
        cpu_percent=12_800.0,
        api="failing",
        figures={"queue": 10**9, "status": "paused", "version": "9" * 90},
        drives=["d" * 20],
    )
    for line in shown(*ROWS, long, width=width, unicode=unicode).splitlines():
        assert len(line) <= width, line
        assert line == line.rstrip()


def test_columns_can_be_counted_where_it_is_piped() -> None:
    titles, *lines = PAGE_80.splitlines()
    rows = [line.split() for line in lines if re.match(r" [^ ]", line)]
    assert titles.split()[:6] == ["Name", "Port", "State", "Mem", "CPU", "API"]
    assert [line[1] for line in rows] == [r["name"] for r in ROWS]
    assert [line[3].lower() for line in rows] == [r["state"] for r in ROWS]
    assert all(len(line) >= 7 for line in rows)


def test_reasons_of_healthy_services_wait_for_verbose() -> None:
    assert "never told" not in shown(*ROWS)
    assert "    never told\n" in shown(*ROWS, verbose=1)


def test_quiet_leaves_remarks_out() -> None:
    assert shown(*ROWS, quiet=True).endswith("refuses the key in .env\n")


def test_foreign_text_moves_no_cursor() -> None:
    bad = row("x", "extra", state="down", reason="a\033[2Jb [bold]c[/bold]")
    page = shown(bad)
    assert "\033" not in page and "[bold]c[/bold]" in page


def test_a_sandbox_says_so_and_setup_is_no_trouble() -> None:
    waiting = row("seerr", "media", api="setup", simulated=True)
    page = shown(waiting)
    assert " ● seerr    - Ready   -   - -   setup pending\n" in page
    assert "The applications are simulated: this is a sandbox.\n" in page
    assert "No drives." in page


def test_no_service() -> None:
    assert shown() == "No service.\n"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0K"),
        (1023, "1K"),
        (63 * MIB, "63M"),
        (999 * MIB, "999M"),
        (1000 * MIB, "1.0G"),
        (int(9.9 * 1024**3), "9.9G"),
        (64 * 1024**3, "64G"),
        (5 * 1024**4, "5.0T"),
    ],
)
def test_amounts_are_one_word(count: int, text: str) -> None:
    assert amount(count) == text
