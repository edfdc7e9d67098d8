"""The stand-in's routes: those of a repository are there by its name and by its number."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.standin import github_reading as reading
from tests.standin import github_writing as writing

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ROOTS = ("/repos/{owner}/{repo}", "/repositories/{id:[0-9]+}")
PLAIN: list[tuple[str, str, Handler]] = [
    ("GET", "/user", reading.user),
    ("GET", "/app", reading.app),
    ("GET", "/app/installations", reading.installations),
    ("POST", "/app/installations/{installation:[0-9]+}/access_tokens", writing.access_token),
    ("GET", "/installation/repositories", reading.installed),
]
OF_REPOSITORY: list[tuple[str, str, Handler]] = [
    ("GET", "/pulls", reading.pulls),
    ("GET", "/pulls/{number:[0-9]+}", reading.pull),
    ("GET", "/pulls/{number:[0-9]+}/files", reading.files),
    ("GET", "/contents/{path:.+}", reading.contents),
    ("GET", "/git/ref/heads/{branch:.+}", reading.branch),
    ("GET", "/collaborators/{login}/permission", reading.permission),
    ("GET", "/issues/{number:[0-9]+}/comments", reading.comments),
    ("GET", "/deployments", reading.deployments),
    ("GET", "/installation", reading.installation),
    ("DELETE", "/issues/{number:[0-9]+}/labels/{label}", writing.remove_label),
    ("POST", "/issues/{number:[0-9]+}/comments", writing.create_comment),
    ("PATCH", "/issues/comments/{comment:[0-9]+}", writing.edit_comment),
    ("POST", "/issues/comments/{comment:[0-9]+}/reactions", writing.react),
    ("POST", "/deployments", writing.create_deployment),
    ("POST", "/deployments/{deployment:[0-9]+}/statuses", writing.deployment_status),
    ("POST", "/statuses/{sha}", writing.commit_status),
]


def routes() -> list[web.RouteDef]:
    """Every route that is known."""
    known = [*PLAIN, *((method, root + path, act) for root in ROOTS for method, path, act in OF_REPOSITORY)]
    return [web.route(method, path, act) for method, path, act in known]
