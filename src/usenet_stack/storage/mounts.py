"""The kernel's mount table, read without touching any mount."""

import re
from pathlib import Path, PurePath
from typing import Literal, NamedTuple

Propagation = Literal["shared", "slave", "private"]

# File systems that the kernel or a container engine makes for itself.
_PSEUDO = """
    autofs binder binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts
    devtmpfs efivarfs fusectl hugetlbfs mqueue nsfs overlay proc pstore ramfs
    rpc_pipefs securityfs selinuxfs squashfs sysfs tmpfs tracefs fuse.lxcfs
    fuse.gvfsd-fuse fuse.portal fuse.snapfuse
"""
_NETWORK = """
    nfs nfs4 cifs smb3 smbfs 9p afs ceph glusterfs lustre davfs
    fuse.sshfs fuse.glusterfs fuse.ceph fuse.davfs2
"""
PSEUDO = frozenset(_PSEUDO.split())
NETWORK = frozenset(_NETWORK.split())
_GIVES_UP = frozenset({"ext2", "ext3", "ext4", "btrfs", "f2fs", "jfs", "vfat"})
SYSTEM_FOLDERS = ("/boot", "/proc", "/sys", "/dev", "/run", "/snap")
_BELOW_SYSTEM = tuple(f"{folder}/" for folder in SYSTEM_FOLDERS)


class Mount(NamedTuple):
    """One line of mountinfo.

    Args:
        id, parent: the mount's number and that of the mount it lies in.
        device: "major:minor".
        root: the folder of the file system that forms its top.
        target: where it is mounted.
        options: of the mount ("rw,noatime"); `super_options` of the file
            system.
        shared, master: peer group numbers; None when there is none.
    """

    id: int
    parent: int
    device: str
    root: str
    target: str
    options: str
    shared: int | None
    master: int | None
    fstype: str
    source: str
    super_options: str

    @property
    def propagation(self) -> Propagation:
        if self.shared is not None:
            return "shared"
        return "slave" if self.master is not None else "private"

    @property
    def read_only(self) -> bool:
        either = f"{self.options},{self.super_options}".split(",")
        # Linux 6 keeps a flag of its own for what it did after an error.
        return "ro" in either or "emergency_ro" in either

    @property
    def gave_up(self) -> bool:
        """Tell whether the kernel made it read-only after an error.

        That sets the file system's own flag; mount(8) sets both.
        """
        words, own = self.options.split(","), self.super_options.split(",")
        turned = "ro" in own and "ro" not in words
        return self.fstype in _GIVES_UP and (turned or "emergency_ro" in own)

    @property
    def kind(self) -> Literal["disk", "network", "fuse", "pseudo"]:
        if self.fstype in PSEUDO:
            return "pseudo"
        if self.fstype in NETWORK:
            return "network"
        # fuseblk is a local disk served by a program (NTFS, exFAT).
        is_fuse = self.fstype == "fuse" or self.fstype.startswith("fuse.")
        return "fuse" if is_fuse else "disk"

    @property
    def system(self) -> bool:
        """Tell whether it belongs to the system and not to a person."""
        if self.kind == "pseudo":
            return True
        below = f"{self.target}/".startswith(_BELOW_SYSTEM)
        return below and not self._removable

    @property
    def _removable(self) -> bool:
        # udisks mounts the drives of a desktop's user here.
        return is_below(self.target, "/run/media")


def is_below(path: str | PurePath, folder: str | PurePath) -> bool:
    """Tell whether a path is `folder` or lies in it, by its text alone."""
    # A list of the drives asks thousands of times: no objects for that.
    inner, outer = str(path), str(folder)
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")


def read_mounts(pid: int | None = None, root: Path = Path("/")) -> list[Mount]:
    """Return the mounts that a process sees, in the kernel's order.

    Args:
        pid: of the process; None means this one.
        root: the folder that holds /proc.

    Raises:
        OSError: there is no such process, or no right to look.

    Source: proc(5), /proc/pid/mountinfo.
    """
    name = "self" if pid is None else str(pid)
    table = (root / "proc" / name / "mountinfo").read_bytes()
    return parse_mountinfo(table.decode(errors="surrogateescape"))


def parse_mountinfo(text: str) -> list[Mount]:
    """Return the mounts of a table in the format of mountinfo."""
    return [_parse_line(line) for line in text.split("\n") if line]


def _parse_line(line: str) -> Mount:
    words = line.split(" ")
    dash = words.index("-", 6)
    tags = dict(tag.partition(":")[::2] for tag in words[6:dash])
    return Mount(
        id=int(words[0]),
        parent=int(words[1]),
        device=words[2],
        root=unescape(words[3]),
        target=unescape(words[4]),
        options=words[5],
        shared=int(tags["shared"]) if "shared" in tags else None,
        master=int(tags["master"]) if "master" in tags else None,
        fstype=words[dash + 1],
        source=unescape(words[dash + 2]),
        super_options=words[dash + 3] if len(words) > dash + 3 else "",
    )


def unescape(word: str) -> str:
    r"""Return a word of mountinfo with \040 and its like resolved."""
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), word)


def mount_of(path: str | PurePath, mounts: list[Mount]) -> Mount:
    """Return the mount that holds an absolute path without symlinks.

    The last one of the deepest target wins: it covers those before it.
    """
    holders = [mount for mount in mounts if is_below(path, mount.target)]
    depth = max(len(PurePath(mount.target).parts) for mount in holders)
    return [m for m in holders if len(PurePath(m.target).parts) == depth][-1]


def mounts_below(folder: str | PurePath, mounts: list[Mount]) -> list[Mount]:
    """Return the mounts on `folder` itself and inside it, outermost first."""
    inside = [mount for mount in mounts if is_below(mount.target, folder)]
    return sorted(inside, key=lambda mount: len(PurePath(mount.target).parts))


def propagation(path: Path, mounts: list[Mount] | None = None) -> Propagation:
    """Return how the mount that holds `path` passes later mounts on.

    Args:
        path: an absolute path; it need not exist yet.
        mounts: the table, when the caller has it already.

    A container's `rslave` bind needs "shared" or "slave".
    """
    table = read_mounts() if mounts is None else mounts
    return mount_of(path, table).propagation
