"""What tells Sonarr, Radarr, Lidarr, Readarr and Prowlarr apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Library:
    """The words that an application has for what it manages.

    Args:
        items: path of the resource, such as "series".
        ids: name of the list of ids in the editor's body.
        key: the field that identifies an item in the outside world.
        title: the field with its title.
        files: path of the file resource.
        owner: the field of a file that names its item.
        rescan, move, refresh: names of commands.
        keeps_rows: whether an existing folder without media keeps its
            rows at a rescan.
    """

    items: str
    ids: str
    key: str
    title: str
    files: str
    owner: str
    rescan: str
    move: str
    refresh: str
    defaults: dict[str, Any]
    keeps_rows: bool = False


@dataclass(frozen=True)
class Flavour:
    """One application of the family."""

    name: str
    version: str
    api: str
    port: int
    ssl_port: int
    branch: str
    category: str
    category_default: str
    priority_fields: tuple[str, ...]
    library: Library | None = None
    qualities: tuple[dict[str, Any], ...] = ()
    profiles: tuple[str, ...] = ()
    profiles_on_roots: bool = False
    calibre: bool = False
    masks_secrets: bool = True
    skips_unchanged: bool = True
    busy_ms: int = 100

    @property
    def lower(self) -> str:
        """The name as it stands in paths."""
        return self.name.lower()


_VIDEO: tuple[dict[str, Any], ...] = (
    {"id": 4, "name": "HDTV-720p", "resolution": 720},
    {"id": 9, "name": "HDTV-1080p", "resolution": 1080},
)

_SONARR = Flavour(
    name="Sonarr",
    version="4.0.20.3014",
    api="v3",
    port=8989,
    ssl_port=9898,
    branch="main",
    category="tvCategory",
    category_default="tv",
    priority_fields=("recentTvPriority", "olderTvPriority"),
    qualities=_VIDEO,
    profiles=("Any", "HD-1080p"),
    library=Library(
        items="series",
        ids="seriesIds",
        key="tvdbId",
        title="title",
        files="episodefile",
        owner="seriesId",
        rescan="RescanSeries",
        move="MoveSeries",
        refresh="RefreshSeries",
        defaults={
            "status": "continuing",
            "ended": False,
            "seriesType": "standard",
            "seasonFolder": True,
            "monitorNewItems": "all",
            "useSceneNumbering": False,
            "seasons": [],
            "images": [],
            "genres": [],
            "alternateTitles": [],
        },
    ),
)

_RADARR = Flavour(
    name="Radarr",
    version="6.4.4.10900",
    api="v3",
    port=7878,
    ssl_port=9898,
    branch="master",
    category="movieCategory",
    category_default="movies",
    priority_fields=("recentMoviePriority", "olderMoviePriority"),
    qualities=_VIDEO,
    profiles=("Any", "HD-1080p"),
    library=Library(
        items="movie",
        ids="movieIds",
        key="tmdbId",
        title="title",
        files="moviefile",
        owner="movieId",
        rescan="RescanMovie",
        move="MoveMovie",
        refresh="RefreshMovie",
        defaults={
            "status": "released",
            "minimumAvailability": "released",
            "isAvailable": True,
            "images": [],
            "genres": [],
            "alternateTitles": [],
        },
    ),
)

_MUSIC = ("recentMusicPriority", "olderMusicPriority")

_AUDIO = ({"id": 4, "name": "MP3-320"}, {"id": 6, "name": "FLAC"})
_TEXT = ({"id": 3, "name": "EPUB"}, {"id": 4, "name": "AZW3"})

_LIDARR = Flavour(
    name="Lidarr",
    version="3.1.0.4875",
    api="v1",
    port=8686,
    ssl_port=6868,
    branch="master",
    category="musicCategory",
    category_default="music",
    priority_fields=_MUSIC,
    profiles_on_roots=True,
    qualities=_AUDIO,
    profiles=("Any", "Lossless"),
    library=Library(
        items="artist",
        ids="artistIds",
        key="foreignArtistId",
        title="artistName",
        files="trackfile",
        owner="artistId",
        rescan="RescanFolders",
        move="MoveArtist",
        refresh="RefreshArtist",
        defaults={
            "status": "continuing",
            "ended": False,
            "monitorNewItems": "all",
            "images": [],
            "genres": [],
        },
        keeps_rows=True,
    ),
)

_READARR = Flavour(
    name="Readarr",
    version="0.4.18.2805",
    api="v1",
    port=8787,
    ssl_port=6868,
    branch="develop",
    category="musicCategory",
    category_default="Readarr",
    priority_fields=("recentTvPriority", "olderTvPriority"),
    profiles_on_roots=True,
    calibre=True,
    masks_secrets=False,
    skips_unchanged=False,
    qualities=_TEXT,
    profiles=("eBook", "Spoken"),
    library=Library(
        items="author",
        ids="authorIds",
        key="foreignAuthorId",
        title="authorName",
        files="bookfile",
        owner="authorId",
        rescan="RescanFolders",
        move="MoveAuthor",
        refresh="RefreshAuthor",
        defaults={
            "status": "continuing",
            "ended": False,
            "monitorNewItems": "all",
            "images": [],
            "genres": [],
        },
        keeps_rows=True,
    ),
)

_PROWLARR = Flavour(
    name="Prowlarr",
    version="2.6.5.5380",
    api="v1",
    port=9696,
    ssl_port=6969,
    branch="master",
    category="category",
    category_default="prowlarr",
    priority_fields=("priority",),
    skips_unchanged=False,
    busy_ms=1000,
)

FLAVOURS = {
    each.lower: each
    for each in (_SONARR, _RADARR, _LIDARR, _READARR, _PROWLARR)
}
