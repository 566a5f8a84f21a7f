"""Why services are as they are: one page each, trouble first."""

from collections.abc import Iterator
from typing import Any

from usenet_stack.render.figures import clauses
from usenet_stack.render.screen import Screen
from usenet_stack.render.sentences import whole_words
from usenet_stack.render.service_rows import STATES, TROUBLED, Look, amount
from usenet_stack.render.services import look_of
from usenet_stack.render.units import counted, duration, size

Row = dict[str, Any]
Fact = tuple[str, str]

_LABEL = 11
_INDENT = "  "
_SHORT_DIGEST = len("sha256:") + 12
_API = {
    "ok": "answers",
    "refused": "refuses the key",
    "failing": "fails",
    "setup": "waits for the first administrator",
    "unknown": "was not asked",
}
# What was heard, where no status of HTTP tells it.
_VERDICTS = {
    "well": "takes connections",
    "starting": "still starts",
    "wrong": "not as it should be",
    "silent": "none",
    "absent": "nobody there",
}


def show_status(data: dict[str, Any], screen: Screen) -> None:
    """Print the pages of the services asked for, or of those in trouble."""
    look, rows = look_of(screen), data["services"]
    shown = [row for row in rows if data["named"] or _is_troubled(row)]
    for row in shown:
        screen.drawn(_page(row, look, detailed=data["detailed"]))
        screen.drawn([""])
    if not data["named"]:
        screen.drawn(_summary(rows, look))


def _is_troubled(row: Row) -> bool:
    return row["state"] in TROUBLED


def _summary(rows: list[Row], look: Look) -> Iterator[str]:
    states: dict[str, list[str]] = {}
    for row in rows:
        states.setdefault(row["state"], []).append(row["name"])
    for state, names in states.items():
        style = STATES.get(state, "")
        mark = look.paint(look.mark(state), style)
        text = f"{len(names)} {state}: {', '.join(names)}"
        lines = whole_words(look.plain(text), look.width - 2)
        yield f"{mark} {lines[0]}"
        yield from (f"  {line}" for line in lines[1:])
    if not any(map(_is_troubled, rows)):
        yield "All is well."


def _page(row: Row, look: Look, *, detailed: bool) -> Iterator[str]:
    style = STATES.get(row["state"], "")
    state = look.paint(row["state"].capitalize(), style)
    mark = look.paint(look.mark(row["state"]), style)
    name = look.paint(look.plain(row["name"]), "bold")
    simulated = " (simulated)" if row["simulated"] else ""
    yield f"{mark} {name}{simulated}: {state}"
    facts = [*_facts(row, look)]
    if detailed:
        facts += _details(row)
    for label, text in facts:
        yield from _fact(label, text, look)
    yield from _log("Errors", row["errors"], look)
    if detailed:
        yield from _log("Log", row["log"], look)
    yield from _fact("Next", row["next"], look, "bold")


def _fact(label: str, text: str, look: Look, style: str = "") -> Iterator[str]:
    room = look.width - _LABEL - len(_INDENT)
    lines = whole_words(look.plain(text), room) or [""]
    yield f"{_INDENT}{label:{_LABEL}}{look.paint(lines[0], style)}"
    for line in lines[1:]:
        yield f"{_INDENT}{'':{_LABEL}}{look.paint(line, style)}"


def _facts(row: Row, look: Look) -> Iterator[Fact]:
    if row["reason"]:
        yield "Why", row["reason"]
    yield "Container", _container(row["container"])
    if row["check"]:
        yield "Its check", _check(row["check"])
    if row["http"]:
        yield "Answer", _answer(row["http"])
    if row["api"] != "none":
        yield "API", _API[row["api"]]
    doing = clauses(row["figures"], _now(look))
    if doing:
        yield "Now", ", ".join(doing)
    if row["memory_bytes"] is not None:
        share = row["cpu_percent"]
        more = "" if share is None else f", {share:.1f}% of a core"
        yield "Uses", f"{amount(row['memory_bytes'])} of memory{more}"
    if row["version"]:
        yield "Version", str(row["version"])
    yield "Image", _image(row)
    if row["image_digest"]:
        yield "Digest", row["image_digest"][:_SHORT_DIGEST]
    if row["deprecated"]:
        then = row["replacement"]
        yield "Retired", f"upstream; {then} takes its place" if then else ""
    if row["url"]:
        yield "Address", row["url"]
    yield "Config", row["config"]
    if row["drives"]:
        yield "Drives", ", ".join(row["drives"])
    for label, key in (("Needs", "needs"), ("Needed by", "needed_by")):
        if row[key]:
            yield label, ", ".join(map(_neighbour, row[key]))


def _now(look: Look) -> float:
    import time

    return time.time() if look.now is None else look.now


def _container(facts: Row | None) -> str:
    if facts is None:
        return "none"
    parts = [facts["state"]]
    if facts["seconds"] is not None:
        # Of these Docker keeps only when they were started.
        since = facts["state"] in ("paused", "restarting")
        word = ", started {} ago" if since else " for {}"
        parts[0] += word.format(duration(facts["seconds"]))
    if facts["exit_code"]:
        parts.append(f"exit code {facts['exit_code']}")
    if facts["out_of_memory"]:
        parts.append("ran out of memory")
    if facts["restarts"]:
        times = counted(facts["restarts"], "time")
        parts.append(f"started again {times} by Docker")
    if facts["error"]:
        parts.append(facts["error"])
    return ", ".join(parts)


def _check(facts: Row) -> str:
    text = str(facts["status"])
    if facts["failing"]:
        text += f", failed {counted(facts['failing'], 'time')} in a row"
    last = facts["log"][-1:]
    if last and last[0]["output"] and facts["status"] != "healthy":
        text += f": {last[0]['output']}"
    return text


def _answer(facts: Row) -> str:
    said = facts["status"] or _VERDICTS[facts["verdict"]]
    where = f"{facts['method']} {facts['url']}".strip()
    return f"{said} in {facts['milliseconds']:g} ms ({where})"


def _image(row: Row) -> str:
    age = row["image_age_seconds"]
    made = "" if age is None else f", made {_age(age)} ago"
    return f"{row['image']}{made}"


def _age(seconds: float) -> str:
    if seconds < 2 * 86400:
        return duration(seconds)
    return counted(int(seconds // 86400), "day")


def _neighbour(each: Row) -> str:
    state = each["container"]
    return each["name"] if state == "running" else f"{each['name']} ({state})"


def _details(row: Row) -> Iterator[Fact]:
    if row["image_digest"]:
        yield "By digest", row["image_digest"].removeprefix("sha256:")
    for each in row["ports"]:
        address = f"{each['address']}:{each['port']}"
        yield "Port", f"{each['container']} at {address}"
    for each in row["networks"]:
        names = ", ".join(each["aliases"])
        also = f" as {names}" if names else ""
        yield "Network", f"{each['name']} {each['address']}{also}"
    for each in row["mounts"]:
        how = ["read-only"] if each["read_only"] else []
        how += [each["propagation"]] if each["propagation"] else []
        more = f" ({', '.join(how)})" if how else ""
        yield "Mount", f"{each['target']} is {each['source']}{more}"
    if row["limits"]:
        yield "Limits", _limits(row["limits"])
    if row["environment"]:
        yield "Variables", ", ".join(row["environment"])
    for each in (row["check"] or {"log": []})["log"]:
        text = f"{each['at'][:19]} exit {each['exit_code']} {each['output']}"
        yield "Checked", text


def _limits(facts: Row) -> str:
    memory, cpus = facts["memory_bytes"], facts["cpus"]
    parts = [f"memory {size(memory)}" if memory else "memory: all"]
    parts.append(f"{cpus:g} cores" if cpus else "cores: all")
    if facts["pids"] and facts["pids"] > 0:
        parts.append(f"{facts['pids']} processes")
    return ", ".join(parts)


def _log(title: str, lines: list[Row], look: Look) -> Iterator[str]:
    if not lines:
        return
    yield f"{_INDENT}{title}"
    for line in lines:
        text = f"{line['time'][:19]} {line['text']}"
        folded = whole_words(look.plain(text), look.width - 4)
        yield from (f"{_INDENT * 2}{part}" for part in folded)
