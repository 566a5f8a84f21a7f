"""What a disk says of itself: `smartctl --json`, read whatever it exits with.

Its exit status is a set of bits of which most are no failure of the call,
so only the document counts. A disk that sleeps is left asleep.
"""

import json
from typing import Any, NamedTuple

from usenet_stack.storage.children import ask_programs
from usenet_stack.storage.faults import Fault, Verdict, quote, worst

DEADLINE_S = 15.0
# Attributes by number. Source: smartctl(8) and the drive database's names.
REALLOCATED, PENDING, UNCORRECTABLE, REPORTED, CABLE = 5, 197, 198, 187, 199
WEAR = (231, 233, 177, 202, 173, 169)
MANY_REALLOCATED = 100
MANY_PENDING = 10
WORN, WORN_OUT = 90, 100
HOT_DISK_C, HOT_NVME_C = 60, 75


class Smart(NamedTuple):
    """What one disk told.

    Args:
        device: its path. `model`, `serial`: as it names itself.
        state: "answered", "asleep" (left so), "refused" (its controller or
            USB bridge passes nothing on, or there is no right to ask),
            "silent" (no answer in time) or "absent" (no smartctl).
        why: what smartctl said when it did not answer.
        passed: the disk's own verdict; None when it gives none.
        reallocated, pending, uncorrectable: sectors; None when not told.
        media_errors: of an NVMe.
        wear_percent: 100 is worn out. `temperature_c`, `hours`: as told.
        self_test: the last one's result in words, "" without any.
        self_test_passed: None without any, or while it runs.
        faults: what speaks against it, gravest first.
    """

    device: str
    state: str
    why: str = ""
    model: str = ""
    serial: str = ""
    passed: bool | None = None
    reallocated: int | None = None
    pending: int | None = None
    uncorrectable: int | None = None
    media_errors: int | None = None
    spare_percent: int | None = None
    wear_percent: int | None = None
    temperature_c: int | None = None
    hours: int | None = None
    self_test: str = ""
    self_test_passed: bool | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def verdict(self) -> Verdict:
        if self.faults:
            return worst([fault.verdict for fault in self.faults])
        return "good" if self.state == "answered" else "unknown"


def ask_disks(devices: list[str]) -> list[Smart]:
    """Return what each disk tells; none is woken, none is waited for long.

    Effects: none; a disk in standby stays there.
    """
    told = _ask([(device, ()) for device in devices])
    # A bridge that smartctl does not know often speaks SAT all the same.
    again = [
        number
        for number, found in enumerate(told)
        if found.state == "refused" and "-d" in found.why
    ]
    answers = _ask([(devices[number], ("-d", "sat")) for number in again])
    for number, found in zip(again, answers, strict=True):
        if found.state in ("answered", "asleep"):
            told[number] = found
    return told


def _ask(wanted: list[tuple[str, tuple[str, ...]]]) -> list[Smart]:
    commands = [
        ["smartctl", "--json", "-n", "standby", "-a", *more, device]
        for device, more in wanted
    ]
    documents = ask_programs(commands, DEADLINE_S)
    return [
        Smart(device, "silent", "smartctl gave no answer in time")
        if document is None
        else read_smart(device, document)
        for (device, _), document in zip(wanted, documents, strict=True)
    ]


def read_smart(device: str, document: bytes) -> Smart:
    """Return what a document of `smartctl --json -a` tells of a disk."""
    try:
        found = json.loads(document)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return Smart(device, "refused", "smartctl wrote no JSON")
    said = [
        str(message.get("string", "")).strip()
        for message in _at(found, "smartctl", "messages") or []
        if isinstance(message, dict)
    ]
    known = Smart(
        device,
        "answered",
        model=_text(found, "model_name") or _text(found, "scsi_product"),
        serial=_text(found, "serial_number"),
    )
    if _asleep(found, said):
        return known._replace(state="asleep", why="it sleeps, and is left so")
    if not _has_data(found):
        why = " ".join(said) or "it tells nothing"
        return known._replace(state="refused", why=" ".join(why.split()))
    smart = _read_nvme(found, known) if _is_nvme(found) else _ata(found, known)
    return smart._replace(faults=tuple(_judge(smart, found)))


def _asleep(found: dict[str, Any], said: list[str]) -> bool:
    names = ("STANDBY", "SLEEP")
    mode = str(_at(found, "power_mode", "name") or "").upper()
    words = " ".join(said).upper()
    asleep = any(f"IS IN {name}" in words for name in names)
    return not _has_data(found) and (asleep or mode.startswith(names))


def _has_data(found: dict[str, Any]) -> bool:
    keys = (
        "smart_status",
        "ata_smart_attributes",
        "nvme_smart_health_information_log",
        "scsi_grown_defect_list",
    )
    return any(key in found for key in keys)


def _is_nvme(found: dict[str, Any]) -> bool:
    return "nvme_smart_health_information_log" in found


def _ata(found: dict[str, Any], known: Smart) -> Smart:
    table = _at(found, "ata_smart_attributes", "table") or []
    rows = {row.get("id"): row for row in table if isinstance(row, dict)}
    log = _at(found, "ata_smart_self_test_log", "standard", "table")
    last = log[0] if isinstance(log, list) and log else {}
    return known._replace(
        passed=_at(found, "smart_status", "passed"),
        reallocated=_first_of(
            _raw(rows, REALLOCATED), _number(found, "scsi_grown_defect_list")
        ),
        pending=_raw(rows, PENDING),
        uncorrectable=_raw(rows, UNCORRECTABLE),
        wear_percent=_wear(found, rows),
        temperature_c=_number(found, "temperature", "current"),
        hours=_number(found, "power_on_time", "hours"),
        self_test=_text(last, "status", "string"),
        self_test_passed=_at(last, "status", "passed"),
    )


def _wear(found: dict[str, Any], rows: dict[Any, Any]) -> int | None:
    told = _number(found, "endurance_used", "current_percent")
    if told is not None or _number(found, "rotation_rate") != 0:
        return told
    for number in WEAR:
        value = rows.get(number, {}).get("value")
        if isinstance(value, int) and value <= 100:
            return 100 - value  # normalized: 100 is new
    return None


def _read_nvme(found: dict[str, Any], known: Smart) -> Smart:
    log = found["nvme_smart_health_information_log"]
    tests = _at(found, "nvme_self_test_log", "table")
    last = tests[0] if isinstance(tests, list) and tests else {}
    result = _number(last, "self_test_result", "value")
    return known._replace(
        passed=_at(found, "smart_status", "passed"),
        media_errors=_number(log, "media_errors"),
        spare_percent=_number(log, "available_spare"),
        wear_percent=_number(log, "percentage_used"),
        temperature_c=_number(log, "temperature"),
        hours=_number(log, "power_on_hours"),
        self_test=_text(last, "self_test_result", "string"),
        self_test_passed=None if result is None else result == 0,
    )


def _judge(smart: Smart, found: dict[str, Any]) -> list[Fault]:
    test = f"sudo smartctl -t long {quote(smart.device)}"
    faults = []

    def say(verdict: Verdict, why: str, mend: str = test) -> None:
        faults.append(Fault(verdict, why, mend if verdict != "good" else ""))

    if smart.passed is False:
        say("replace it", "The disk itself says that it is failing.", "")
    if smart.self_test_passed is False and smart.self_test:
        say("replace it", f"Its last self-test: {smart.self_test}.", "")
    for count, many, what in (
        (smart.reallocated, MANY_REALLOCATED, "{} replaced by spare ones"),
        (smart.pending, MANY_PENDING, "{} cannot be read at present"),
        (smart.uncorrectable, MANY_PENDING, "{} could not be mended"),
    ):
        if count:
            verdict: Verdict = "replace it" if count >= many else "watch it"
            sectors = f"{count} sector{'' if count == 1 else 's'}"
            say(verdict, f"{what.format(sectors)}.")
    if smart.media_errors:
        say("watch it", f"{smart.media_errors} media errors on record.")
    if smart.wear_percent is not None and smart.wear_percent >= WORN:
        out = smart.wear_percent >= WORN_OUT
        why = f"It has used {smart.wear_percent} % of its rated life."
        say("replace it" if out else "watch it", why, "")
    faults += _nvme_warnings(smart, found)
    limit = HOT_NVME_C if _is_nvme(found) else HOT_DISK_C
    if smart.temperature_c is not None and smart.temperature_c >= limit:
        why = f"It is {smart.temperature_c} °C hot: it needs air."
        say("watch it", why, "")
    return sorted(faults, key=lambda fault: fault.verdict != "replace it")


def _nvme_warnings(smart: Smart, found: dict[str, Any]) -> list[Fault]:
    log = _at(found, "nvme_smart_health_information_log") or {}
    bits = _number(log, "critical_warning") or 0
    least = _number(log, "available_spare_threshold") or 0
    faults = []
    if bits & 0b01 or (
        smart.spare_percent is not None and smart.spare_percent < least
    ):
        why = f"Its spare blocks run out ({smart.spare_percent} % left)."
        faults.append(Fault("replace it", why))
    if bits & 0b100:
        why = "Its memory cells have become unreliable."
        faults.append(Fault("replace it", why))
    if bits & 0b1000:
        faults.append(Fault("replace it", "It has made itself read-only."))
    return faults


def _raw(rows: dict[Any, Any], number: int) -> int | None:
    value = _number(rows.get(number, {}), "raw", "value")
    # The upper bytes of some vendors' counters hold other things.
    return None if value is None else value & 0xFFFFFFFF


def _first_of(first: int | None, second: int | None) -> int | None:
    return second if first is None else first


def _at(found: Any, *path: str) -> Any:
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _number(found: Any, *path: str) -> int | None:
    value = _at(found, *path)
    plain = isinstance(value, int) and not isinstance(value, bool)
    return value if plain else None


def _text(found: Any, *path: str) -> str:
    value = _at(found, *path)
    return value if isinstance(value, str) else ""
