#!/usr/bin/python3
"""Start a Debian daemon the way the catalogue's image of it would.

It runs inside the container of a real-image test as process 1: it reads
the environment that the catalogue writes for the published image (PUID,
USER, ACCOUNT_name ...), prepares the daemon's own files from it, and
becomes the daemon. Standard library only: Debian's Python is there
because SABnzbd needs it.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

Environment = Mapping[str, str]


def become(environ: Environment, *command: str) -> NoReturn:
    """Exec the command as PUID:PGID with UMASK and HOME=/config."""
    gid = int(environ.get("PGID", "911"))
    uid = int(environ.get("PUID", "911"))
    os.umask(int(environ.get("UMASK", "022"), 8))
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)
    os.execvpe(command[0], command, {**environ, "HOME": "/config"})


def give(environ: Environment, *folders: str) -> None:
    """Make the folders and hand them, with their contents, to PUID."""
    owner = f"{environ.get('PUID', '911')}:{environ.get('PGID', '911')}"
    for folder in folders:
        Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["chown", "-R", owner, folder], check=True)


def transmission_settings(environ: Environment) -> dict[str, object]:
    """Return the keys that the image rewrites on every start."""
    user, password = environ.get("USER", ""), environ.get("PASS", "")
    clients = environ.get("WHITELIST", "")
    hosts = environ.get("HOST_WHITELIST", "")
    wanted: dict[str, object] = {
        "rpc-authentication-required": bool(user and password),
        "rpc-whitelist-enabled": bool(clients),
        "rpc-whitelist": clients,
        "rpc-host-whitelist-enabled": bool(hosts),
        "rpc-host-whitelist": hosts,
        "umask": int(environ.get("UMASK", "022"), 8),
    }
    if user and password:
        wanted |= {"rpc-username": user, "rpc-password": password}
    if "PEERPORT" in environ:
        wanted["peer-port"] = int(environ["PEERPORT"])
    return wanted


def run_transmission(environ: Environment) -> NoReturn:
    path = Path("/config/settings.json")
    settings: dict[str, object] = {
        "download-dir": "/downloads/complete",
        "incomplete-dir": "/downloads/incomplete",
        "incomplete-dir-enabled": True,
        "rpc-bind-address": "0.0.0.0",
        "rpc-port": 9091,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        settings |= json.loads(path.read_text())
    settings |= transmission_settings(environ)
    path.write_text(json.dumps(settings, indent=4))
    give(environ, "/config")
    become(
        environ,
        "transmission-daemon",
        "--foreground",
        "--config-dir",
        "/config",
    )


def run_sabnzbd(environ: Environment) -> NoReturn:
    give(environ, "/config")
    become(
        environ,
        "sabnzbdplus",
        "--config-file",
        "/config",
        "--server",
        "0.0.0.0:8080",
        "--browser",
        "0",
    )


def add_account(environ: Environment, name: str, password: str) -> None:
    """Make a Unix and a Samba user; the password goes by a pipe."""
    uid = environ.get(f"UID_{name}", "1000")
    subprocess.run(
        ["useradd", "--non-unique", "--no-create-home", "--uid", uid, name],
        check=True,
    )
    subprocess.run(
        ["smbpasswd", "-a", "-s", name],
        input=f"{password}\n{password}\n",
        text=True,
        check=True,
    )


def samba_configuration(environ: Environment) -> str:
    """Return smb.conf: the globals, then every declared share."""
    lines = [
        "[global]",
        "server role = standalone server",
        "map to guest = bad user",
        "load printers = no",
        "disable spoolss = yes",
        "smb ports = 445",
    ]
    for name, value in sorted(environ.items()):
        if name.startswith("SAMBA_GLOBAL_CONFIG_"):
            key = name.removeprefix("SAMBA_GLOBAL_CONFIG_")
            lines.append(f"{key.replace('_SPACE_', ' ')} = {value}")
    for name, value in sorted(environ.items()):
        if name.startswith("SAMBA_VOLUME_CONFIG_"):
            lines += [part.strip() for part in re.split(r"[;\n]", value)]
    return "\n".join(lines) + "\n"


def run_samba(environ: Environment) -> NoReturn:
    Path("/etc/samba/smb.conf").write_text(samba_configuration(environ))
    for name, value in sorted(environ.items()):
        if name.startswith("ACCOUNT_"):
            add_account(environ, name.removeprefix("ACCOUNT_"), value)
    command = ("smbd", "--foreground", "--no-process-group")
    os.execvp(command[0], [*command, "--debug-stdout"])


def run_netdata(environ: Environment) -> NoReturn:
    for folder in ("/var/lib/netdata", "/var/cache/netdata"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["chown", "-R", "netdata:netdata", folder], check=True)
    port = environ.get("NETDATA_LISTENER_PORT", "19999")
    command = ("netdata", "-D", "-u", "netdata", "-i", "0.0.0.0", "-p", port)
    os.execvp(command[0], command)


def as_postgres(*command: str) -> None:
    subprocess.run(["runuser", "-u", "postgres", "--", *command], check=True)


def initialise_postgres(environ: Environment, data: Path) -> None:
    """Make a new cluster and run the scripts, as the published image does."""
    as_postgres("ls", "/docker-entrypoint-initdb.d")
    programs = "/usr/lib/postgresql/15/bin"
    user = environ.get("POSTGRES_USER", "postgres")
    words = (f"--pgdata={data}", f"--username={user}", "--auth-local=trust")
    as_postgres(f"{programs}/initdb", *words)
    control = (f"{programs}/pg_ctl", f"--pgdata={data}", "--wait")
    as_postgres(*control, "--options=-c listen_addresses=", "start")
    try:
        for path in sorted(Path("/docker-entrypoint-initdb.d").glob("*.sql")):
            as_postgres(
                *("psql", f"--username={user}", "--dbname=postgres"),
                *("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"),
                f"--file={path}",
            )
    finally:
        as_postgres(*control, "--mode=fast", "stop")


def run_postgres(environ: Environment) -> NoReturn:
    data = Path("/var/lib/postgresql/data")
    for folder in (data, Path("/var/run/postgresql")):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["chown", "-R", "postgres:", folder], check=True)
        folder.chmod(0o700 if folder == data else 0o775)
    if not (data / "PG_VERSION").exists():
        initialise_postgres(environ, data)
    server = "/usr/lib/postgresql/15/bin/postgres"
    command = ("runuser", "-u", "postgres", "--", server, "-D", str(data))
    os.execvp(command[0], command)


DAEMONS: dict[str, Callable[[Environment], NoReturn]] = {
    "netdata": run_netdata,
    "postgres": run_postgres,
    "sabnzbd": run_sabnzbd,
    "samba": run_samba,
    "transmission": run_transmission,
}


if __name__ == "__main__":
    DAEMONS[sys.argv[1]](dict(os.environ))
