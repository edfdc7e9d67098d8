"""The REST API as part of an aiohttp application.

request ──▶ id ──▶ failures ──▶ gate (address, token, scope) ──▶ query, body ──▶ handler ──▶ JSON
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from pydantic import BaseModel

from controller.health import OK
from controller.probes import Liveness, add_probes, readiness
from webhook.body import Bodies
from webhook.logs.hub import Hub
from webhook.logs.page import add_pages
from webhook.logs.streams import add_streams
from webhook.rest.answer import Renderings
from webhook.rest.api import Api
from webhook.rest.call import Call, Tools
from webhook.rest.docs import add_docs
from webhook.rest.errors import failures
from webhook.rest.gate import admit
from webhook.rest.handlers import HANDLERS
from webhook.rest.health import OperatorHealth
from webhook.rest.limits import Proxies
from webhook.rest.openapi import document
from webhook.rest.operations import JSON, OPERATIONS, Operation
from webhook.rest.refusals import Refusal, WrongField
from webhook.rest.requests import answer_with_id, identified
from webhook.rest.usage import OperatorUsage

_TOOLS: web.AppKey[Tools] = web.AppKey("tools", Tools)
BODY_MAX = 1024 * 1024
NOT_READ = "The previews have not been read yet, or have not been watched for a minute."


def setup(app: web.Application, api: Api) -> None:
    """Put the REST API into an application: routes, middlewares, and the session for the operator's health.

    Args:
        app: not started yet; its other routes get request ids and the answers to failures too.
        api: what the routes work with.

    Raises:
        InvalidSpec: TrustedProxiesInvalid.
    """
    door = _Door(api, Proxies(api.settings.trusted_proxies), Bodies(BODY_MAX))
    app.middlewares.extend((identified(api.draw, api.clock), failures))
    app.on_response_prepare.append(answer_with_id)
    app.cleanup_ctx.append(_opened(api))
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, _route(door, operation))
    add_probes(app, Liveness(api.cluster.pulse, api.cluster.check).answer, _ready(api))
    add_streams(app, api, Hub(api.logs, api.clock))
    add_pages(app, api)
    add_docs(app, document(api.settings.bridge_url))


def _opened(api: Api) -> Callable[[web.Application], AsyncIterator[None]]:
    async def opened(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            health = OperatorHealth(api.settings, session, api.clock)
            usage = OperatorUsage(api.settings, session, api.clock)
            app[_TOOLS] = Tools(api, Renderings(), health, usage)
            yield

    return opened


@dataclass(frozen=True)
class _Door:
    """What every request passes before its handler."""

    api: Api
    proxies: Proxies
    bodies: Bodies


def _route(door: _Door, operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
    handle = HANDLERS[operation.id]

    async def serve(request: web.Request) -> web.Response:
        claims = await admit(door.api, door.proxies, request, operation.scope)
        call = Call(
            preview_id=request.match_info.get("id", ""),
            query=_query(operation, request),
            body=await _body(door.bodies, operation, request),
            claims=claims,
        )
        response = await handle(request.app[_TOOLS], call)
        response.headers["Cache-Control"] = "no-store"
        return response

    return serve


def _query(operation: Operation, request: web.Request) -> BaseModel | None:
    if operation.query is None:
        return None
    given = {name: request.query.getall(name) for name in request.query}
    told = {name: values[0] if len(values) == 1 else values for name, values in given.items()}
    return operation.query.model_validate(told, by_alias=True, by_name=False)


async def _body(bodies: Bodies, operation: Operation, request: web.Request) -> BaseModel | None:
    """The request's body as its model; None where none is wanted, or an optional one is left out."""
    if operation.body is None:
        return None
    content = await bodies.read(request)
    if not content and operation.body_optional:
        return None
    if request.content_type in operation.texts:
        return _text(operation.body, content)
    if request.content_type != JSON:
        wanted = " or ".join((JSON, *operation.texts))
        raise Refusal(415, "UnsupportedMediaType", f"Send the body as Content-Type: {wanted}.")
    return operation.body.model_validate_json(content, strict=True, by_alias=True, by_name=False)


def _text(model: type[BaseModel], content: bytes) -> BaseModel:
    """A body that is the text itself, as the first field of its model."""
    field = next(iter(model.model_fields))
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise WrongField("InvalidRequest", f"{field}: must be UTF-8", field) from None
    return model.model_validate({field: text}, strict=True)


def _ready(api: Api) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The cluster alone: deliveries are taken without operator, engine and log store too."""

    async def ready(request: web.Request) -> web.Response:
        return readiness({"cluster": OK if api.cluster.ready else NOT_READ})

    return ready
