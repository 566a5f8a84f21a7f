"""What the sandbox image holds: Python, a shell, the simulators."""

import marshal
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib import util
from pathlib import Path

from usenet_stack.sandbox.libraries import Libraries, needed_libraries
from usenet_stack.sandbox.tape import Entry

SIMULATORS = Path(__file__).parent / "simulators"
LIBRARY_FOLDER = "/usr/local/lib/usenet"
SIMULATORS_FOLDER = "/opt/usenet"
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"

# Parts of the standard library that no simulator needs.
LEFT_OUT = frozenset(
    {
        "__phello__",
        "__pycache__",
        "dist-packages",
        "distutils",
        "ensurepip",
        "idlelib",
        "lib2to3",
        "pydoc_data",
        "site-packages",
        "test",
        "tests",
        "tkinter",
        "turtledemo",
        "venv",
    }
)
MODULES_LEFT_OUT = ("_test", "_tkinter", "_xx", "xx", "_ctypes_test", "nis.")

TOOLS = (  # noqa: SIM905
    "basename cat chmod chown cp cut date dd df dirname du echo env expr "
    "false find grep head hostname id kill ln ls mkdir mktemp mv od "
    "printenv printf ps pwd readlink realpath rm rmdir sed seq sha256sum sh "
    "sleep sort stat sync tail tar tee test timeout touch tr true tty uname "
    "uniq wc which whoami xargs"
).split()

FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "/etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
    "/etc/os-release": 'ID=usenet-sandbox\nNAME="usenet sandbox"\n',
}
FOLDERS = {
    **dict.fromkeys(("bin", "etc", "lib", "lib64", "opt", "usr"), 0o755),
    "opt/usenet": 0o755,
    "root": 0o700,
    "config": 0o1777,  # for a service that has no volume there
    "tmp": 0o1777,
    "usr/bin": 0o755,
    "usr/local": 0o755,
    "usr/local/bin": 0o755,
    "var": 0o755,
    "var/tmp": 0o1777,
}
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "LD_LIBRARY_PATH": LIBRARY_FOLDER,
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONPATH": SIMULATORS_FOLDER,
}


def image_entries() -> Iterator[Entry]:
    """Return everything that the image holds, folders before files.

    Raises:
        UsenetError: image.library-missing.
        OSError: a file of this Python that cannot be read.
    """
    for folder, mode in FOLDERS.items():
        yield Entry(f"/{folder}", mode=mode)
    for path, text in FILES.items():
        yield Entry(path, text.encode(), 0o644)
    tools = _tools()
    yield from _tool_entries(tools)
    interpreter = interpreter_path()
    yield from _interpreter_entries(interpreter)
    library = Path(sysconfig.get_path("stdlib"))
    modules = _extension_modules(library)
    target = f"/usr/local/{sys.platlibdir}/{VERSION}"
    yield from _source_entries(library, target)
    for module in modules:
        yield Entry(f"{target}/lib-dynload/{module.name}", module)
    programs = [interpreter, *modules, *dict.fromkeys(tools.values())]
    yield from _library_entries(needed_libraries(programs))
    yield from _source_entries(SIMULATORS, f"{SIMULATORS_FOLDER}/simulators")


def interpreter_path() -> Path:
    """Return the real program of this Python, outside of any venv."""
    found = Path(sys.base_prefix, "bin", VERSION)
    return (found if found.exists() else Path(sys.executable)).resolve()


def _interpreter_entries(program: Path) -> Iterator[Entry]:
    yield Entry(f"/usr/local/bin/{VERSION}", program)
    for name in ("python3", "python"):
        yield Entry(f"/usr/local/bin/{name}", target=VERSION)


def _tools() -> dict[str, Path]:
    """Return a program for each tool: busybox, else this machine's own."""
    busybox = shutil.which("busybox", path="/bin:/usr/bin:/usr/local/bin")
    if busybox:
        return dict.fromkeys(TOOLS, Path(busybox).resolve())
    found = {name: shutil.which(name, path="/usr/bin:/bin") for name in TOOLS}
    return {n: Path(path).resolve() for n, path in found.items() if path}


def _tool_entries(tools: dict[str, Path]) -> Iterator[Entry]:
    by_program: dict[Path, list[str]] = {}
    for name, program in tools.items():
        by_program.setdefault(program, []).append(name)
    for program, names in by_program.items():
        if names == [program.name]:
            yield Entry(f"/bin/{program.name}", program)
            continue
        yield Entry(f"/usr/bin/{program.name}", program)
        for name in names:
            yield Entry(f"/bin/{name}", target=f"../usr/bin/{program.name}")


def _library_entries(libraries: Libraries) -> Iterator[Entry]:
    for loader in sorted(libraries.loaders):
        yield from _parents(loader)
        yield Entry(loader, Path(loader))
    yield Entry(LIBRARY_FOLDER)
    for name, path in sorted(libraries.files.items()):
        yield Entry(f"{LIBRARY_FOLDER}/{name}", path)


def _parents(path: str) -> Iterator[Entry]:
    for parent in reversed(Path(path).parents):
        if str(parent).lstrip("/") not in ("", *FOLDERS):
            yield Entry(str(parent))


def _extension_modules(library: Path) -> list[Path]:
    return [
        path
        for path in sorted(library.glob("lib-dynload/*.so"))
        if not path.name.startswith(MODULES_LEFT_OUT)
    ]


def _source_entries(top: Path, target: str) -> Iterator[Entry]:
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(set(folders) - LEFT_OUT - _unimportable(folders))
        inside = target + folder.removeprefix(str(top))
        yield Entry(inside)
        sources = [name for name in sorted(files) if name.endswith(".py")]
        yield Entry(f"{inside}/__pycache__")
        for name in sources:
            yield from _module(Path(folder, name), f"{inside}/{name}")


def _unimportable(folders: Iterable[str]) -> set[str]:
    return {name for name in folders if not name.isidentifier()}


def _module(path: Path, target: str) -> Iterator[Entry]:
    try:
        source = path.read_bytes()
    except FileNotFoundError:  # a link into this machine's /etc
        return
    yield Entry(target, source, 0o644)
    code = bytecode(path, source, target)
    yield Entry(util.cache_from_source(target), code, 0o644)


def bytecode(path: Path, source: bytes, name: str) -> bytes:
    """Return the compiled module, which Python loads without a check.

    Args:
        path: where this machine may have it compiled already.
        source: its text; `name` its path inside the image.

    Source: PEP 552, unchecked hash-based pycs.
    """
    head = util.MAGIC_NUMBER + (1).to_bytes(4, "little")
    head += util.source_hash(source)
    return head + (_compiled(path, source) or _compile(source, name))


def _compiled(path: Path, source: bytes) -> bytes:
    try:
        cached = Path(util.cache_from_source(str(path))).read_bytes()
        modified = int(path.stat().st_mtime) & 0xFFFFFFFF
    except OSError:
        return b""
    by_time = util.MAGIC_NUMBER + bytes(4) + modified.to_bytes(4, "little")
    fresh = by_time + (len(source) & 0xFFFFFFFF).to_bytes(4, "little")
    return cached[16:] if cached[:16] == fresh else b""


def _compile(source: bytes, name: str) -> bytes:
    return marshal.dumps(compile(source, name, "exec", dont_inherit=True))
