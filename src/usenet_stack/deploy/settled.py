"""See fast that a stack is as the last deploy left it.

Planning a deploy anew costs several times what Compose takes to find that
there is nothing to do. So a deploy that ended well notes what it depended
on. While all of that is the same, every container is the one that it left,
and every service answers as it should, the next one has nothing to plan.

In any doubt the answer is None and the whole way is taken: nothing hangs on
the few lines of HTTP here. They, and the absence of imports, are what makes
this way fast.
"""

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from usenet_stack.deploy.request import DeployRequest
from usenet_stack.result import Result
from usenet_stack.services import ask_all
from usenet_stack.stack.locate import STACK_FILE

PROGRAM = Path(__file__).parents[1]
FILES = (STACK_FILE, "compose.yaml", ".env")
ANSWER_SECONDS = 3.0
# Docker's proxy hangs up at once when nobody listens. Shorter than in
# services.probe: this very container has been found well before.
PROXY_SECONDS = 0.02
LONGEST_ANSWER = 4 * 1024 * 1024
# {"label":["com.docker.compose.project=NAME"]}
OF_PROJECT = "%7B%22label%22%3A%5B%22com.docker.compose.project%3D{}%22%5D%7D"
SERVICE_LABEL = "com.docker.compose.service"


class Question(NamedTuple):
    """Where to ask a service, and what it should say; see the catalogue."""

    host: str
    port: int
    kind: str
    method: str
    path: str
    status: list[int]
    text: str
    json: dict[str, Any]


def note_path(folder: Path) -> Path:
    """Return where the note of a stack lies; losing it costs only time."""
    return folder / ".usenet" / "settled.json"


def is_plain(request: DeployRequest) -> bool:
    """Tell whether a deploy asks for nothing but the stack as it is."""
    plain = DeployRequest(request.stack_folder, request.sandbox)
    return request._replace(skip_validation=False) == plain


def settled(folder: Path, request: DeployRequest) -> Result | None:
    """Return the result of a deploy that has nothing to do, else None.

    Args:
        folder: the stack; it may not exist.

    Effects: none. Another run that holds the lock gives None.
    """
    if not is_plain(request):
        return None
    try:
        note = json.loads(note_path(folder).read_bytes())
        same = note["depends"] == depends(folder) and _same_machine(note)
        if not (same and _lock_is_free(folder)):
            return None
        running = _running(note["socket"], note["data"]["project"])
        if running != note["containers"] or not _all_answer(note):
            return None
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return Result(note["data"] | {"changed": 0, "journal": ""})


def depends(folder: Path) -> list[str]:
    """Return all that the outcome of a deploy depends on, as short lines.

    A file stands for its content by what the file system says of it. The
    names of the journals are among them, so that a change by whatever
    command makes another list.
    """
    return list(_lines(folder))


def user_files(folder: Path) -> list[str]:
    """Return the same of the files that only the user writes."""
    own = [folder / "compose.override.yaml", *folder.glob("services.d/*.toml")]
    return [_stamp(str(path)) for path in sorted(own)]


def _lines(folder: Path) -> Iterator[str]:
    yield from user_files(folder)
    yield from (_stamp(f"{folder}/{name}") for name in FILES)
    for parent, _, names in os.walk(PROGRAM):
        sources = (n for n in sorted(names) if n.endswith((".py", ".toml")))
        yield from (_stamp(f"{parent}/{name}") for name in sources)
    with open("/proc/meminfo", encoding="ascii") as memory:  # noqa: PTH123
        yield memory.readline()
    yield f"{sorted(os.sched_getaffinity(0))} {os.geteuid()}"
    yield os.environ.get("DOCKER_HOST", "")
    yield " ".join(sorted(map(str, Path("/dev/dri").glob("*"))))
    yield " ".join(sorted(os.listdir(folder / ".usenet/journal")))  # noqa: PTH208


def _stamp(path: str) -> str:
    try:
        seen = os.stat(path)  # noqa: PTH116 (three hundred, for speed)
    except FileNotFoundError:
        return f"{path} absent"
    return f"{path} {seen.st_ino} {seen.st_size} {seen.st_ctime_ns}"


def _same_machine(note: dict[str, Any]) -> bool:
    """Folders are there, and the same is mounted on the data folder."""
    return note["mount"] == mount_line(note["data_root"]) and all(
        map(os.path.exists, note["paths"])
    )


def mount_line(target: str) -> str:
    """Return what the mount table says of a folder, without its numbers."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:  # noqa: PTH123
        lines = [line.split() for line in table]
    return " ".join(
        " ".join(words[2:6]) for words in lines if words[4] == target
    )


def _lock_is_free(folder: Path) -> bool:
    with (folder / ".usenet/lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _running(engine: str, project: str) -> dict[str, str]:
    """Return the ids of the running containers of a project, by service."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(engine)
        path = f"/containers/json?filters={OF_PROJECT.format(project)}"
        status, body = _exchange(connection, "GET", path, "docker")
    if status != 200:
        raise ValueError(status)
    return {
        container["Labels"][SERVICE_LABEL]: container["Id"]
        for container in json.loads(body)
        if container["State"] == "running"
    }


def _exchange(
    connection: socket.socket, method: str, path: str, host: str
) -> tuple[int, bytes]:
    """Ask in HTTP/1.0, in which an answer ends with its connection."""
    request = f"{method} {path} HTTP/1.0\r\nHost: {host}\r\n\r\n"
    connection.sendall(request.encode())
    answer = bytearray()
    while block := connection.recv(65536):
        answer += block
        if len(answer) > LONGEST_ANSWER:
            raise ValueError("no end of it")
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    return int(head.split(None, 2)[1]), body


def _all_answer(note: dict[str, Any]) -> bool:
    asked = {
        name: _asking(Question(**question))
        for name, question in note["questions"].items()
    }
    answers = ask_all(asked, ANSWER_SECONDS)
    return set(answers) == set(asked) and all(answers.values())


def _asking(question: Question) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            return _is_well(question)
        except (OSError, ValueError, LookupError):
            return False

    return ask


def _is_well(question: Question) -> bool:
    family = socket.AF_INET6 if ":" in question.host else socket.AF_INET
    with socket.socket(family) as connection:
        connection.settimeout(ANSWER_SECONDS)
        connection.connect((question.host, question.port))
        if question.kind == "tcp":
            connection.settimeout(PROXY_SECONDS)
            try:
                return bool(connection.recv(1))
            except TimeoutError:
                return True  # it waits for us to speak first
        host = f"127.0.0.1:{question.port}"
        status, body = _exchange(
            connection, question.method, question.path, host
        )
    text = body.decode(errors="replace").strip()
    if status not in question.status or question.text not in ("", text):
        return False
    told = json.loads(text) if question.json else {}
    return all(told.get(key) == value for key, value in question.json.items())
