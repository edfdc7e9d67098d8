"""Every failure as `{success: false, error: {message, code, field?}}`, made in one place.

    PreviewError, ValidationError, Refusal, aiohttp's own, anything else ──▶ failures ──▶ JSON with a status

What was sent is never repeated, and what nobody foresaw is answered without details: those are in the log.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec, NotReady, PreviewError
from controller.api.preview import describe
from webhook.body import part_with
from webhook.github.protocol import RateLimited
from webhook.github.refusal import Refused
from webhook.rest.refusals import ID_OF_REQUEST, Refusal, WrongField
from webhook.rest.shapes import ErrorAnswer, ErrorDetail

log = structlog.get_logger()

MESSAGE_MAX, FIELD_MAX = 4000, 200
RETRY_SECONDS = 5
_CODES = {
    400: ("BadRequest", "The request cannot be read."),
    404: ("NotFound", "There is nothing at this address."),
    405: ("MethodNotAllowed", "This address does not take that method."),
    413: ("TooLarge", "The body is larger than is taken here."),
    415: ("UnsupportedMediaType", "The body's Content-Type is not one that is taken here."),
}


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer whatever goes wrong in a handler."""
    try:
        return await handler(request)
    except Refused as refused:
        return await _of_body(request, refused)
    except (PreviewError, Refusal, ValidationError, web.HTTPError, HttpProcessingError) as error:
        return failure(error)
    except Exception:
        log.exception("a request failed", request=request.get(ID_OF_REQUEST), path=request.rel_url.raw_path)
        return _answer(500, "Internal", "Something went wrong here; the log says what, by the request's id.")


async def _of_body(request: web.Request, refused: Refused) -> web.StreamResponse:
    """The answer about a body that is not taken, nor read to its end."""
    response = _answer(refused.status, refused.code, refused.message)
    if not request.content.is_eof():
        await part_with(request, response)
    return response


def failure(error: Exception) -> web.Response:
    """The answer to a failure that was foreseen."""
    match error:
        case Refusal():
            return _answer(error.status, error.code, error.message, headers=error.headers)
        case ValidationError():
            return _invalid(error)
        case PreviewError():
            return _of_product(error)
        case web.HTTPError():
            code, sentence = _CODES.get(error.status, ("Refused", "The request is refused."))
            kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
            return _answer(error.status, code, sentence, headers=kept)
    return _answer(400, *_CODES[400])


def _of_product(error: PreviewError) -> web.Response:
    message = "\n".join(error.lines) or error.message
    match error:
        case InvalidSpec():
            field = error.field if isinstance(error, WrongField) else None
            return _answer(422, error.reason, message, field)
        case Conflict():
            return _answer(409, error.reason, message)
        case NotReady() | BackendUnavailable():
            seconds = error.seconds if isinstance(error, RateLimited) else RETRY_SECONDS
            wait = {"Retry-After": str(max(1, math.ceil(seconds)))}
            return _answer(503, error.reason, message, headers=wait)
    return _answer(500, error.reason, message)


def _invalid(error: ValidationError) -> web.Response:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    if any(item["type"] == "json_invalid" for item in found):
        return _answer(400, "InvalidJson", "The body is not JSON.")
    field = ".".join(str(part) for part in found[0]["loc"])
    return _answer(422, "InvalidRequest", describe(error), field or None)


def _answer(
    status: int,
    code: str,
    message: str,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    detail = ErrorDetail(
        message=_printable(message)[:MESSAGE_MAX],
        code=code,
        field=_printable(field)[:FIELD_MAX] if field else None,
    )
    return web.Response(
        body=ErrorAnswer(error=detail).model_dump_json(by_alias=True).encode(),
        status=status,
        headers=headers,
        content_type="application/json",
    )


def _printable(text: str) -> str:
    """Text that may hold names from the request: what has no sign is left out, halves of signs too."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(letter for letter in whole if letter.isprintable() or letter == "\n")
