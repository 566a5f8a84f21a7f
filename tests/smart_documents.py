"""What `smartctl --json -a` writes for disks of each kind, and its exit."""

import json
from typing import Any, NamedTuple

VERSION = [7, 3]


class Document(NamedTuple):
    """A document and the exit status that comes with it."""

    text: str
    status: int = 0


def _document(status: int, messages: list[str], **parts: Any) -> Document:
    smartctl = {
        "version": VERSION,
        "platform_info": "x86_64-linux",
        "messages": [
            {"string": text, "severity": "error"} for text in messages
        ],
        "exit_status": status,
    }
    head = {"json_format_version": [1, 0], "smartctl": smartctl}
    return Document(json.dumps(head | parts), status)


def _attribute(number: int, name: str, value: int, raw: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "value": value,
        "worst": value,
        "thresh": 10,
        "when_failed": "",
        "raw": {"value": raw, "string": str(raw)},
    }


def ata(
    *,
    passed: bool = True,
    reallocated: int = 0,
    pending: int = 0,
    uncorrectable: int = 0,
    temperature: int = 34,
    rotation: int = 5400,
    life_left: int = 100,
    self_test: tuple[str, bool] | None = None,
    status: int = 0,
) -> Document:
    """Return what a SATA disk tells."""
    table = [
        _attribute(5, "Reallocated_Sector_Ct", 100, reallocated),
        _attribute(9, "Power_On_Hours", 80, 12345),
        _attribute(177, "Wear_Leveling_Count", life_left, 12),
        _attribute(194, "Temperature_Celsius", 66, temperature),
        _attribute(197, "Current_Pending_Sector", 100, pending),
        _attribute(198, "Offline_Uncorrectable", 100, uncorrectable),
    ]
    parts: dict[str, Any] = {
        "device": {"name": "/dev/sda", "type": "sat", "protocol": "ATA"},
        "model_name": "WDC WD80EFZX-68UW8N0",
        "serial_number": "VK0ABCDE",
        "rotation_rate": rotation,
        "smart_status": {"passed": passed},
        "ata_smart_attributes": {"revision": 16, "table": table},
        "power_on_time": {"hours": 12345},
        "temperature": {"current": temperature},
    }
    if self_test:
        text, good = self_test
        row = {
            "type": {"value": 2, "string": "Extended offline"},
            "status": {"value": 0, "string": text, "passed": good},
            "lifetime_hours": 12000,
        }
        log = {"standard": {"revision": 1, "table": [row], "count": 1}}
        parts["ata_smart_self_test_log"] = log
    return _document(status, [], **parts)


def nvme(
    *,
    warning: int = 0,
    spare: int = 100,
    used: int = 3,
    media_errors: int = 0,
    temperature: int = 41,
    self_test: tuple[int, str] | None = None,
) -> Document:
    """Return what an NVMe disk tells."""
    parts: dict[str, Any] = {
        "device": {"name": "/dev/nvme0", "type": "nvme", "protocol": "NVMe"},
        "model_name": "Samsung SSD 980 PRO 2TB",
        "serial_number": "S6B0NL0T",
        "smart_status": {"passed": not warning, "nvme": {"value": warning}},
        "nvme_smart_health_information_log": {
            "critical_warning": warning,
            "temperature": temperature,
            "available_spare": spare,
            "available_spare_threshold": 10,
            "percentage_used": used,
            "power_on_hours": 800,
            "media_errors": media_errors,
        },
    }
    if self_test:
        value, text = self_test
        row = {"self_test_result": {"value": value, "string": text}}
        parts["nvme_self_test_log"] = {"table": [row]}
    return _document(0, [], **parts)


def asleep() -> Document:
    """Return what `-n standby` writes for a disk that sleeps: exit 2."""
    return _document(2, ["Device is in STANDBY mode, exit(2)"])


def unknown_bridge() -> Document:
    """Return the answer to a USB bridge that smartctl does not know."""
    text = (
        "/dev/sda: Unknown USB bridge [0x1234:0x5678 (0x100)]\n"
        "Please specify device type with the -d option."
    )
    return _document(1, [text])


def forbidden() -> Document:
    """Return the answer to a user who may not ask."""
    text = "Smartctl open device: /dev/sda failed: Permission denied"
    return _document(2, [text])
