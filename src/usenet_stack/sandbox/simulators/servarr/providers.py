"""Providers: download clients, indexers, applications, notifications.

One set of routes serves all of them; a `Kind` says what differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..routing import Json, Reply, Request, Route, Routes
from . import wire

if TYPE_CHECKING:
    from . import Servarr

Document = dict[str, Json]
Failures = list[Document]
SECRETS = ("password", "apiKey")


@dataclass(frozen=True)
class Field:
    """One setting of a provider.

    Args:
        privacy: normal, userName, password or apiKey.
    """

    name: str
    label: str
    kind: str = "textbox"
    default: Json = None
    privacy: str = "normal"


@dataclass(frozen=True)
class Template:
    """One implementation that a provider can have."""

    implementation: str
    fields: tuple[Field, ...]
    extra: Document = field(default_factory=dict)

    def values(self, document: Document) -> Document:
        """The settings of a document by name, defaults filled in."""
        found = {each.name: each.default for each in self.fields}
        for each in document.get("fields") or []:
            if each.get("name") in found:
                found[each["name"]] = each.get("value")
        return found


@dataclass(frozen=True)
class Kind:
    """A resource made of providers.

    Args:
        name: path of the resource.
        templates: every implementation that it knows.
        test: connects to the outside; returns failures.
        enabled: whether a document is in use, so that saving tests it.
        check: rules of its own, beside name and implementation.
        saved: called after each change.
        bulk: whether several can be deleted in one request.
    """

    name: str
    templates: tuple[Template, ...]
    test: Callable[[Servarr, Template, Document], Failures]
    enabled: Callable[[Document], bool]
    defaults: Document = field(default_factory=dict)
    check: Callable[[Servarr, Document], Failures] = lambda app, body: []
    saved: Callable[[Servarr, Document], None] = lambda app, body: None
    bulk: bool = True

    def template(self, document: Document) -> Template | None:
        """The template of a document's implementation."""
        wanted = document.get("implementation")
        for each in self.templates:
            if each.implementation == wanted:
                return each
        return None


def _fields(
    app: Servarr, template: Template, values: Document, mask: bool
) -> list[Document]:
    result = []
    for order, each in enumerate(template.fields):
        value = values.get(each.name)
        if mask and value and each.privacy in SECRETS:
            value = wire.MASK
        shown: Document = {
            "order": order,
            "name": each.name,
            "label": each.label,
            "value": value,
            "type": each.kind,
            "advanced": False,
            "isFloat": False,
        }
        if app.flavour.masks_secrets:
            shown["privacy"] = each.privacy
        result.append(shown)
    return result


def _shown(app: Servarr, kind: Kind, stored: Document) -> Document:
    template = kind.template(stored)
    if template is None:
        return stored
    values = template.values(stored)
    mask = app.flavour.masks_secrets
    return {**stored, "fields": _fields(app, template, values, mask)}


def _complete(app: Servarr, kind: Kind, body: Document) -> Document:
    """The document to store: every setting with its value."""
    template = kind.template(body)
    if template is None:
        return body
    previous = app.database.find(kind.name, int(body.get("id") or 0)) or {}
    old = template.values(previous)
    values = template.values(body)
    for each in template.fields:
        if values[each.name] == wire.MASK and each.privacy in SECRETS:
            values[each.name] = old[each.name]
    return {
        **kind.defaults,
        **template.extra,
        **body,
        "implementationName": template.implementation,
        "infoLink": f"https://wiki.invalid/{app.flavour.lower}/{kind.name}",
        "tags": body.get("tags") or [],
        "fields": [{"name": n, "value": v} for n, v in values.items()],
    }


def _validate(app: Servarr, kind: Kind, body: Document) -> None:
    name = body.get("name")
    failures = [
        wire.not_empty("Name", name),
        wire.not_empty("Implementation", body.get("implementation")),
        wire.not_empty("ConfigContract", body.get("configContract")),
    ]
    for each in app.database.all(kind.name):
        same = str(each["name"]).lower() == str(name).lower()
        if same and each["id"] != body.get("id"):
            failures.append(
                wire.failure(
                    "Name", "Should be unique", name, "PredicateValidator"
                )
            )
    wire.require(failures + list(kind.check(app, body)))


def run_test(
    app: Servarr, kind: Kind, body: Document, *, warnings: bool = True
) -> Failures:
    """What is wrong with a provider's settings or connection.

    Args:
        warnings: whether mere warnings count.
    """
    template = kind.template(body)
    if template is None:
        text = f"{body.get('implementation')} is not supported"
        return [wire.provider_failure("Implementation", text)]
    found = kind.test(app, template, template.values(body))
    return [each for each in found if warnings or not each["isWarning"]]


def _save(
    app: Servarr, kind: Kind, request: Request, body: Document
) -> Document:
    """Validate and test; the complete document."""
    _validate(app, kind, body)
    document = _complete(app, kind, body)
    forced = request.flag("forceSave")
    # On PUT forceSave skips the test, on POST it only lets warnings pass.
    skip = forced and request.method == "PUT"
    if kind.enabled(document) and not skip:
        failures = run_test(app, kind, document, warnings=not forced)
        if failures:
            raise wire.invalid(failures)
    return document


def _list(app: Servarr, kind: Kind, request: Request) -> Reply:
    found = sorted(
        app.database.all(kind.name), key=lambda each: str(each["name"])
    )
    return wire.reply([_shown(app, kind, each) for each in found])


def _get(app: Servarr, kind: Kind, request: Request) -> Reply:
    found = app.database.find(kind.name, request.number)
    if found is None:
        raise wire.missing()
    return wire.reply(_shown(app, kind, found))


def _schema(app: Servarr, kind: Kind, request: Request) -> Reply:
    result = []
    for each in kind.templates:
        values = each.values({})
        result.append(
            {
                **kind.defaults,
                **each.extra,
                "fields": _fields(app, each, values, False),
                "implementationName": each.implementation,
                "implementation": each.implementation,
                "configContract": f"{each.implementation}Settings",
                "infoLink": "https://wiki.invalid/",
                "tags": [],
                "presets": [],
            }
        )
    return wire.reply(result)


def _create(app: Servarr, kind: Kind, request: Request) -> Reply:
    body = wire.body_of(request)
    if body.get("fields") is None:
        raise wire.invalid(
            [
                wire.failure(
                    "Fields",
                    "'Fields' must not be empty.",
                    None,
                    "NotNullValidator",
                )
            ]
        )
    body.pop("id", None)
    stored = app.database.add(kind.name, _save(app, kind, request, body))
    _saved(app, kind, stored)
    return wire.created(request, _shown(app, kind, stored))


def _update(app: Servarr, kind: Kind, request: Request) -> Reply:
    body = wire.body_of(request)
    body["id"] = body.get("id") or request.number
    previous = app.database.find(kind.name, int(body["id"]))
    if previous is None:
        raise wire.missing()
    same = _complete(app, kind, body) == previous
    if not (same and app.flavour.skips_unchanged):
        document = _save(app, kind, request, body)
        app.database.put(kind.name, document)
        _saved(app, kind, document)
    stored = app.database.find(kind.name, int(body["id"])) or {}
    return wire.reply(_shown(app, kind, stored), 202)


def _saved(app: Servarr, kind: Kind, document: Document) -> None:
    kind.saved(app, document)
    app.check_health()


def _delete(app: Servarr, kind: Kind, request: Request) -> Reply:
    app.database.delete(kind.name, request.number)
    app.check_health()
    return wire.reply({})


def _delete_many(app: Servarr, kind: Kind, request: Request) -> Reply:
    for number in wire.body_of(request).get("ids", []):
        app.database.delete(kind.name, number)
    app.check_health()
    return wire.reply({})


def _test(app: Servarr, kind: Kind, request: Request) -> Reply:
    body = wire.body_of(request)
    _validate(app, kind, body)
    document = _complete(app, kind, body)
    forced = request.flag("forceTest")
    failures = run_test(app, kind, document, warnings=not forced)
    if failures:
        raise wire.invalid(failures)
    return wire.reply({})


def _test_all(app: Servarr, kind: Kind, request: Request) -> Reply:
    results = []
    for each in app.database.all(kind.name):
        if kind.enabled(each):
            failures = run_test(app, kind, each)
            results.append(
                {
                    "id": each["id"],
                    "isValid": not failures,
                    "validationFailures": failures,
                }
            )
    good = all(each["isValid"] for each in results)
    return wire.reply(results, 200 if good else 400)


_HANDLERS = (
    ("GET", "", _list),
    ("GET", "/schema", _schema),
    ("POST", "/test", _test),
    ("POST", "/testall", _test_all),
    ("DELETE", "/bulk", _delete_many),
    ("POST", "", _create),
    ("GET", "/{id:int}", _get),
    ("PUT", "/{id:int}", _update),
    ("DELETE", "/{id:int}", _delete),
)


def routes_of(kind: Kind, prefix: str) -> list[Route[Servarr]]:
    """The routes of one kind of provider under `prefix`."""
    routes: Routes[Servarr] = Routes()
    for method, pattern, handler in _HANDLERS:
        if pattern == "/bulk" and not kind.bulk:
            continue
        routes.on(method, f"/{kind.name}{pattern}")(_bound(handler, kind))
    return list(routes.under(prefix))


def _bound(
    handler: Callable[[Servarr, Kind, Request], Reply], kind: Kind
) -> Callable[[Servarr, Request], Reply]:
    return lambda app, request: handler(app, kind, request)
