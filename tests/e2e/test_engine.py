"""The client of the Engine against a real Engine and real containers."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from images.build import docker
from usenet_stack.docker.engine import PROJECT_LABEL, SERVICE_LABEL, Engine
from usenet_stack.errors import UsenetError
from usenet_stack.sandbox import build_sandbox_image

Make = Callable[..., str]


@pytest.fixture(scope="module")
def engine(docker_host: str) -> Engine:
    return Engine(Path(docker_host.removeprefix("unix://")))


@pytest.fixture
def project() -> str:
    return f"usenet-test-{uuid4().hex[:10]}"


@pytest.fixture
def make(docker_host: str, engine: Engine, project: str) -> Iterator[Make]:
    """Return a function that makes a container of a shell script."""
    image = build_sandbox_image(engine)
    made: list[str] = []

    def create(script: str, *options: str, start: bool = True) -> str:
        name = f"{project}-{len(made)}"
        labels = [f"{PROJECT_LABEL}={project}", f"{SERVICE_LABEL}={name}"]
        line = ["create", f"--name={name}", "--pull=never"]
        line += [f"--label={label}" for label in labels]
        line += [*options, "--entrypoint=sh", image, "-c", script]
        made.append(docker(docker_host, *line).strip())
        if start:
            engine.start(made[-1])
        return made[-1]

    yield create
    for container in made:
        docker(docker_host, "rm", "--force", "--volumes", container)


WAIT = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"


def states(engine: Engine, project: str) -> list[str]:
    return [entry["State"] for entry in engine.containers(project)]


def test_the_engine_tells_its_version(engine: Engine) -> None:
    major, minor = engine.ping().split(".")
    assert (int(major), int(minor)) >= (1, 41)
    assert engine.version()["ApiVersion"] == engine.ping()
    assert engine.info()["OSType"] == "linux"


def test_life_of_a_container(engine: Engine, make: Make, project: str) -> None:
    container = make(WAIT, start=False)
    assert states(engine, project) == ["created"]
    assert engine.containers(project, all=False) == []
    engine.start(container)
    engine.start(container)
    assert states(engine, project) == ["running"]
    first = engine.inspect(container)["State"]["StartedAt"]
    engine.restart(container, 5)
    assert engine.inspect(container)["State"]["StartedAt"] != first
    engine.stop(container)
    engine.stop(container)
    assert states(engine, project) == ["exited"]
    assert engine.inspect(container)["State"]["ExitCode"] == 0
    engine.start(container)
    engine.kill(container)
    engine.remove(container)
    engine.remove(container)
    assert states(engine, project) == []


def test_stop_waits_only_so_long(engine: Engine, make: Make) -> None:
    container = make("trap '' TERM; while :; do sleep 0.05; done")
    began = time.monotonic()
    engine.stop(container, 1)
    assert 0.9 < time.monotonic() - began < 8
    assert engine.inspect(container)["State"]["ExitCode"] == 137


def test_unknown_container_is_named(engine: Engine) -> None:
    with pytest.raises(UsenetError) as caught:
        engine.inspect("usenet-test-none")
    assert caught.value.code == "docker.not-found"
    assert "usenet-test-none" in caught.value.message


@pytest.mark.parametrize("terminal", [False, True])
def test_logs(engine: Engine, make: Make, terminal: bool) -> None:
    options = ["--tty"] if terminal else []
    container = make(
        "for n in 1 2 3 4 5; do echo out $n; done; echo bad >&2", *options
    )
    ended(engine, container)
    lines = list(engine.logs(container))
    texts = [line.text for line in lines if line.text != "bad"]
    assert texts == [f"out {n}" for n in range(1, 6)]
    bad = next(line for line in lines if line.text == "bad")
    assert bad.stream == ("stdout" if terminal else "stderr")
    assert all(line.time.endswith("Z") for line in lines)
    assert len(list(engine.logs(container, tail=2))) == 2
    assert list(engine.logs(container, since=time.time() + 60)) == []


def ended(engine: Engine, container: str) -> None:
    for _ in engine.logs(container, follow=True):
        pass


def test_following_ends_with_the_container(engine: Engine, make: Make) -> None:
    container = make(WAIT)
    lines = engine.logs(container, follow=True)
    assert next(lines).text == "up"
    engine.stop(container)
    assert list(lines) == []


def test_following_can_be_left(engine: Engine, make: Make) -> None:
    lines = engine.logs(make(WAIT), follow=True)
    assert next(lines).text == "up"
    lines.close()  # type: ignore[attr-defined]


def test_big_log_does_not_need_memory(engine: Engine, make: Make) -> None:
    import tracemalloc

    container = make("seq 100000")
    ended(engine, container)
    tracemalloc.start()
    count = sum(1 for _ in engine.logs(container))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 1_000_000


def test_exec_tells_code_and_output(engine: Engine, make: Make) -> None:
    container = make(WAIT, "--user=1234")
    command = ["sh", "-c", "id -u; echo bad >&2; exit 7"]
    code, told = engine.exec_capture(container, command)
    # Two streams: Docker does not keep their order.
    assert (code, sorted(told.split())) == (7, ["1234", "bad"])
    code, told = engine.exec_capture(container, ["id", "-u"], user="0:0")
    assert (code, told) == (0, "0\n")
    flood = ["sh", "-c", "head -c 9000000 /dev/zero"]
    code, told = engine.exec_capture(container, flood)
    assert code == 0 and len(told) == 1024 * 1024


def test_exec_in_a_stopped_container_is_a_conflict(
    engine: Engine, make: Make
) -> None:
    container = make("exit 0")
    ended(engine, container)
    with pytest.raises(UsenetError) as caught:
        engine.exec_capture(container, ["true"])
    assert caught.value.code == "docker.conflict"


def test_stats_tell_memory(engine: Engine, make: Make) -> None:
    from usenet_stack.services.memory import memory_in_sample, memory_of

    container = make(WAIT)
    used = memory_in_sample(engine.stats(container))
    assert used is not None and 0 < used < 100_000_000
    # The kernel's own word, which is asked first because it is quicker.
    own = memory_of(container)
    assert own is not None and 0 < own < 100_000_000


def test_stats_of_a_stopped_container_are_empty(
    engine: Engine, make: Make
) -> None:
    from usenet_stack.services.memory import memory_in_sample, memory_of

    container = make("exit 0")
    ended(engine, container)
    assert memory_in_sample(engine.stats(container)) is None
    assert memory_of(container) is None


def test_events_come_as_they_happen(
    engine: Engine, make: Make, project: str
) -> None:
    container = make(WAIT)
    began = time.time()
    filters = {"container": [container], "event": ["die", "start"]}
    seen: list[str] = []
    listening = engine.events(filters, since=began, until=began + 30)

    def act() -> None:
        engine.stop(container)
        engine.start(container)

    thread = threading.Thread(target=act)
    thread.start()
    for event in listening:
        seen.append(event["Action"])
        if seen == ["die", "start"]:
            break
    thread.join(10)
    assert seen == ["die", "start"]


def test_networks_and_volumes_of_a_project(
    docker_host: str, engine: Engine, project: str
) -> None:
    label = f"--label={PROJECT_LABEL}={project}"
    docker(docker_host, "network", "create", label, f"{project}-net")
    docker(docker_host, "volume", "create", label, f"{project}-vol")
    try:
        (network,) = engine.networks(project)
        (volume,) = engine.volumes(project)
    finally:
        engine.remove_network(f"{project}-net")
        engine.remove_volume(f"{project}-vol")
    assert network["Name"] == f"{project}-net"
    assert volume["Name"] == f"{project}-vol"
    assert engine.networks(project) == engine.volumes(project) == []
    engine.remove_network(f"{project}-net")
    engine.remove_volume(f"{project}-vol")


def test_network_in_use_stays(
    docker_host: str, engine: Engine, make: Make, project: str
) -> None:
    name = f"{project}-net"
    docker(docker_host, "network", "create", name)
    container = make(WAIT, f"--network={name}")
    with pytest.raises(UsenetError):
        engine.remove_network(name)
    engine.remove(container)
    engine.remove_network(name)


def test_pull_of_what_no_registry_has(engine: Engine) -> None:
    with pytest.raises(UsenetError) as caught:
        engine.pull("127.0.0.1:9/nothing:1")
    assert caught.value.code == "image.pull-failed"
    assert "127.0.0.1:9" in caught.value.why


def test_images_come_and_go(engine: Engine) -> None:
    reference = f"usenet-test-image:{uuid4().hex[:12]}"
    assert engine.image(reference) is None
    made = engine.import_image(iter([bytes(1024)]), reference, ["ENV A=b"])
    found = engine.image(reference)
    assert found is not None and found["Id"] == made
    assert found["Config"]["Env"] == ["A=b"]
    engine.remove_image(reference)
    engine.remove_image(reference)
    assert engine.image(reference) is None


def test_import_of_what_is_no_archive_is_refused(engine: Engine) -> None:
    with pytest.raises(UsenetError) as caught:
        engine.import_image(iter([b"no tar" * 1000]), "usenet-test-image:no")
    assert caught.value.code in ("image.import-failed", "docker.api")
    assert engine.image("usenet-test-image:no") is None
