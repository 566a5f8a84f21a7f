"""Tables at 80 and 120 columns, and the data that they show."""

import io
from typing import Any

import pytest
from services_shown import data, row

from usenet_stack.render import (
    config,
    deploy,
    findings,
    hardware,
    journal,
    plan,
    services,
    storage,
)
from usenet_stack.render.screen import Screen

SERVICES = data(
    row(
        "sonarr",
        "automation",
        port=8989,
        url="http://127.0.0.1:8989",
        memory_bytes=210 * 1024**2,
        simulated=True,
    ),
    row("recyclarr", "automation", state="timer", reason="next run at 04:00"),
    row(
        "audiobookshelf",
        "media",
        state="down",
        reason="the container ended with 1 [bold]oh[/bold] \033[2J",
        port=13378,
        url="http://127.0.0.1:13378",
        simulated=True,
    ),
)
DRIVE = {
    "name": "films",
    "mountpoint": "/mnt/a-rather-long-name-of-a-drive/films",
    "source": "/dev/disk/by-id/ata-WDC_WD80EFAX-68LHPN0",
    "fstype": "ext4",
    "medium": "HDD",
    "size": 8 * 1024**4,
    "used": 6 * 1024**4,
    "free": 2 * 1024**4,
    "read_only": False,
    "portable": False,
    "pool": "films",
    "state": "mounted",
    "system": False,
    "label": "Films and series",
    "uuid": "3d27cbfa-b027-4b3a-b494-6bd91f11c816",
    "by_id": "/dev/disk/by-id/ata-WDC_WD80EFAX-68LHPN0",
    "model": "WDC WD80EFAX-68LHPN0",
    "layers": ["LUKS", "LVM"],
    "devices": ["/dev/sdb1"],
    "disks": ["/dev/sdb"],
    "portability": "Linux",
    "health": "watch it",
    "faults": ["The file system has 3 errors on record."],
    "mend": "sudo fsck -f /dev/sdb1",
    "also": [],
}
HEALTH = {
    **{name: value for name, value in DRIVE.items() if name != "health"},
    "verdict": "replace it",
    "reasons": [
        {
            "verdict": "replace it",
            "why": "12 sectors cannot be read at present.",
            "mend": "usenet storage remove films",
        }
    ],
    "filling": {"bytes_per_day": 1024**3, "full_in_days": 12.0},
    "last_answer": 1700000000,
    "disks": [
        {
            "device": "/dev/sdb",
            "state": "answered",
            "why": "",
            "model": "WDC WD80EFAX-68LHPN0",
            "serial": "VK0ABCDE",
            "reallocated": 0,
            "pending": 12,
            "uncorrectable": 0,
            "media_errors": None,
            "spare_percent": None,
            "wear_percent": None,
            "temperature_c": 34,
            "hours": 12345,
            "self_test": "Completed without error",
            "verdict": "replace it",
        }
    ],
}
POOL = {
    "pool": {
        "path": "/srv/tv/data/media",
        "layout": "separate",
        "shared": True,
        "free": 2 * 1024**4,
    },
    "drives": [
        DRIVE,
        {
            **DRIVE,
            "name": "b",
            "state": "away",
            "size": None,
            "used": None,
            "free": None,
        },
    ],
}
CHECKS = {
    "checks": [
        {"status": "ok", "subject": "Docker", "message": "Fine.", "hint": ""},
        {
            "status": "fail",
            "subject": "port 8989",
            "message": "Something holds it: python3 (process 4711). " * 3,
            "hint": "sudo kill 4711",
        },
    ]
}
JOURNAL = {
    "journal": {
        "id": "20260102T030405.000001Z-deploy",
        "command": "deploy",
        "at": "2026-01-02T03:04:05Z",
        "ended": "",
        "outcome": "unfinished",
        "steps": [
            {"operation": "create folder /a", "why": "b", "state": "done"},
            {
                "operation": "write /a/" + "c" * 90,
                "why": "words " * 30,
                "state": "begun",
                "by_hand": "rm /a/c",
            },
        ],
    }
}
SHOWN = [
    (services.show_services, SERVICES),
    (services.show_change, SERVICES),
    (deploy.show_deploy, {**SERVICES, "stack": "/srv/tv", "next": ["usenet"]}),
    (storage.show_drives, {"drives": [DRIVE]}),
    (storage.show_drives, {"drives": []}),
    (storage.show_health, {"drives": [HEALTH], "smartctl": True}),
    (storage.show_health, {"drives": []}),
    (storage.show_pool, POOL),
    (storage.show_change, {**POOL, "added": "films"}),
    (findings.show_checks, CHECKS),
    (journal.show_journal, JOURNAL),
    (
        journal.show_journals,
        {
            "journals": [
                {**JOURNAL["journal"], "steps": 2, "outcome": "committed"}
            ]
        },
    ),
    (
        hardware.show_hardware,
        {
            "hardware": {
                "cpu": "A Processor With A Long Name CPU @ 3.40GHz",
                "cores": 4,
                "memory_bytes": 16 * 1024**3,
                "memory_free_bytes": 8 * 1024**3,
                "profile": "balanced",
                "gpus": [
                    {
                        "vendor": "Intel",
                        "model": "UHD 630",
                        "driver": "i915",
                        "device": "/dev/dri/renderD128",
                        "acceleration": "vaapi",
                    }
                ],
            }
        },
    ),
]


def shown(
    show: Any, data: dict[str, Any], width: int, **options: Any
) -> list[str]:
    stream = io.StringIO()
    show(data, Screen(stream, width, **options))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    ("show", "data"), SHOWN, ids=lambda v: getattr(v, "__name__", "")
)
def test_what_is_shown_fits(
    show: Any, data: dict[str, Any], width: int
) -> None:
    lines = shown(show, data, width)
    assert lines
    # Steps to take by hand and paths are there to be copied: never broken.
    wide = [x for x in lines if len(x) > width and "c" * 90 not in x]
    assert wide == []
    assert all(line == line.rstrip() for line in lines)
    assert not any("\033" in line for line in lines)


def test_checks_list_the_mends_of_what_is_not_well() -> None:
    lines = shown(findings.show_checks, CHECKS, 80)
    at = lines.index("To mend it")
    assert lines[at + 1 : at + 3] == ["  port 8989", "      sudo kill 4711"]
    assert lines[-1] == "1 well, 0 with a warning, 1 failed."
    quiet = shown(findings.show_checks, CHECKS, 80, quiet=True)
    assert not any("Docker" in line for line in quiet)


def test_a_plan_is_numbered_with_causes_and_long_paths_stay_whole() -> None:
    long = "create folder /" + "x" * 100
    steps = [{"operation": f"do {n}", "why": f"because {n}"} for n in range(9)]
    steps.append({"operation": long, "why": "it is long"})
    lines = shown(plan.show_plan, {"plan": steps}, 80)
    assert lines[:2] == [" 1. do 0", "    why: because 0"]
    assert "/" + "x" * 100 in "".join(lines)
    assert lines[-1] == "10 steps planned; nothing was changed."
    assert shown(plan.show_plan, {"plan": []}, 80) == ["Nothing to do."]


def test_settings_read_as_they_are_set() -> None:
    settings = {
        "stack": {"name": "tv", "hosts": ["a", "b"], "sandbox": False},
        "ports": {"sabnzbd": {"web": 8081}},
    }
    assert shown(config.show_settings, {"settings": settings}, 80) == [
        "stack.name = tv",
        "stack.hosts = a, b",
        "stack.sandbox = false",
        "ports.sabnzbd.web = 8081",
    ]
    assert shown(config.show_value, {"value": "Etc/UTC"}, 80) == ["Etc/UTC"]
    change = {"key": "a.b", "before": None, "after": 5, "changed": True}
    assert shown(config.show_change, change, 80) == ["a.b: (not set) -> 5"]
