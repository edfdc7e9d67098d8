"""What is written to the stand-in: comments, reactions, Deployments, statuses; labels are taken off."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from aiohttp import web

from tests.standin import github_answers as answers
from tests.standin.github_bodies import (
    Body,
    NewComment,
    NewCommitStatus,
    NewDeployment,
    NewDeploymentStatus,
    NewReaction,
    read,
)
from tests.standin.github_reading import found_pull, not_app, only_app
from tests.standin.github_state import IDENTITY, KEY, STATE, Problem
from webhook.github.memory_hub import HubComment, HubDeployment, HubStatus
from webhook.github.protocol import CommitNews, CommitState, DeploymentNews, DeploymentState

B = TypeVar("B", bound=Body)


async def body_of(request: web.Request, model: type[B]) -> B:
    """The body as the API's documentation has it."""
    not_app(request)
    try:
        return read(model, await request.read())
    except ValueError as error:
        raise Problem(422, "Validation Failed", violation=str(error)) from None


async def access_token(request: web.Request) -> web.Response:
    """Create an installation access token for an app."""
    only_app(request)
    if (text := await request.read()) not in (b"", b"{}"):
        raise Problem(422, "Validation Failed", violation=f"nothing is to be limited: {text!r}")
    identities, number = request.app[STATE].identities, int(request.match_info["installation"])
    if number not in identities.installations:
        raise Problem(404, "Not Found")
    token, expires = identities.give(number)
    return web.json_response(
        {"token": token, "expires_at": answers.moment(expires), "permissions": {}}, status=201
    )


async def remove_label(request: web.Request) -> web.Response:
    """Remove a label from an issue; gives those that are left."""
    not_app(request)
    pull, wanted = found_pull(request), request.match_info["label"].lower()
    kept = tuple(label for label in pull.labels if label.name.lower() != wanted)
    if len(kept) == len(pull.labels):
        raise Problem(404, "Label does not exist")
    request.app[STATE].hub.change_pull(request[KEY], pull.number, labels=kept)
    return web.json_response([{"name": label.name} for label in kept])


async def create_comment(request: web.Request) -> web.Response:
    """Create an issue comment."""
    body = await body_of(request, NewComment)
    hub, pull = request.app[STATE].hub, found_pull(request)
    number = hub.comment(request[KEY], pull.number, body.body, request[IDENTITY].login)
    return web.json_response(answers.comment(hub.comments[number]), status=201)


def _found_comment(request: web.Request) -> HubComment:
    comment = request.app[STATE].hub.comments.get(int(request.match_info["comment"]))
    if comment is None or comment.repository != request[KEY]:
        raise Problem(404, "Not Found")
    return comment


async def edit_comment(request: web.Request) -> web.Response:
    """Update an issue comment; only one's own."""
    body, comment = await body_of(request, NewComment), _found_comment(request)
    if comment.author != request[IDENTITY].login:
        raise Problem(403, "Must have admin rights to Repository.")
    edited = replace(comment, body=body.body)
    request.app[STATE].hub.comments[comment.id] = edited
    return web.json_response(answers.comment(edited))


async def react(request: web.Request) -> web.Response:
    """Create reaction for an issue comment; 200 when it was there already."""
    body, comment = await body_of(request, NewReaction), _found_comment(request)
    there = body.content in comment.reactions
    if not there:
        reactions = (*comment.reactions, body.content)
        request.app[STATE].hub.comments[comment.id] = replace(comment, reactions=reactions)
    answer = {"id": 1, "content": body.content, "user": answers.user(request[IDENTITY].login)}
    return web.json_response(answer, status=200 if there else 201)


def _need_commit(request: web.Request, commit: str, message: str) -> None:
    hub = request.app[STATE].hub
    if (request[KEY], commit) not in hub.commits:
        raise Problem(422, message)


async def create_deployment(request: web.Request) -> web.Response:
    """Create a deployment of a commit or a branch."""
    body, hub, key = await body_of(request, NewDeployment), request.app[STATE].hub, request[KEY]
    commit = hub.branches.get((key, body.ref), body.ref)
    _need_commit(request, commit, f"No ref found for: {body.ref}")
    new = HubDeployment(hub.next_id(), key, body.environment, commit, body.task, request[IDENTITY].login)
    hub.deployments[new.id] = new
    return web.json_response(answers.deployment(new), status=201)


async def deployment_status(request: web.Request) -> web.Response:
    """Create a deployment status."""
    body, hub = await body_of(request, NewDeploymentStatus), request.app[STATE].hub
    found = hub.deployments.get(int(request.match_info["deployment"]))
    if found is None or found.repository != request[KEY]:
        raise Problem(404, "Not Found")
    news = DeploymentNews(DeploymentState(body.state), body.description, body.environment_url, body.log_url)
    hub.deployments[found.id] = replace(found, statuses=(*found.statuses, news))
    answer = answers.deployment_status(hub.next_id(), news, request[IDENTITY].login)
    return web.json_response(answer, status=201)


async def commit_status(request: web.Request) -> web.Response:
    """Create a commit status."""
    body, sha = await body_of(request, NewCommitStatus), request.match_info["sha"]
    _need_commit(request, sha, f"No commit found for SHA: {sha}")
    news = CommitNews(CommitState(body.state), body.description or "", body.target_url or "")
    request.app[STATE].hub.statuses.append(HubStatus(request[KEY], sha, body.context, news))
    return web.json_response({"id": 1, "state": body.state, "context": body.context}, status=201)
