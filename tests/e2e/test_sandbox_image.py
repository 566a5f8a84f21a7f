"""The image of the sandbox: made here, small, quick, and it works."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest

from docker_engine import Container, until
from images.build import docker
from usenet_stack.docker.engine import Engine
from usenet_stack.sandbox import build_sandbox_image, sandbox_image_tag
from usenet_stack.sandbox.content import ENVIRONMENT, image_entries
from usenet_stack.sandbox.tape import Entry, write_tape
from usenet_stack.services.probe import Answer, probe_once
from usenet_stack.stack.service import Health

SOURCE = Path(__file__).parents[2] / "src"
MB = 1_000_000

BUILD = """
import json, re, sys, time
from usenet_stack.docker.engine import Engine
from usenet_stack.sandbox.content import image_entries
from usenet_stack.sandbox.image import _changes
from usenet_stack.sandbox.tape import write_tape
began = time.monotonic()
Engine().import_image(write_tape(image_entries()), sys.argv[1], _changes())
# Not getrusage: its maximum counts what the parent had at the fork.
status = open("/proc/self/status").read()
peak = int(re.search(r"VmHWM:\\s*(\\d+)", status)[1]) * 1024
print(json.dumps([time.monotonic() - began, peak]))
"""


@pytest.fixture(scope="module")
def engine(docker_host: str) -> Engine:
    return Engine(Path(docker_host.removeprefix("unix://")))


@pytest.fixture(scope="module")
def image(engine: Engine) -> str:
    return build_sandbox_image(engine)


def inside(docker_host: str, image: str, *command: str) -> str:
    """Run a command in a container that ends with it, as a plain user."""
    options = ["--rm", "--pull=never", "--network=none", "--user=1234:1234"]
    options.append(f"--entrypoint={command[0]}")
    return docker(docker_host, "run", *options, image, *command[1:])


@pytest.fixture
def other_pythons(engine: Engine) -> Iterator[list[str]]:
    """Return a list of images to remove at the end."""
    made: list[str] = []
    yield made
    for reference in made:
        engine.remove_image(reference, force=True)


def pythons() -> list[str]:
    """Return the Pythons of this machine that the program runs on."""
    system = Path("/usr/bin/python3")
    found = [sys.executable]
    if system.exists() and sys.prefix != "/usr":
        found.append(str(system))
    return found


@pytest.mark.parametrize("python", pythons())
def test_any_python_makes_one_in_little_time_and_memory(
    python: str,
    docker_host: str,
    engine: Engine,
    other_pythons: list[str],
) -> None:
    reference = f"usenet-test-image:{uuid4().hex[:12]}"
    other_pythons.append(reference)
    told = subprocess.check_output(
        [python, "-c", BUILD, reference],
        env={
            "DOCKER_HOST": docker_host,
            "PATH": os.defpath,
            "PYTHONPATH": str(SOURCE),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    seconds, peak = json.loads(told)
    found = engine.image(reference)
    assert found is not None
    assert found["Size"] < 60 * MB
    assert seconds < 10
    assert peak < 60 * MB
    version = inside(docker_host, reference, "python3", "--version")
    own = subprocess.check_output([python, "--version"], text=True)
    assert version == own.strip()
    check_standard_library(docker_host, reference)


def check_standard_library(docker_host: str, image: str) -> None:
    """Import what is made in C or needs a library of its own."""
    code = (
        "import bz2, ctypes, decimal, hashlib, lzma, socket, sqlite3, ssl,"
        " unicodedata, uuid, xml.etree.ElementTree, zlib, zoneinfo, sys\n"
        "sqlite3.connect(':memory:').execute('select 1')\n"
        "assert hashlib.sha256(b'').hexdigest().startswith('e3b0')\n"
        "assert sys.flags.dont_write_bytecode\n"
        "print(sys.prefix)"
    )
    assert inside(docker_host, image, "python3", "-c", code) == "/usr/local"


def test_there_is_a_shell_with_the_usual_tools(
    docker_host: str, image: str
) -> None:
    script = (
        "set -e; id -u; echo x > /tmp/x; ls -l /tmp/x | wc -l; cat /tmp/x;"
        " stat -c %a /tmp; sleep 0; ps > /dev/null; grep -c root /etc/passwd"
    )
    told = inside(docker_host, image, "sh", "-c", script)
    assert told.split() == ["1234", "1", "x", "1777", "1"]


def test_nothing_is_compiled_at_the_start(docker_host: str, image: str) -> None:
    code = "import simulators.__main__, sys; print(*sys.modules)"
    told = inside(docker_host, image, "python3", "-v", "-c", code)
    assert "simulators.server" in told.split()
    script = (
        "import importlib.util as u, json, simulators.server as s\n"
        "for m in (json, s):\n"
        "    data = open(m.__cached__, 'rb').read(8)\n"
        "    assert data == u.MAGIC_NUMBER + bytes([1, 0, 0, 0]), m\n"
    )
    inside(docker_host, image, "python3", "-c", script)


def test_a_simulator_answers_in_it(docker_host: str, image: str) -> None:
    name = f"usenet-test-{uuid4().hex[:12]}"
    options = ["--detach", "--pull=never", f"--name={name}"]
    docker(docker_host, "run", *options, "-p127.0.0.1::8989", image, "sonarr")
    try:
        address = Container(docker_host, name).address(8989)
        until(lambda: ping(address))
    finally:
        docker(docker_host, "rm", "--force", "--volumes", name)


def ping(address: tuple[str, int]) -> None:
    expected = Health(path="/ping", json={"status": "OK"})
    found = probe_once(expected, address, 2)
    if found != Answer("well"):
        raise OSError(found.reason)


def test_it_is_made_once(engine: Engine, image: str) -> None:
    before = engine.image(image)
    sent: list[int] = []
    assert build_sandbox_image(engine, sent.append) == image
    assert engine.image(image) == before and sent == []


def test_progress_tells_the_bytes(
    engine: Engine, image: str, other_pythons: list[str]
) -> None:
    reference = f"usenet-test-image:{uuid4().hex[:12]}"
    other_pythons.append(reference)
    sent = 0

    def counted() -> Iterator[bytes]:
        nonlocal sent
        for chunk in write_tape(image_entries()):
            assert len(chunk) < 2 * MB
            sent += len(chunk)
            yield chunk

    engine.import_image(counted(), reference, ["ENV A=b"])
    found = engine.image(reference)
    assert found is not None and sent > 20 * MB
    assert "A=b" in found["Config"]["Env"]


def test_it_says_what_it_is(engine: Engine, image: str) -> None:
    found = engine.image(image)
    assert found is not None
    config = found["Config"]
    assert config["Labels"] == {"usenet.sandbox": "true"}
    assert config["Entrypoint"] == ["python3", "-m", "simulators"]
    expected = {f"{key}={value}" for key, value in ENVIRONMENT.items()}
    assert set(config["Env"]) == expected
    assert engine.image_digest(image) is None


def test_its_name_is_the_same_in_every_process() -> None:
    code = "from usenet_stack.sandbox import *; print(sandbox_image_tag())"
    command = [sys.executable, "-c", code]
    env = {"PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": "7"}
    told = subprocess.check_output(command, env=env, text=True)
    assert told.strip() == sandbox_image_tag()


def test_the_archive_is_one_that_others_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"y" * 700_000)
    entries = [
        Entry("/etc", mode=0o700),
        Entry("/etc/a", b"text", 0o640),
        Entry("/etc/b", target="a"),
        Entry(f"/etc/{'long' * 40}", file),
    ]
    data = b"".join(write_tape(entries))
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        found = {member.name: member for member in archive}
        assert found["etc"].isdir() and found["etc"].mode == 0o700
        assert found["etc/a"].mode == 0o640 and found["etc/a"].uid == 0
        assert found["etc/b"].linkname == "a"
        content = archive.extractfile(f"etc/{'long' * 40}")
        assert content is not None and content.read() == file.read_bytes()
