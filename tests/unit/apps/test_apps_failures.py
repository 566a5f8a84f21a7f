"""What an application says when it refuses, and what we tell of it."""

import json
from typing import Any

import pytest

from usenet_stack.apps.answer import as_number, read_answer
from usenet_stack.apps.failures import (
    Place,
    judged,
    messages_of,
    shortened,
)
from usenet_stack.apps.message import Raw
from usenet_stack.errors import ERRORS, UsenetError

PLACE = Place("sonarr", "POST /api/v3/rootfolder")


def raw(status: int, body: Any, kind: str = "application/json") -> Raw:
    data = body if isinstance(body, str) else json.dumps(body)
    return Raw(status, {"content-type": kind}, data.encode())


VALIDATION = [
    {
        "propertyName": "Path",
        "errorMessage": "Path '/nope' does not exist",
        "attemptedValue": "/nope",
        "severity": "error",
        "errorCode": "PathExistsValidator",
    },
    {
        "isWarning": False,
        "detailedDescription": "more",
        "propertyName": "TvCategory",
        "errorMessage": "Category does not exist",
    },
]
OBJECT = {
    "message": "BadRequest: 0 is not a valid ID",
    "content": "0 is not a valid ID",
}
PROBLEM = {
    "type": "https://tools.ietf.org/html/rfc7231#section-6.5.1",
    "title": "One or more validation errors occurred.",
    "status": 400,
    "errors": {"$.id": ["The JSON value could not be converted."]},
}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            VALIDATION,
            [
                "Path: Path '/nope' does not exist",
                "TvCategory: Category does not exist",
            ],
        ),
        (OBJECT, ["BadRequest: 0 is not a valid ID"]),
        (PROBLEM, ["$.id: The JSON value could not be converted."]),
        ({"status": 403, "error": "No permission"}, ["No permission"]),
        ({"errorMessage": "Sonarr is starting up"}, ["Sonarr is starting up"]),
        ({"success": False, "error": {"code": 460, "message": "Incorrect"}},
         ["Incorrect"]),
        ({"message": "Invalid credentials", "details": "x"},
         ["Invalid credentials"]),
        ({"title": "Not Found", "status": 404}, ["Not Found"]),
        ("API Key Incorrect", ["API Key Incorrect"]),
        ("<h1>401: Unauthorized</h1>", []),
        ("", []),
        ([], []),
        ([1, None, "x"], []),
        (7, []),
        ({"message": 7}, []),
        ({"errors": {"a": None}}, ["a: None"]),
        ("[" * 100_000, ["[" * 199 + "…"]),
    ],
)  # fmt: skip
def test_messages_are_found(body: Any, said: list[str]) -> None:
    assert messages_of(raw(400, body)) == said


def test_no_more_than_ten_lines_of_it() -> None:
    body = [{"errorMessage": str(n)} for n in range(500)]
    assert len(messages_of(raw(400, body))) == 10


@pytest.mark.parametrize("body", [VALIDATION, OBJECT, PROBLEM])
@pytest.mark.parametrize("status", [400, 409, 422])
def test_refusals_carry_what_was_said(status: int, body: Any) -> None:
    error = judged(raw(status, body), PLACE)
    assert error is not None
    assert error.code == "app.refused"
    assert error.details == tuple(messages_of(raw(status, body)))


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, "<h2>Bad Request - Invalid Hostname</h2>", "app.forbidden-host"),
        (401, "", "app.unauthorised"),
        (403, "", "app.forbidden"),
        (404, "", "app.not-found"),
        (405, "", "app.not-found"),
        (406, "", "app.refused"),
        (418, "", "app.refused"),
        (421, "", "app.forbidden-host"),
        (429, "", "app.busy"),
        (500, "", "app.failing"),
        (503, "", "app.failing"),
        (599, "", "app.failing"),
        (301, "", "app.unexpected"),
    ],
)
def test_every_status_has_its_error(status: int, body: str, code: str) -> None:
    error = judged(raw(status, body), PLACE)
    assert error is not None
    assert error.code == code
    assert "sonarr" in error.message


def test_a_status_by_which_it_refuses_keys() -> None:
    error = judged(raw(403, ""), PLACE, (401, 403))
    assert error is not None
    assert error.code == "app.unauthorised"


def test_successes_are_none() -> None:
    assert judged(raw(200, {}), PLACE) is None
    assert judged(raw(204, ""), PLACE) is None


@pytest.mark.parametrize(
    "text",
    [
        "GET http://sab:8080/api?mode=x&apikey=VALUE failed",
        "http://x/?api_key=VALUE",
        "http://x/?token=VALUE&b=1",
        '{"apiKey": "VALUE"}',
        "{'password': 'VALUE'}",
        "X-Plex-Token=VALUE",
        "callback%3FapiKey%3DVALUE",
    ],
)
def test_secrets_in_foreign_texts_become_stars(text: str) -> None:
    shown = shortened(text)
    assert "VALUE" not in shown
    assert "********" in shown


def test_words_about_keys_stay() -> None:
    text = "ApiKey: API Key Incorrect"
    assert shortened(text) == text


def test_foreign_texts_are_one_printable_line() -> None:
    assert shortened("a\n b\t\x1b[31mc\x00") == "a b ?[31mc?"
    assert len(shortened("x" * 10_000)) == 200


def test_every_app_error_names_its_service() -> None:
    found = [code for code in ERRORS if code.startswith("app.")]
    assert len(found) >= 13
    facts = {"service": "SVC", "call": "GET /x", "reason": "r", "seconds": 1.0,
             "status": 500, "mebibytes": 7}  # fmt: skip
    for code in found:
        error = UsenetError(code, **facts)
        assert "SVC" in error.message
        assert error.hint


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1),
        (1.5, 1.5),
        ("2", 2),
        ("2.50", 2.5),
        ("-1", -1),
        ("", None),
        ("x", None),
        ("1.x", None),
        (True, None),
        (None, None),
        ([], None),
        ({}, None),
        (10**400, None),
        ("9" * 5000, None),
        ("1" + "0" * 400 + ".5", None),
    ],
)
def test_numbers(value: object, number: float | None) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(
    "text",
    ["{", "NaN", "[Infinity]", "\x00", "[" * 100_000, "9" * 5000, '"\\ud8"'],
)
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(UsenetError) as caught:
        read_answer(raw(200, text), PLACE)
    assert caught.value.code == "app.not-json"
    assert caught.value.__cause__ is None


def test_ways_into_an_answer() -> None:
    answer = read_answer(raw(200, {"a": {"b": [{"c": "1"}]}}), PLACE)
    assert answer.list_at("a.b") == [{"c": "1"}]
    assert answer.at("a.x") is None
    for way in ("a.b.c", "a.b"):
        with pytest.raises(UsenetError) as caught:
            answer.text(way)
        assert caught.value.code == "app.unexpected"
        assert "/api/v3/rootfolder" in caught.value.message
