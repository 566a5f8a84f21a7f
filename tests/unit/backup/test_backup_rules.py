"""What the catalogue's patterns leave out, and what they never may."""

import pytest

from usenet_stack.backup.rules import is_dropped
from usenet_stack.stack.catalog import load_catalog

CATALOG = load_catalog()
DROPPED = (
    ("sonarr", "/MediaCover"),
    ("sonarr", "/MediaCover/1/poster.jpg"),
    ("sonarr", "/logs.db-wal"),
    ("sonarr", "/sonarr.pid"),
    ("prowlarr", "/Definitions/nzb.yml"),
    ("transmission", "/blocklists/level1.bin"),
    ("qbittorrent", "/qBittorrent/logs/a.log"),
    ("homepage", "/logs/a.log"),
)
IN_IT = (
    ("prowlarr", "/Definitions"),
    ("prowlarr", "/Definitions/Custom/mine.yml"),
    ("sonarr", "/asp/logs/a"),
    ("sonarr", "/scripts/daemon.pid"),
    ("sonarr", "/MediaCovers"),
    ("sonarr", "/my/Backups/a.zip"),
    ("qbittorrent", "/qBittorrent/qBittorrent.conf"),
    ("homepage", "/services.yaml"),
)


@pytest.mark.parametrize(("service", "path"), DROPPED)
def test_dropped(service: str, path: str) -> None:
    assert is_dropped(path, CATALOG[service].backup)


@pytest.mark.parametrize(("service", "path"), IN_IT)
def test_in_it(service: str, path: str) -> None:
    assert not is_dropped(path, CATALOG[service].backup)


def test_no_service_drops_what_it_wants_kept() -> None:
    for service in CATALOG.values():
        rules = service.backup
        kept = [database.path for database in rules.databases]
        kept += [keep for keep in rules.keep if keep != "."]
        for path in kept:
            parts = path.rstrip("/").split("/")
            for depth in range(1, len(parts) + 1):
                above = "/" + "/".join(parts[:depth])
                assert not is_dropped(above, rules), (service.name, above)
            if path.endswith("/"):
                assert not is_dropped(f"/{path}a.txt", rules), service.name
