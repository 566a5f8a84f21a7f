"""The sandbox image: made from this machine's own Python, never pulled."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from usenet_stack.docker.engine import Engine
from usenet_stack.sandbox.content import (
    ENVIRONMENT,
    SIMULATORS,
    image_entries,
    interpreter_path,
)
from usenet_stack.sandbox.tape import write_tape

NAME = "usenet-sandbox"
_BUILDERS = ("content", "elf", "image", "libraries", "tape")
LABEL = "usenet.sandbox"


def sandbox_image_tag() -> str:
    """Return the name of the image that this program and Python make.

    The tag changes with the simulators, with how the image is made, and
    with the Python that runs here. Nothing is asked of the Engine.
    """
    digest = hashlib.sha256()
    builders = [Path(__file__).with_name(f"{n}.py") for n in _BUILDERS]
    for path in [*builders, *_simulator_files()]:
        content = path.read_bytes()
        name = path.relative_to(SIMULATORS.parent)
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    program = interpreter_path()
    status = program.stat()
    digest.update(f"{sys.version} {program}".encode())
    digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())
    return f"{NAME}:{digest.hexdigest()[:12]}"


def _simulator_files() -> list[Path]:
    return sorted(
        path
        for path in SIMULATORS.rglob("*.py")
        if not any(part.startswith(".") for part in path.parts)
    )


def build_sandbox_image(
    engine: Engine, on_progress: Callable[[int], None] = lambda _sent: None
) -> str:
    """Make the sandbox image, unless it is there.

    Args:
        on_progress: called with the bytes that the Engine has got.

    Returns: its name.
    Raises:
        UsenetError: image.import-failed, image.library-missing, or the
            Engine's own.
        OSError: a file of this Python that cannot be read.
    Effects: one image of about 60 MB.
    Undo: `docker image rm` with its name.
    """
    tag = sandbox_image_tag()
    if engine.image(tag) is None:
        tape = _reported(write_tape(image_entries()), on_progress)
        engine.import_image(tape, tag, _changes())
    return tag


def _reported(
    chunks: Iterator[bytes], on_progress: Callable[[int], None]
) -> Iterator[bytes]:
    sent = 0
    for chunk in chunks:
        yield chunk
        sent += len(chunk)
        on_progress(sent)


def _changes() -> list[str]:
    variables = [f"ENV {key}={value}" for key, value in ENVIRONMENT.items()]
    start = 'ENTRYPOINT ["python3", "-m", "simulators"]'
    return [*variables, "WORKDIR /", start, f"LABEL {LABEL}=true"]
