"""The Newznab endpoint that Prowlarr offers for each indexer."""

from __future__ import annotations

from xml.sax.saxutils import escape

from ..routing import Json, Reply, Request, Routes, text_reply
from ..servarr import Servarr, wire

ROUTES: Routes[Servarr] = Routes()
_CAPS = """<?xml version="1.0" encoding="UTF-8"?>
<caps><server title="Prowlarr" /><limits default="100" max="100" />
<searching><search available="yes" supportedParams="q" />
<tv-search available="yes" supportedParams="q,season,ep" />
<movie-search available="yes" supportedParams="q" />
<music-search available="yes" supportedParams="q" />
<book-search available="yes" supportedParams="q" /></searching>
<categories><category id="2000" name="Movies" />
<category id="3000" name="Audio" /><category id="5000" name="TV" />
<category id="7000" name="Books" /></categories></caps>
"""
_FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"
 xmlns:newznab="http://www.newznab.com/DTD/2010/feeds/attributes/">
<channel><title>Prowlarr</title><item><title>{title}</title>
<guid>{guid}</guid><link>{guid}</link>
<pubDate>Sun, 01 Jan 2023 00:00:00 +0000</pubDate><size>1048576</size>
<enclosure url="{guid}" length="1048576" type="application/x-nzb" />
<newznab:attr name="category" value="5000" />
<newznab:attr name="category" value="2000" />
<newznab:attr name="category" value="3000" />
<newznab:attr name="category" value="7000" />
</item></channel></rss>
"""


@ROUTES.on("GET", "/{id:int}/api")
def newznab(app: Servarr, request: Request) -> Reply:
    """Capabilities and one test release; id 0 is Prowlarr's own test."""
    number = request.number
    if number:
        if app.database.find("indexer", number) is None:
            raise wire.missing()
        limited = _limited(app, number)
        if limited:
            return limited
        _count(app, number)
    what = request.argument("t")
    if what == "caps":
        return text_reply(_CAPS, 200, "xml")
    if what not in ("search", "tvsearch", "movie", "music", "book"):
        error = '<error code="202" description="No such function" />'
        return text_reply(error, 400, "xml")
    title = escape(request.argument("q") or "Test Release")
    guid = f"https://prowlarr.invalid/{number}/release"
    return text_reply(_FEED.format(title=title, guid=guid), 200, "xml")


def _limited(app: Servarr, number: int) -> Reply | None:
    for each in app.database.all("indexerstatus"):
        if each.get("indexerId") == number and each.get("disabledTill"):
            text = (
                '<error code="429" description="Indexer is disabled till'
                f' {each["disabledTill"]} due to recent failures." />'
            )
            reply = text_reply(text, 429, "xml")
            reply.headers["Retry-After"] = "300"
            return reply
    return None


def _count(app: Servarr, number: int) -> None:
    name = f"stats:{number}"
    counted: dict[str, Json] = app.database.setting(name, {})
    counted["numberOfQueries"] = counted.get("numberOfQueries", 0) + 1
    app.database.set(name, counted)
