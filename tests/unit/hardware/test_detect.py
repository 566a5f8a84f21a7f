"""Hardware from recorded trees."""

from pathlib import Path

import pytest

from usenet_stack.hardware import detect_hardware, list_hardware

X86 = """processor\t: 0
model name\t: Intel(R) Core(TM)  i5-8500T CPU @ 2.10GHz

processor\t: 1
model name\t: Intel(R) Core(TM)  i5-8500T CPU @ 2.10GHz
"""
PI = """processor\t: 0
BogoMIPS\t: 108.00

Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""


def write(root: Path, path: str, text: str) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def add_card(root: Path, number: int, vendor: str, driver: str) -> None:
    device = f"sys/devices/pci/{number}"
    write(root, f"{device}/vendor", vendor + "\n")
    write(root, f"{device}/device", "0x3e92\n")
    node = f"renderD{128 + number}"
    (root / device / "drm" / node).mkdir(parents=True)
    if driver:
        (root / f"sys/bus/drivers/{driver}").mkdir(parents=True)
        link = root / device / "driver"
        link.symlink_to(f"../../../bus/drivers/{driver}")
    card = root / f"sys/class/drm/card{number}"
    card.mkdir(parents=True)
    (card / "device").symlink_to(f"../../../devices/pci/{number}")
    (root / f"sys/class/drm/card{number}-HDMI-A-1").mkdir()
    write(root, f"dev/dri/{node}", "")


def test_reads_processor_and_memory(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", X86)
    write(
        tmp_path,
        "proc/meminfo",
        "MemTotal:       8000000 kB\nMemAvailable:   100 kB\nHugePages: 0\n",
    )
    found = detect_hardware(tmp_path)
    assert found.cpu == "Intel(R) Core(TM) i5-8500T CPU @ 2.10GHz"
    assert found.cores == 2
    assert found.memory_bytes == 8000000 * 1024
    assert found.memory_free_bytes == 100 * 1024
    assert found.gpus == []


def test_a_board_without_model_name(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", PI)
    assert detect_hardware(tmp_path).cpu == "Raspberry Pi 4 Model B Rev 1.4"


def test_nothing_readable_is_no_failure(tmp_path: Path) -> None:
    found = detect_hardware(tmp_path)
    assert (found.cpu, found.cores, found.profile) == ("unknown", 0, "light")


@pytest.mark.parametrize(
    ("vendor", "driver", "name", "acceleration"),
    [
        ("0x8086", "i915", "Intel", "vaapi"),
        ("0x1002", "amdgpu", "AMD", "vaapi"),
        ("0x10de", "nvidia", "NVIDIA", "nvidia"),
        ("0x1a03", "ast", "ASPEED", "none"),
        ("0xbeef", "what", "0xbeef", "none"),
    ],
)
def test_a_card(
    tmp_path: Path, vendor: str, driver: str, name: str, acceleration: str
) -> None:
    add_card(tmp_path, 0, vendor, driver)
    (gpu,) = detect_hardware(tmp_path).gpus
    assert (gpu.vendor, gpu.driver) == (name, driver)
    assert gpu.acceleration == acceleration
    assert gpu.device == "/dev/dri/renderD128"


def test_two_cards_and_the_model_of_nvidia(tmp_path: Path) -> None:
    add_card(tmp_path, 0, "0x8086", "i915")
    add_card(tmp_path, 1, "0x10de", "nvidia")
    write(
        tmp_path,
        "proc/driver/nvidia/gpus/0000:01:00.0/information",
        "Model: \t\t Quadro P400\nIRQ: 33\n",
    )
    found = detect_hardware(tmp_path)
    assert [gpu.model for gpu in found.gpus] == ["0x3e92", "Quadro P400"]
    assert found.vaapi and found.nvidia


def test_nvidia_without_a_drm_node(tmp_path: Path) -> None:
    write(
        tmp_path,
        "proc/driver/nvidia/gpus/0000:01:00.0/information",
        "Model: \t\t Tesla T4\n",
    )
    (gpu,) = detect_hardware(tmp_path).gpus
    assert (gpu.model, gpu.device) == ("Tesla T4", "")


def test_a_card_without_driver_is_said(tmp_path: Path) -> None:
    add_card(tmp_path, 0, "0x1002", "")
    (message,) = list_hardware(tmp_path).messages
    assert message.level == "warning"
    assert "AMD" in message.text


def test_the_profile_follows_memory_and_cores(tmp_path: Path) -> None:
    write(tmp_path, "proc/meminfo", "MemTotal: 33000000 kB\n")
    for cores, expected in ((2, "light"), (4, "balanced"), (8, "dedicated")):
        write(tmp_path, "proc/cpuinfo", "processor\t: 0\n" * cores)
        data = list_hardware(tmp_path).data["hardware"]
        assert data["profile"] == expected


def test_this_machine() -> None:
    found = detect_hardware()
    assert found.cores >= 1
    assert found.memory_bytes > found.memory_free_bytes > 0
