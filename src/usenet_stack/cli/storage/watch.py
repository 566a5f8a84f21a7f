"""`usenet storage watch`: drives that come and go."""

from typing import TYPE_CHECKING

from usenet_stack.cli.call import Call
from usenet_stack.cli.spec import Command, Option
from usenet_stack.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from usenet_stack.storage import Notice


def watch(call: Call) -> Result:
    """Follow the drives until a signal; or look once."""
    from usenet_stack.cli.context import open_stack, plan_result, progress
    from usenet_stack.storage import (
        install_watch_unit,
        plan_watch,
        plan_watch_unit,
        watch_pool,
        watch_unit_text,
    )

    stack = open_stack(call)
    if call.flag("show_unit"):
        return Result({"text": watch_unit_text(stack)})
    if call.dry_run:
        install = call.flag("install")
        return plan_result((plan_watch_unit if install else plan_watch)(stack))
    if call.flag("install"):
        with progress(call) as observer:
            return install_watch_unit(stack, observer)
    if call.flag("once"):
        found = list(watch_pool(stack, once=True))
        result = Result({"notices": [each._asdict() for each in found]})
        result.partial = any(each.event == "failed" for each in found)
        if not found:
            result.info("All drives of the pool are where they belong.")
        return result
    return _follow(call, watch_pool(stack))


def _follow(call: Call, notices: "Iterator[Notice]") -> Result:
    import os
    import sys

    from usenet_stack.render import terminal
    from usenet_stack.render.storage_watch import notice_json, notice_text

    out = sys.stdout
    colour = terminal.wants_colour(out, os.environ, call.flag("no_color"))
    result = Result()
    result.streamed = True
    try:
        for notice in notices:
            line = notice._asdict()
            if call.quiet and notice.event in ("watching", "noted"):
                continue
            text = notice_json(line) if call.json else notice_text(line, colour)
            out.write(text)
            out.flush()
    except KeyboardInterrupt:
        # Ctrl-C, or SIGTERM from systemd: that is how watching ends.
        return result
    return result


WATCH = Command(
    path="storage watch",
    summary="Attach drives that come, fence off those that vanish",
    run=watch,
    show="storage_watch:show_watch",
    description="""
        Runs until Ctrl-C. When a drive of the pool vanishes without a word,
        its place in the pool becomes empty and closed at once, Jellyfin
        stops scanning by itself, and all applications keep what they know
        of it. When it comes back it is attached, and Jellyfin scans as
        before. A drive whose cable flaps is attached once it has been there
        for two seconds.

        It listens to the kernel and asks nothing over and over. With
        --format json each notice is one line.
    """,
    options=(
        Option(("--once",), "Do what is called for now, and end"),
        Option(("--install",), "Let systemd keep it running from boot on"),
        Option(("--show-unit",), "Print that systemd unit"),
    ),
    examples=(
        ("usenet storage watch", "Follows the drives."),
        ("usenet storage watch --once", "Looks once, for cron."),
        ("usenet storage watch --dry-run", "Says what it would do now."),
        ("usenet storage watch --install", "Installs a systemd unit."),
    ),
    errors=("storage.root-needed", "storage.watch-attach"),
    see_also=("storage status", "storage add", "storage remove"),
)
