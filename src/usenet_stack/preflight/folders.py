"""Can the services use their folders: owner, space, links, file system?"""

from collections.abc import Iterator
from pathlib import Path

from usenet_stack.preflight.finding import Finding, ok
from usenet_stack.preflight.site import Site
from usenet_stack.stack.layout import Folder, folders
from usenet_stack.storage import Answer, Request, mount_of, probe

GIB = 1024**3
MIB = 1024**2


def check_writable(site: Site) -> Iterator[Finding]:
    """Each folder, tried as the user that its service runs as."""
    if site.stack is None:
        return
    wanted = folders(site.stack)
    silent = [f for f in wanted if not site.places[f.path].ok]
    for folder in silent:
        yield _unusable(folder.path, site.places[folder.path])
    missing = missing_folders(site)
    if missing:
        yield _missing(missing)
    there = [f for f in wanted if f not in silent and f not in missing]
    bad = list(_unwritable_of(site, there))
    yield from bad
    if not bad:
        text = f"{len(there)} of {len(wanted)} folders are there, all writable."
        yield ok("folder.writable", "folders", text)


def _unwritable_of(site: Site, there: list[Folder]) -> Iterator[Finding]:
    for identity in sorted({(folder.uid, folder.gid) for folder in there}):
        group = [f for f in there if (f.uid, f.gid) == identity]
        answers = probe(
            [Request("write", str(folder.path)) for folder in group],
            identity=identity if site.is_root else None,
        )
        for folder, answer in zip(group, answers, strict=True):
            if not answer.ok:
                yield _unwritable(folder, answer)


def missing_folders(site: Site) -> list[Folder]:
    """Return the stack's folders that do not exist yet, parents first."""
    if site.stack is None:
        return []
    return [
        folder
        for folder in folders(site.stack)
        if site.places[folder.path].data.get("exists") is False
    ]


def _missing(missing: list[Folder]) -> Finding:
    return Finding(
        "folder.missing",
        "warn",
        str(missing[0].path),
        f"It and {len(missing) - 1} other folders of the stack do not exist "
        "yet; a deploy makes them.",
        "usenet validate --fix",
    )


def _unwritable(folder: Folder, answer: Answer) -> Finding:
    hints = {
        "EROFS": f"sudo mount -o remount,rw '{folder.path}'",
        "ENOSPC": f"Free some space: df -h '{folder.path}'",
    }
    mend = f"sudo chown {folder.uid}:{folder.gid} '{folder.path}'"
    denied = answer.errno in ("EACCES", "EPERM")
    return Finding(
        "folder.writable" if denied else "folder.usable",
        "fail",
        str(folder.path),
        f"User {folder.uid}, group {folder.gid} cannot write there: "
        f"{answer.why}.",
        hints.get(answer.errno, mend),
        {"uid": folder.uid, "gid": folder.gid},
    )


def _unusable(path: Path, answer: Answer) -> Finding:
    return Finding(
        "folder.usable",
        "fail",
        str(path),
        f"It cannot be looked at: {answer.why}.",
        "usenet storage list --all   (shows what does not answer)",
    )


def _place(site: Site, path: Path) -> Path | None:
    """Return where a folder is or will be; None when it does not answer."""
    answer = site.places[path]
    return Path(answer.data["path"]) if answer.ok else None


def check_space(site: Site) -> Iterator[Finding]:
    """Room for settings and for media."""
    if site.stack is None:
        return
    little, least = (10 * GIB, GIB)
    if site.stack.sandbox:
        little, least = (GIB, 256 * MIB)
    roots = {"config": site.stack.config_root, "data": site.stack.data_root}
    places = {what: _place(site, path) for what, path in roots.items()}
    known = {what: path for what, path in places.items() if path}
    answers = probe([Request("statvfs", str(p)) for p in known.values()])
    for (what, path), answer in zip(known.items(), answers, strict=True):
        if not answer.ok:
            yield _unusable(path, answer)
            continue
        free = int(answer.data["free"])
        text = f"{free / GIB:.1f} GiB are free for {what}."
        if free >= little:
            yield ok("space.free", str(path), text)
            continue
        yield Finding(
            "space.free",
            "fail" if free < least else "warn",
            str(path),
            text,
            f"Free some space: du -xh --max-depth=1 '{path}' | sort -h",
        )


def check_config_filesystem(site: Site) -> Iterator[Finding]:
    """No network file system under databases: SQLite corrupts there."""
    if site.stack is None:
        return
    path = _place(site, site.stack.config_root)
    if path is None:
        return
    mount = mount_of(path, site.mounts)
    code = "config.filesystem"
    if mount.kind in ("disk", "pseudo"):
        yield ok(code, str(path), f"{mount.fstype} is fit for databases.")
        return
    yield Finding(
        code,
        "fail",
        str(path),
        f"It lies on {mount.fstype} ({mount.source}): the services keep "
        "SQLite databases there, which a network or FUSE file system "
        "corrupts.",
        "usenet config set paths.config /a/folder/on/a/local/disk",
    )


def check_hard_link(site: Site) -> Iterator[Finding]:
    """A real link from downloads into the pool, as imports make them."""
    if site.stack is None:
        return
    stack, code = site.stack, "pool.hardlink"
    source, target = stack.downloads_root, stack.media_root
    places = [site.places[source], site.places[target]]
    if not all(place.ok for place in places):
        return
    if not all(place.data["exists"] for place in places):
        yield _same_device(source, target, [p.data["path"] for p in places])
        return
    settings = stack.settings.stack
    (answer,) = probe(
        [Request("link", str(source), str(target))],
        identity=(settings.puid, settings.pgid) if site.is_root else None,
    )
    if answer.ok:
        yield ok(code, str(target), "A hard link from downloads works.")
        return
    yield _no_link(source, target, answer)


def _no_link(source: Path, target: Path, answer: Answer) -> Finding:
    why = f"{answer.why} ({answer.errno})"
    if answer.errno == "EXDEV":
        why = "they lie on two file systems or mounts (EXDEV)"
    hint = (
        "usenet config set paths.data /a/folder/on/one/disk   "
        "(downloads and media both live in it)"
    )
    if answer.errno in ("EACCES", "EPERM"):
        hint = "usenet validate --fix"
    return Finding(
        "pool.hardlink",
        "fail",
        str(target),
        f"No hard link from {source} is possible: {why}. Every import "
        "would be a slow copy that takes its space twice.",
        hint,
    )


def _same_device(source: Path, target: Path, places: list[str]) -> Finding:
    answers = probe([Request("stat", path) for path in places])
    devices = {answer.data.get("device") for answer in answers}
    if len(devices) == 1 and None not in devices:
        text = "Downloads and media will lie on one file system."
        return ok("pool.hardlink", str(target), text)
    refused = Answer("refused", errno="EXDEV")
    return _no_link(source, target, refused)


def check_propagation(site: Site) -> Iterator[Finding]:
    """A shared data folder: containers see drives that come later."""
    if site.stack is None:
        return
    path = _place(site, site.stack.data_root)
    if path is None:
        return
    mount = mount_of(path, site.mounts)
    code = "pool.propagation"
    if mount.propagation != "private":
        text = f"Its mount {mount.target} is {mount.propagation}."
        yield ok(code, str(path), text)
        return
    yield Finding(
        code,
        "warn",
        str(path),
        f"Its mount {mount.target} is private: running containers would "
        "not see a drive that is added later.",
        site.fix_command,
    )
