"""`usenet storage health`: how long a drive is to be trusted."""

import os
import shutil
import time
from typing import TYPE_CHECKING, Any

from usenet_stack.errors import UsenetError
from usenet_stack.result import Result
from usenet_stack.storage.drives import find_drives
from usenet_stack.storage.faults import Fault, Verdict, quote, worst
from usenet_stack.storage.filling import Sample, forecast, keep
from usenet_stack.storage.remembered import Memory, open_memory
from usenet_stack.storage.rows import Drive, printable_row
from usenet_stack.storage.smart import Smart, ask_disks

if TYPE_CHECKING:
    from usenet_stack.stack.model import Stack

SOON_DAYS = 30
# Made of memory or of another file system: nothing there can be asked.
NO_DISK = ("loop", "memory", "network", "cloud", "fuse", "union")
INSTALL = {
    "apt-get": "sudo apt-get install smartmontools",
    "dnf": "sudo dnf install smartmontools",
    "pacman": "sudo pacman -S smartmontools",
    "zypper": "sudo zypper install smartmontools",
    "apk": "sudo apk add smartmontools",
}


def check_health(
    names: list[str] | None = None, stack: "Stack | None" = None
) -> Result:
    """Return a verdict on each drive, and what it rests on.

    Args:
        names: mount points, devices, UUIDs, labels or names in the pool;
            None or empty means all.
        stack: whose pool's names count.

    Raises:
        UsenetError: "storage.no-drive" when a name fits no drive.
    Effects: keeps the verdict and how full each drive is, for later
        forecasts. Wakes no disk.
    """
    drives = _chosen(find_drives(stack, recall=False), names or [])
    disks = list(dict.fromkeys(d for row in drives for d in _disks(row)))
    has_smartctl = shutil.which("smartctl") is not None
    asked = ask_disks(disks) if has_smartctl else _absent(disks)
    told = dict(zip(disks, asked, strict=True))
    memory = open_memory(os.environ)
    result = Result({"drives": [], "smartctl": has_smartctl})
    for drive in drives:
        mine = [told[disk] for disk in _disks(drive)]
        result.data["drives"].append(_report(drive, mine, memory))
    memory.save()
    if disks and not has_smartctl:
        result.warn(
            "The disks were not asked, for smartctl is missing. "
            f"To install it: {_how_to_install()}"
        )
    elif any("Permission denied" in smart.why for smart in asked):
        result.warn(
            "Only root may ask the disks themselves: sudo usenet storage health"
        )
    return result


def _disks(drive: Drive) -> tuple[str, ...]:
    return () if drive.medium in NO_DISK else drive.disks


def _absent(disks: list[str]) -> list[Smart]:
    return [Smart(disk, "absent", "smartctl is missing") for disk in disks]


def _how_to_install() -> str:
    found = (text for tool, text in INSTALL.items() if shutil.which(tool))
    return next(found, "install the package smartmontools")


def _chosen(drives: list[Drive], names: list[str]) -> list[Drive]:
    if not names:
        return drives
    chosen = []
    for name in names:
        fitting = [drive for drive in drives if _is_called(drive, name)]
        if not fitting:
            raise UsenetError("storage.no-drive", name=name)
        chosen += fitting
    return list(dict.fromkeys(chosen))


def _is_called(drive: Drive, name: str) -> bool:
    place = name.rstrip("/") if len(name) > 1 else name
    return name != "" and (
        name in (drive.pool, drive.uuid, drive.label, drive.source, drive.by_id)
        or place == drive.mountpoint
        or name in drive.devices
        or name in drive.disks
    )


def _report(drive: Drive, disks: list[Smart], memory: Memory) -> dict[str, Any]:
    faults = _of_state(drive)
    faults += [Fault(drive.health, why, drive.mend) for why in drive.faults]
    faults += [fault for smart in disks for fault in smart.faults]
    samples, filling = _filling(drive, memory)
    before = memory.get("health", drive.key)
    if disks and all(smart.state == "asleep" for smart in disks):
        faults += _last_found(before)
    verdict = _verdict(drive, faults, disks)
    if filling and filling["full_in_days"] is not None:
        faults += _full_soon(drive, filling["full_in_days"])
        verdict = worst([verdict, *(fault.verdict for fault in faults)])
    _remember(drive, verdict, disks, samples, memory)
    return {
        "verdict": verdict,
        "reasons": [_reason(fault, drive) for fault in faults],
        "filling": filling,
        "last_answer": before.get("at"),
        "disks": [_disk(smart) for smart in disks],
        **{
            key: value
            for key, value in printable_row(drive).items()
            if key not in ("health", "faults", "mend", "system", "disks")
        },
    }


def _last_found(note: dict[str, Any]) -> list[Fault]:
    """Return what was found when the disks were last awake."""
    verdict = note.get("verdict", "unknown")
    mend = note.get("mend", "")
    return [
        Fault(verdict, f"When it was last awake: {why}", mend)
        for why in note.get("faults", ())
    ]


def _of_state(drive: Drive) -> list[Fault]:
    where = quote(drive.mountpoint)
    if drive.state == "not answering":
        why = "It does not answer: its server or drive is gone."
        return [Fault("watch it", why, f"sudo umount -l {where}")]
    if drive.state == "away":
        return [Fault("watch it", "The pool knows it, but it is away.")]
    return []


def _verdict(drive: Drive, faults: list[Fault], disks: list[Smart]) -> Verdict:
    verdicts = [fault.verdict for fault in faults]
    verdicts += [smart.verdict for smart in disks]
    if not disks and drive.state == "mounted":
        # What has no disk of its own is as good as its answer.
        return worst([*verdicts, "good"])
    return worst(verdicts)


def _filling(
    drive: Drive, memory: Memory
) -> tuple[list[Sample], dict[str, Any] | None]:
    old = [
        Sample(*row)
        for row in memory.get("filling", drive.key).get("samples", ())
    ]
    if drive.used is None or drive.free is None or drive.read_only:
        return old, None
    # What is set aside for root is no room for media.
    room = drive.used + drive.free
    now = Sample(int(time.time()), drive.used, room)
    samples = keep(old, now)
    found = forecast(samples)
    return samples, None if found is None else found._asdict()


def _full_soon(drive: Drive, days: float) -> list[Fault]:
    if days > SOON_DAYS:
        return []
    when = "today" if days < 1 else f"in {days:.0f} days"
    why = f"At this pace it is full {when}."
    return [Fault("watch it", why, "usenet storage status")]


def _remember(
    drive: Drive,
    verdict: Verdict,
    disks: list[Smart],
    samples: list[Sample],
    memory: Memory,
) -> None:
    if samples:
        kept = [list(sample) for sample in samples]
        memory.put("filling", drive.key, {"samples": kept})
    answered = [smart for smart in disks if smart.state == "answered"]
    if not answered:
        return
    own = [fault for smart in answered for fault in smart.faults]
    note = {
        "verdict": worst([smart.verdict for smart in answered]),
        "faults": [fault.why for fault in own],
        "mend": _mend(own[0], drive) if own else "",
        "at": int(time.time()),
    }
    memory.put("health", drive.key, note)


def _reason(fault: Fault, drive: Drive) -> dict[str, str]:
    return {
        "verdict": fault.verdict,
        "why": fault.why,
        "mend": _mend(fault, drive),
    }


def _mend(fault: Fault, drive: Drive) -> str:
    if fault.mend or fault.verdict != "replace it":
        return fault.mend
    if drive.pool:
        return f"usenet storage remove {quote(drive.pool)} --move-to DRIVE"
    where = quote(drive.mountpoint or drive.source)
    return f"Copy {where} to another drive, then replace it."


def _disk(smart: Smart) -> dict[str, Any]:
    row = smart._asdict()
    del row["faults"]
    return {**row, "verdict": smart.verdict}
