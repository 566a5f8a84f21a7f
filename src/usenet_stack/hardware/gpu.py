"""Graphics processors as sysfs shows them, and what can use them."""

import os
import subprocess
from pathlib import Path

import msgspec

# PCI vendor ids of those who make graphics processors for transcoding.
VENDORS = {
    "0x8086": "Intel",
    "0x1002": "AMD",
    "0x10de": "NVIDIA",
    "0x1a03": "ASPEED",
    "0x1af4": "virtio",
    "0x15ad": "VMware",
}
# Drivers whose render node speaks VAAPI.
VAAPI_DRIVERS = ("i915", "xe", "amdgpu", "radeon")
SMI_DEADLINE_S = 3.0


class Gpu(msgspec.Struct, frozen=True):
    """One graphics processor.

    Args:
        vendor: "Intel", "AMD", "NVIDIA", ... or the PCI id.
        model: a name for people; the PCI device id when none is known.
        device: its render node ("/dev/dri/renderD128"), or "".
        driver: the kernel driver bound to it, or "".
        acceleration: "vaapi", "nvidia" or "none".
    """

    vendor: str
    model: str
    device: str
    driver: str
    acceleration: str


def find_gpus(root: Path = Path("/")) -> list[Gpu]:
    """Return the graphics processors of a machine.

    Args:
        root: where its /sys, /proc and /dev are; another than "/" serves
            recorded trees, and no program of the machine is asked then.

    Source: kernel documentation, gpu/drm-uapi (one `cardN` per device, its
    `renderDN` beside it under the same device); /proc/driver/nvidia/gpus.
    """
    cards = sorted((root / "sys/class/drm").glob("card[0-9]*"))
    found = [
        _read_card(card, root) for card in cards if card.name[4:].isdigit()
    ]
    if any(gpu.vendor == "NVIDIA" for gpu in found):
        return [_named(gpu, root) for gpu in found]
    return found + _nvidia_without_drm(root)


def _read_card(card: Path, root: Path) -> Gpu:
    device = card / "device"
    vendor_id = _text(device / "vendor")
    driver = (device / "driver").resolve().name if _has_driver(device) else ""
    node = _render_node(device, root)
    acceleration = "none"
    if driver in VAAPI_DRIVERS and node:
        acceleration = "vaapi"
    elif driver == "nvidia":
        acceleration = "nvidia"
    return Gpu(
        vendor=VENDORS.get(vendor_id, vendor_id or "unknown"),
        model=_text(device / "label") or _text(device / "device"),
        device=node,
        driver=driver,
        acceleration=acceleration,
    )


def _has_driver(device: Path) -> bool:
    return (device / "driver").is_symlink() or (device / "driver").exists()


def _render_node(device: Path, root: Path) -> str:
    for node in sorted((device / "drm").glob("renderD*")):
        if (root / "dev/dri" / node.name).exists():
            return f"/dev/dri/{node.name}"
    return ""


def _named(gpu: Gpu, root: Path) -> Gpu:
    models = _nvidia_models(root)
    if gpu.vendor != "NVIDIA" or not models:
        return gpu
    return msgspec.structs.replace(gpu, model=models[0])


def _nvidia_without_drm(root: Path) -> list[Gpu]:
    """Return the cards that the driver knows without a DRM node (servers)."""
    return [
        Gpu("NVIDIA", model, "", "nvidia", "nvidia")
        for model in _nvidia_models(root)
    ]


def _nvidia_models(root: Path) -> list[str]:
    folder = root / "proc/driver/nvidia/gpus"
    models = [
        line.partition(":")[2].strip()
        for path in sorted(folder.glob("*/information"))
        for line in _text(path).splitlines()
        if line.startswith("Model:")
    ]
    known = [model for model in models if model and model != "Unknown"]
    if known or root != Path("/"):
        return known
    return _ask_nvidia_smi() if (root / "dev/nvidiactl").exists() else []


def _ask_nvidia_smi() -> list[str]:
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SMI_DEADLINE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def count_cores(root: Path = Path("/")) -> int:
    """Return the cores that this process may use; of a tree, all it lists."""
    if root == Path("/"):
        return len(os.sched_getaffinity(0))
    listing = _text(root / "proc/cpuinfo")
    return sum(line.startswith("processor") for line in listing.splitlines())
