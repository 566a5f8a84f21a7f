"""How the family writes JSON and what its errors look like."""

from __future__ import annotations

from datetime import UTC, datetime

from ..routing import Json, Refusal, Reply, Request, json_reply

MASK = "********"


def now() -> str:
    """The present, as the family writes it."""
    return moment(datetime.now(UTC).timestamp())


def moment(seconds: float) -> str:
    """A moment given in seconds since 1970, as the family writes it."""
    found = datetime.fromtimestamp(seconds, UTC)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")


def reply(data: Json, status: int = 200) -> Reply:
    """JSON, indented, without null members and without ids of 0."""
    return json_reply(_without_nulls(data), status, indent=2)


def _without_nulls(data: Json) -> Json:
    if isinstance(data, dict):
        return {
            key: _without_nulls(value)
            for key, value in data.items()
            if value is not None and not (key == "id" and value == 0)
        }
    if isinstance(data, list):
        return [_without_nulls(each) for each in data]
    return data


def created(request: Request, document: dict[str, Json]) -> Reply:
    """201 with the resource and its place."""
    answer = reply(document, 201)
    answer.headers["Location"] = f"{request.path}/{document['id']}"
    return answer


def body_of(request: Request) -> dict[str, Json]:
    """The body as a resource; the first letters of keys are lower-cased.

    Raises:
        Refusal: 400 when the body is empty or no JSON object.
    """
    if not request.body:
        raise Refusal(api_error(400, "Request body can't be empty"))
    try:
        data = request.json()
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise Refusal(problem(400, {"$": ["The JSON value is not valid."]}))
    return {key[:1].lower() + key[1:]: value for key, value in data.items()}


_STATUS_NAMES = {400: "BadRequest", 409: "Conflict"}


def api_error(status: int, text: str) -> Reply:
    """An error with `message` and `content`."""
    name = _STATUS_NAMES.get(status, "Error")
    return reply({"message": f"{name}: {text}", "content": text}, status)


def server_error(message: str, status: int = 500) -> Reply:
    """An error with `message` and `description`."""
    trace = f"{message}\n   at UsenetSandbox.Simulator"
    return reply({"message": message, "description": trace}, status)


def problem(status: int, errors: Json = None) -> Reply:
    """An error as ASP.NET itself writes it."""
    title = {
        400: "One or more validation errors occurred.",
        404: "Not Found",
        405: "Method Not Allowed",
    }.get(status, "Error")
    found: dict[str, Json] = {
        "type": "https://tools.ietf.org/html/rfc7231#section-6.5",
        "title": title,
        "status": status,
        "traceId": "00-00000000000000000000000000000000-00",
    }
    if errors is not None:
        found["errors"] = errors
    return reply(found, status)


def missing() -> Refusal:
    """404 for an id that does not exist."""
    return Refusal(problem(404))


def failure(
    name: str, message: str, value: Json, code: str, **placeholders: Json
) -> dict[str, Json]:
    """One item of a validation list.

    Args:
        name: the property, in Pascal case.
        code: class of the validator.
        placeholders: more values that the message was made of.
    """
    return {
        "propertyName": name,
        "errorMessage": message,
        "attemptedValue": value,
        "severity": "error",
        "errorCode": code,
        "formattedMessageArguments": [],
        "formattedMessagePlaceholderValues": {
            **placeholders,
            "propertyName": _words(name),
            "propertyValue": value,
        },
    }


def provider_failure(
    name: str, message: str, detail: str | None = None, warning: bool = False
) -> dict[str, Json]:
    """One item of the list that a failed provider test gives."""
    return {
        "isWarning": warning,
        "detailedDescription": detail,
        "propertyName": name,
        "errorMessage": message,
        "severity": "warning" if warning else "error",
    }


def invalid(failures: list[dict[str, Json]]) -> Refusal:
    """400 with the list of failures."""
    return Refusal(reply(failures, 400))


def require(failures: list[dict[str, Json] | None]) -> None:
    """Refuse the request when any of the failures is one."""
    found = [each for each in failures if each is not None]
    if found:
        raise invalid(found)


def not_empty(name: str, value: Json) -> dict[str, Json] | None:
    """The failure of an empty property, if it is empty."""
    if value:
        return None
    message = f"'{_words(name)}' must not be empty."
    return failure(name, message, value, "NotEmptyValidator")


def positive(name: str, value: Json) -> dict[str, Json] | None:
    """The failure of a number that is not above zero."""
    number = value or 0
    if number > 0:
        return None
    message = f"'{_words(name)}' must be greater than '0'."
    return failure(
        name, message, number, "GreaterThanValidator", comparisonValue=0
    )


def _words(name: str) -> str:
    spaced = "".join(f" {each}" if each.isupper() else each for each in name)
    return spaced.strip()


def paged(request: Request, records: list[dict[str, Json]]) -> Reply:
    """One page of a list."""
    number = max(1, int(request.argument("page", "1")))
    size = max(1, int(request.argument("pageSize", "10")))
    first = (number - 1) * size
    return reply(
        {
            "page": number,
            "pageSize": size,
            "sortKey": request.argument("sortKey") or "date",
            "sortDirection": request.argument("sortDirection") or "default",
            "totalRecords": len(records),
            "records": records[first : first + size],
        }
    )
