"""Documents of smartctl become verdicts."""

import pytest

from smart_documents import (
    Document,
    asleep,
    ata,
    forbidden,
    nvme,
    unknown_bridge,
)
from usenet_stack.storage.smart import Smart, read_smart


def read(document: Document) -> Smart:
    return read_smart("/dev/sda", document.text.encode())


def reasons(smart: Smart) -> list[str]:
    return [fault.why for fault in smart.faults]


def test_a_sound_sata_disk() -> None:
    smart = read(ata(self_test=("Completed without error", True)))
    assert (smart.state, smart.verdict) == ("answered", "good")
    assert smart.model == "WDC WD80EFZX-68UW8N0"
    assert (smart.serial, smart.hours) == ("VK0ABCDE", 12345)
    assert (smart.temperature_c, smart.passed) == (34, True)
    assert (smart.reallocated, smart.pending) == (0, 0)
    assert smart.self_test == "Completed without error"
    assert smart.wear_percent is None


def test_a_sound_nvme_disk() -> None:
    smart = read(nvme(self_test=(0, "Completed without error")))
    assert smart.verdict == "good"
    assert (smart.wear_percent, smart.spare_percent) == (3, 100)
    assert (smart.hours, smart.media_errors) == (800, 0)
    assert smart.self_test_passed is True


@pytest.mark.parametrize(
    ("document", "verdict", "why"),
    [
        (ata(passed=False, status=8), "replace it", "itself says"),
        (ata(reallocated=1), "watch it", "1 sector replaced"),
        (ata(reallocated=99), "watch it", "99 sectors replaced"),
        (ata(reallocated=100), "replace it", "100 sectors replaced"),
        (ata(pending=9), "watch it", "9 sectors cannot be read"),
        (ata(pending=10), "replace it", "10 sectors cannot be read"),
        (ata(uncorrectable=2), "watch it", "2 sectors could not"),
        (ata(temperature=60), "watch it", "60 °C"),
        (
            ata(self_test=("Completed: read failure", False)),
            "replace it",
            "read failure",
        ),
        (ata(rotation=0, life_left=10), "watch it", "90 % of its rated life"),
        (ata(rotation=0, life_left=0), "replace it", "100 % of its rated"),
        (nvme(used=89), "good", ""),
        (nvme(used=90), "watch it", "90 % of its rated life"),
        (nvme(used=130), "replace it", "130 %"),
        (nvme(spare=9), "replace it", "9 % left"),
        (nvme(warning=4), "replace it", "unreliable"),
        (nvme(warning=8), "replace it", "read-only"),
        (nvme(media_errors=3), "watch it", "3 media errors"),
        (nvme(temperature=74), "good", ""),
        (nvme(temperature=75), "watch it", "75 °C"),
        (nvme(self_test=(7, "Completed: failed")), "replace it", "failed"),
    ],
)
def test_verdicts(document: Document, verdict: str, why: str) -> None:
    smart = read(document)
    assert smart.verdict == verdict
    assert why in " ".join(reasons(smart))


def test_the_gravest_reason_comes_first() -> None:
    smart = read(ata(temperature=70, pending=50))
    assert [fault.verdict for fault in smart.faults] == [
        "replace it",
        "watch it",
    ]


def test_the_wear_of_a_disk_that_turns_is_none() -> None:
    assert read(ata(life_left=5)).wear_percent is None


def test_only_the_lower_half_of_a_counter_counts() -> None:
    assert read(ata(reallocated=7 << 32)).verdict == "good"


def test_a_sleeping_disk_is_no_failure() -> None:
    smart = read(asleep())
    assert (smart.state, smart.verdict) == ("asleep", "unknown")


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (unknown_bridge(), "Unknown USB bridge"),
        (forbidden(), "Permission denied"),
        (Document("", 1), "no JSON"),
        (Document("smartctl: not found", 127), "no JSON"),
        (Document("[]", 0), "no JSON"),
        (Document("{}", 0), "it tells nothing"),
        (Document('{"smartctl": {"messages": "x"}}', 0), "nothing"),
    ],
)
def test_what_tells_nothing_is_unknown(document: Document, why: str) -> None:
    smart = read(document)
    assert (smart.state, smart.verdict) == ("refused", "unknown")
    assert why in smart.why
    assert "\n" not in smart.why


def test_strange_types_are_not_believed() -> None:
    text = (
        '{"smart_status": {"passed": true}, "temperature": {"current": "x"},'
        ' "ata_smart_attributes": {"table": [{"id": 5, "raw": {}}, 3]}}'
    )
    smart = read(Document(text))
    assert (smart.temperature_c, smart.reallocated) == (None, None)
    assert smart.verdict == "good"
