"""The stand-in's web application: every request is checked here before a route answers it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.standin.github_bodies import QUERIES
from tests.standin.github_identity import Identity, Refused
from tests.standin.github_routes import routes
from tests.standin.github_state import IDENTITY, KEY, STATE, Problem, Seen, Standin

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ACCEPT = "application/vnd.github+json"
VERSION = "2022-11-28"
LIMIT = 5000


def application(state: Standin) -> web.Application:
    """The routes of the API, behind the checks."""
    app = web.Application(middlewares=[_answer], client_max_size=1024**2)
    app[STATE] = state
    app.add_routes(routes())
    return app


@web.middleware
async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    state = request.app[STATE]
    try:
        response = await _checked(state, request, handler)
    except Problem as problem:
        if problem.violation:
            state.violations.append(f"{request.method} {request.path}: {problem.violation}")
        response = web.json_response({"message": problem.message}, status=problem.status)
        response.headers.update(problem.headers)
    except Exception as error:
        state.violations.append(f"{request.method} {request.path}: the stand-in failed: {error!r}")
        raise
    if not response.prepared:
        for name, value in _rate(state).items():
            response.headers.setdefault(name, value)
    return response


async def _checked(state: Standin, request: web.Request, handler: Handler) -> web.StreamResponse:
    state.at_once += 1
    state.most_at_once = max(state.most_at_once, state.at_once)
    try:
        await asyncio.sleep(state.delay)
    finally:
        state.at_once -= 1
    if state.broken is not None:
        return _broken(state, request)
    if state.instead is not None and (own := state.instead(request)) is not None:
        return own
    identity = _identity(state, request)
    state.requests.append(Seen(request.method, request.path, identity.kind if identity else ""))
    _check_limit(state)
    if request.match_info.http_exception is not None:
        status = request.match_info.http_exception.status
        raise Problem(status, "Not Found", violation="no such method and path")
    await _check_form(request)
    if identity is None:
        raise Problem(401, "Bad credentials")
    state.remaining -= 1
    request[IDENTITY] = identity
    redirect = _place(state, request, identity)
    return redirect if redirect is not None else await handler(request)


def _broken(state: Standin, request: web.Request) -> web.StreamResponse:
    state.requests.append(Seen(request.method, request.path, ""))
    if state.broken == "cut":
        assert request.transport is not None
        request.transport.abort()
    return web.Response(status=502, text="<html>Unicorn!</html>", content_type="text/html")


def _identity(state: Standin, request: web.Request) -> Identity | None:
    try:
        return state.identities.who(request.headers.get("Authorization"))
    except Refused as refused:
        state.violations.append(f"{request.method} {request.path}: {refused}")
        return None


def _rate(state: Standin) -> dict[str, str]:
    primary = state.limit is not None and not state.limit.secondary
    reset = state.limit.until.timestamp() if state.limit is not None and primary else state.now().timestamp()
    return {
        "X-RateLimit-Limit": str(LIMIT),
        "X-RateLimit-Remaining": "0" if primary else str(max(state.remaining, 1)),
        "X-RateLimit-Used": str(LIMIT if primary else LIMIT - state.remaining),
        "X-RateLimit-Reset": str(int(reset if primary else reset + 3600)),
        "X-RateLimit-Resource": "core",
    }


def _check_limit(state: Standin) -> None:
    limit = state.limit
    if limit is None or state.now() >= limit.until:
        state.limit = None
        return
    if not limit.secondary:
        raise Problem(403, "API rate limit exceeded for user ID 1.")
    left = max(1, round((limit.until - state.now()).total_seconds()))
    raise Problem(403, "You have exceeded a secondary rate limit.", headers={"Retry-After": str(left)})


async def _check_form(request: web.Request) -> None:
    """Headers, query, and whether the body is JSON where there is one."""
    headers = request.headers
    if headers.get("Accept") != ACCEPT:
        raise Problem(415, "Unsupported Accept", violation=f"Accept must be {ACCEPT}")
    if headers.get("X-GitHub-Api-Version") != VERSION:
        raise Problem(400, "Unsupported version", violation=f"X-GitHub-Api-Version must be {VERSION}")
    if "previewcloud" not in headers.get("User-Agent", ""):
        raise Problem(
            403, "Request forbidden by administrative rules", violation="User-Agent must say who asks"
        )
    _check_query(request)
    text = await request.read()
    if request.method in ("GET", "DELETE") and text:
        raise Problem(400, "Bad request", violation="there must be no body")
    if text:
        if request.content_type != "application/json":
            raise Problem(415, "Unsupported Media Type", violation="Content-Type must be application/json")
        try:
            json.loads(text)
        except ValueError:
            raise Problem(400, "Problems parsing JSON", violation="the body is not JSON") from None


def _check_query(request: web.Request) -> None:
    resource = request.match_info.route.resource
    pattern = resource.canonical if resource is not None else ""
    words = [word for word in pattern.split("/") if word and not word.startswith("{")]
    known = QUERIES.get(words[-1], frozenset()) | {"page", "per_page"}
    unknown = set(request.query) - known
    if unknown or (request.query and request.method != "GET"):
        raise Problem(422, "Validation Failed", violation=f"unknown query: {sorted(request.query)}")


def _place(state: Standin, request: web.Request, identity: Identity) -> web.StreamResponse | None:
    """Find the repository that a path names; a redirect where it has another name now."""
    info = request.match_info
    if "id" in info:
        key = next((key for key, number in state.numbers.items() if str(number) == info["id"]), None)
    elif "owner" in info:
        key = state.hub.key(f"{info['owner']}/{info['repo']}")
    else:
        return None
    if key is None or key in state.hidden or key not in state.hub.repositories:
        raise Problem(404, "Not Found")
    if identity.kind == "installation" and key not in state.identities.installations.get(
        identity.installation, ()
    ):
        raise Problem(404, "Not Found")
    if key in state.forbidden:
        raise Problem(403, "Resource not accessible by integration")
    request[KEY] = key
    now_called = state.hub.repositories[key].full_name.lower()
    if "owner" in info and f"{info['owner']}/{info['repo']}".lower() != now_called:
        rest = request.rel_url.raw_path.split("/", 4)[4:]
        target = "/".join([f"{state.url}/repositories/{state.number_of(key)}", *rest])
        query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
        status, message = (
            (301, "Moved Permanently") if request.method == "GET" else (307, "Temporary Redirect")
        )
        return web.json_response(
            {"message": message, "url": target + query},
            status=status,
            headers={"Location": target + query},
        )
    return None
