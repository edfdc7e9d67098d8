"""What is read from the stand-in: one thing, or a list in pages with Link headers."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from tests.standin import github_answers as answers
from tests.standin.github_state import IDENTITY, KEY, STATE, Problem
from webhook.github.events import Permission, PullRequest

FILES_MAX = 3000


def paged(request: web.Request, items: Sequence[object], wrapped: str = "") -> web.Response:
    """One page of a list, 30 or `per_page` items (100 at most), with links to the others."""
    query = request.query
    try:
        size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    except ValueError:
        raise Problem(422, "Validation Failed", violation="page and per_page must be numbers") from None
    if not 1 <= size <= 100 or page < 1:
        raise Problem(422, "Validation Failed", violation="per_page must be 1 to 100, page 1 or more")
    last = max(1, -(-len(items) // size))
    pages = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    if page >= last:
        del pages["next"], pages["last"]
    if page == 1:
        del pages["prev"], pages["first"]
    base = request.app[STATE].url + request.rel_url.raw_path
    links = []
    for name, number in pages.items():
        url = request.rel_url.update_query(page=str(number), per_page=str(size)).raw_query_string
        links.append(f'<{base}?{url}>; rel="{name}"')
    chosen = list(items[(page - 1) * size : page * size])
    body = {"total_count": len(items), wrapped: chosen} if wrapped else chosen
    return web.json_response(body, headers={"Link": ", ".join(links)} if links else {})


def found_pull(request: web.Request) -> PullRequest:
    """The pull request that the path names."""
    pulls = request.app[STATE].hub.pulls
    pull_request = pulls.get((request[KEY], int(request.match_info["number"])))
    if pull_request is None:
        raise Problem(404, "Not Found")
    return pull_request


async def user(request: web.Request) -> web.Response:
    """Get the authenticated user; an installation is none."""
    if request[IDENTITY].bot:
        raise Problem(403, "Resource not accessible by integration", violation="an App has no user")
    return web.json_response(answers.user(request[IDENTITY].login))


def only_app(request: web.Request) -> None:
    """What the App alone may ask, by its JWT."""
    if request[IDENTITY].kind != "app":
        raise Problem(401, "A JSON web token could not be decoded", violation="needs the App's JWT")


def not_app(request: web.Request) -> None:
    """What the App may not ask by its JWT."""
    if request[IDENTITY].kind == "app":
        raise Problem(
            403, "Resource not accessible by integration", violation="needs an installation's token"
        )


async def app(request: web.Request) -> web.Response:
    """Get the authenticated app."""
    only_app(request)
    identities = request.app[STATE].identities
    return web.json_response({"id": int(identities.app_id), "slug": identities.slug, "name": "PreviewCloud"})


async def installations(request: web.Request) -> web.Response:
    """List installations for the authenticated app."""
    only_app(request)
    found = request.app[STATE].identities.owners
    return paged(
        request,
        [
            {"id": number, "account": answers.user(owner), "suspended_at": None}
            for owner, number in found.items()
        ],
    )


async def installation(request: web.Request) -> web.Response:
    """Get a repository installation for the authenticated app."""
    only_app(request)
    number = request.app[STATE].identities.installation_of(request[KEY])
    if number is None:
        raise Problem(404, "Not Found")
    return web.json_response({"id": number, "account": answers.user(request[KEY].split("/")[0])})


async def installed(request: web.Request) -> web.Response:
    """List repositories accessible to the app installation."""
    identity, state = request[IDENTITY], request.app[STATE]
    if identity.kind != "installation":
        raise Problem(403, "You must authenticate with an installation access token", violation="wrong token")
    keys = sorted(state.identities.installations[identity.installation])
    found = [answers.repository(state.hub.repositories[key], state.number_of(key)) for key in keys]
    return paged(request, found, "repositories")


async def pull(request: web.Request) -> web.Response:
    """Get a pull request."""
    not_app(request)
    number = request.app[STATE].number_of(request[KEY])
    return web.json_response(answers.pull_request(found_pull(request), number))


async def pulls(request: web.Request) -> web.Response:
    """List pull requests, the newest first."""
    not_app(request)
    state, wanted = request.app[STATE], request.query.get("state", "open")
    if wanted not in ("open", "closed", "all"):
        raise Problem(422, "Validation Failed", violation="state must be open, closed or all")
    number = state.number_of(request[KEY])
    found = [
        answers.pull_request(each, number)
        for (key, _), each in state.hub.pulls.items()
        if key == request[KEY] and wanted in ("all", each.state)
    ]
    return paged(request, found[::-1])


async def files(request: web.Request) -> web.Response:
    """List pull requests files; never more than 3,000."""
    not_app(request)
    number = found_pull(request).number
    found = request.app[STATE].hub.changed.get((request[KEY], number), ())
    return paged(request, [answers.changed_file(*each) for each in found[:FILES_MAX]])


async def contents(request: web.Request) -> web.Response:
    """Get repository content: a file, or what is in a directory."""
    not_app(request)
    hub, key, path = request.app[STATE].hub, request[KEY], request.match_info["path"]
    ref = request.query.get("ref", hub.repositories[key].default_branch)
    content = hub.content(key, path, ref)
    if content is not None:
        return web.json_response(answers.file(path, content))
    at = hub.branches.get((key, ref), ref)
    below = [
        name
        for where, commit, name in hub.contents
        if where == key and commit in (ref, at) and name.startswith(f"{path}/")
    ]
    if not below:
        raise Problem(404, "Not Found")
    return web.json_response(answers.directory(below))


async def branch(request: web.Request) -> web.Response:
    """Get a reference."""
    not_app(request)
    name = request.match_info["branch"]
    commit = request.app[STATE].hub.branches.get((request[KEY], name))
    if commit is None:
        raise Problem(404, "Not Found")
    return web.json_response(answers.branch(name, commit))


async def permission(request: web.Request) -> web.Response:
    """Get repository permissions for a user; everybody reads what is public, and who is nobody is 404."""
    not_app(request)
    hub, login = request.app[STATE].hub, request.match_info["login"]
    if not login.removesuffix("[bot]").replace("-", "").replace("_", "").isalnum():
        raise Problem(404, "Not Found")
    public = not hub.repositories[request[KEY]].private
    granted = hub.permissions.get(
        (request[KEY], login.lower()), Permission.READ if public else Permission.NONE
    )
    return web.json_response(answers.permission(login, granted))


async def comments(request: web.Request) -> web.Response:
    """List issue comments, the oldest first."""
    not_app(request)
    number = found_pull(request).number
    found = request.app[STATE].hub.comments_on(request[KEY], number)
    return paged(request, [answers.comment(each) for each in found])


async def deployments(request: web.Request) -> web.Response:
    """List deployments, the newest first."""
    not_app(request)
    query = request.query
    found = [
        answers.deployment(each)
        for each in request.app[STATE].hub.deployments_of(request[KEY], query.get("environment"))
        if query.get("sha", each.commit) == each.commit and query.get("task", each.task) == each.task
    ]
    return paged(request, found[::-1])
