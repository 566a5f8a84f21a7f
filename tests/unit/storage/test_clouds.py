"""Folders that Dropbox and OneDrive keep."""

import json
from pathlib import Path

from usenet_stack.storage.clouds import synced_folders


def test_no_client_no_folder(tmp_path: Path) -> None:
    assert synced_folders(tmp_path) == []


def test_dropbox_names_its_folders(tmp_path: Path) -> None:
    accounts = {
        "personal": {"path": "/home/ann/Dropbox", "host": 1},
        "business": {"path": "/data/Dropbox (Acme)"},
        "odd": {"path": "relative"},
    }
    (tmp_path / ".dropbox").mkdir()
    (tmp_path / ".dropbox/info.json").write_text(json.dumps(accounts))
    found = synced_folders(tmp_path)
    assert [(each.service, each.path) for each in found] == [
        ("dropbox", "/home/ann/Dropbox"),
        ("dropbox", "/data/Dropbox (Acme)"),
    ]


def test_a_damaged_file_of_dropbox(tmp_path: Path) -> None:
    (tmp_path / ".dropbox").mkdir()
    for text in ("{", "[]", '{"a": 1}', '{"a": {}}'):
        (tmp_path / ".dropbox/info.json").write_text(text)
        assert synced_folders(tmp_path) == []


def test_onedrive_by_its_settings_or_by_default(tmp_path: Path) -> None:
    folder = tmp_path / ".config/onedrive"
    folder.mkdir(parents=True)
    assert synced_folders(tmp_path)[0].path == f"{tmp_path}/OneDrive"
    (folder / "config").write_text('# x\nsync_dir = "~/Cloud files"\n')
    assert synced_folders(tmp_path)[0].path == f"{tmp_path}/Cloud files"
    (folder / "config").write_text('sync_dir = "/srv/one"\n')
    assert synced_folders(tmp_path)[0].path == "/srv/one"
