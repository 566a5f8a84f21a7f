"""Real smbd with the account and share variables of the catalogue."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from docker_engine import Container, until

SHARE = (
    "[media]; path=/media; valid users = media; guest ok = no;"
    " read only = no; browseable = yes"
)


@pytest.fixture
def samba(start_real: Callable[..., Container], tmp_path: Path) -> Container:
    """Given a running smbd that shares tmp_path, owned by the account."""
    os.chown(tmp_path, 1234, 1234)
    container = start_real(
        "samba",
        ports=(445,),
        env={
            "ACCOUNT_media": "correct horse",
            "UID_media": "1234",
            "SAMBA_VOLUME_CONFIG_media": SHARE,
        },
        binds={tmp_path: "/media"},
    )

    def listed() -> None:
        if client(container, "-L", "//127.0.0.1")[0]:
            raise ConnectionError(container.logs())

    until(listed)
    return container


def client(
    container: Container, *arguments: str, password: str = "correct horse"
) -> tuple[int, str]:
    """Run smbclient, with the password in its environment."""
    done = container.exec(
        "smbclient", "-U", "media", *arguments, env={"PASSWD": password}
    )
    return done.returncode, done.stdout + done.stderr


def test_the_share_is_listed(samba: Container) -> None:
    code, output = client(samba, "-L", "//127.0.0.1")

    assert code == 0
    assert "media" in output


def test_a_file_put_by_the_client_belongs_to_the_account(
    samba: Container, tmp_path: Path
) -> None:
    command = "put /etc/os-release release"

    code, output = client(samba, "//127.0.0.1/media", "-c", command)

    assert code == 0, output
    assert "bookworm" in (tmp_path / "release").read_text()
    assert (tmp_path / "release").stat().st_uid == 1234


def test_a_wrong_password_is_refused(samba: Container) -> None:
    code, output = client(samba, "-L", "//127.0.0.1", password="wrong")

    assert code != 0
    assert "NT_STATUS_LOGON_FAILURE" in output


def test_the_published_port_accepts(samba: Container) -> None:
    with socket.create_connection(samba.address(445), timeout=5) as sock:
        assert sock.getpeername()[1] == samba.address(445)[1]
