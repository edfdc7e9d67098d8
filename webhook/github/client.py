"""GitHub's API as `GitHub`: paths, bodies, and which refusals are no error.

    method ──▶ Calls about the repository ──▶ Account (token, installation) ──▶ answer as a model

`open_github` opens one as the settings say.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import structlog

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.clock import Clock
from webhook.github import answers
from webhook.github.access import Access
from webhook.github.calls import NOT_FOUND, Calls
from webhook.github.connect import access_of, check
from webhook.github.events import Permission, PullRequest
from webhook.github.protocol import CommitNews, DeploymentNews, OwnComment
from webhook.github.wire import Line, unavailable
from webhook.settings import BridgeSettings

log = structlog.get_logger()

FILE_MAX = 256 * 1024
TASK = "preview"
EMPTY_REPOSITORY = 409


class GitHubClient:
    """Implements `GitHub`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._calls = Calls(access)
        self._login: str | None = None
        self._asking_login = asyncio.Lock()

    @property
    def rate_left(self) -> int | None:
        """Requests left until a limit is reset, of the account with the fewest; None before any answer."""
        left = [each.gate.rate_left for each in self._access.accounts() if each.gate.rate_left is not None]
        return min(left, default=None)

    @property
    def limited_for(self) -> float:
        """Seconds until every account may ask again; 0: now."""
        return max((each.gate.limited_for for each in self._access.accounts()), default=0.0)

    async def pull_request(self, repository: str, number: int) -> PullRequest | None:
        """The pull request as it is now; None where GitHub answers 404."""
        answer = await self._calls.find(repository, "pulls", str(number))
        return None if answer is None else answers.understood(PullRequest, answer, f"{repository}#{number}")

    async def open_pull_requests(self, repository: str) -> tuple[PullRequest, ...]:
        """All open pull requests; one that is not as it should be is left out, and that is logged."""
        items = await self._calls.items(repository, "pulls", state="open")
        found: list[PullRequest] = []
        for item in items:
            try:
                found.append(answers.understood(PullRequest, item, f"a pull request of {repository}"))
            except BackendUnavailable as error:
                log.warning("a pull request is left out", repository=repository, message=error.message)
        if items and not found:
            raise unavailable(f"the pull requests of {repository}", "none of them makes sense")
        return tuple(found)

    async def repositories(self) -> tuple[str, ...]:
        """The repositories that the App is installed on."""
        return await self._access.repositories()

    async def changed_files(self, repository: str, number: int) -> tuple[str, ...]:
        """The paths that a pull request changes, both names of a renamed file."""
        items = await self._calls.items(repository, "pulls", str(number), "files")
        what = f"the files of {repository}#{number}"
        files = [answers.understood(answers.ChangedFile, item, what) for item in items]
        return tuple(name for file in files for name in (file.filename, file.previous_filename) if name)

    async def file(self, repository: str, path: str, ref: str) -> bytes | None:
        """A file's content; what is a directory, a submodule or not there is none.

        Raises:
            InvalidSpec (GitHubRefused): it is over 256 kB.
        """
        answer = await self._calls.find(repository, "contents", *path.split("/"), ref=ref)
        if answer is None or isinstance(answer, list):
            return None
        what = f"{path} of {repository}"
        content = answers.understood(answers.Content, answer, what)
        if content.type != "file":
            return None
        found = b"" if content.size > FILE_MAX else _decoded(content, what)
        if max(content.size, len(found)) > FILE_MAX:
            raise InvalidSpec("GitHubRefused", f"{what} at {ref} is over {FILE_MAX} bytes; make it smaller.")
        return found

    async def branch_head(self, repository: str, branch: str) -> str | None:
        """The commit that a branch is at."""
        parts = ("git", "ref", "heads", *branch.split("/"))
        answer = await self._calls.find(repository, *parts, absent=(NOT_FOUND, EMPTY_REPOSITORY))
        what = f"branch {branch} of {repository}"
        return None if answer is None else answers.understood(answers.Reference, answer, what).object.sha

    async def permission(self, repository: str, login: str) -> Permission:
        """What somebody may do; an installation's own role counts as what GitHub says it permits."""
        answer = await self._calls.find(repository, "collaborators", login, "permission")
        if answer is None:
            return Permission.NONE
        found = answers.understood(answers.Collaborator, answer, f"permission of {login} in {repository}")
        known = {permission.value: permission for permission in Permission}
        return known.get(found.role_name) or known.get(found.permission) or Permission.NONE

    async def remove_label(self, repository: str, number: int, label: str) -> None:
        """Take a label off; fine when it is not there."""
        await self._calls.find(repository, "issues", str(number), "labels", label, method="DELETE")

    async def react(self, repository: str, comment_id: int, content: str) -> None:
        """React to a comment."""
        parts = ("issues", "comments", str(comment_id), "reactions")
        await self._calls.make(repository, *parts, data={"content": content})

    async def find_comment(self, repository: str, number: int, marker: str) -> OwnComment | None:
        """The newest own comment whose body begins with the marker."""
        login = await self._own_login()
        what = f"the comments on {repository}#{number}"
        for item in reversed(await self._calls.items(repository, "issues", str(number), "comments")):
            comment = answers.understood(answers.FoundComment, item, what)
            own = comment.user is not None and comment.user.login.lower() == login
            if own and comment.body is not None and comment.body.startswith(marker):
                return OwnComment(comment.id, comment.body)
        return None

    async def create_comment(self, repository: str, number: int, body: str) -> int:
        """Comment on a pull request."""
        return await self._calls.make(repository, "issues", str(number), "comments", data={"body": body})

    async def edit_comment(self, repository: str, comment_id: int, body: str) -> bool:
        """Replace a comment; False when it is gone."""
        parts, data = ("issues", "comments", str(comment_id)), {"body": body}
        return await self._calls.change(repository, *parts, method="PATCH", data=data)

    async def find_deployment(self, repository: str, environment: str, commit: str) -> int | None:
        """The newest own Deployment of a commit in an environment; GitHub gives the newest first."""
        login = await self._own_login()
        query = {"sha": commit, "environment": environment, "task": TASK}
        for item in await self._calls.items(repository, "deployments", **query):
            found = answers.understood(answers.FoundDeployment, item, f"the Deployments of {repository}")
            if found.creator is not None and found.creator.login.lower() == login:
                return found.id
        return None

    async def create_deployment(self, repository: str, environment: str, commit: str) -> int:
        """A transient Deployment, which GitHub neither merges for nor holds back for other checks."""
        body = {
            "ref": commit,
            "environment": environment,
            "task": TASK,
            "auto_merge": False,
            "required_contexts": [],
            "transient_environment": True,
            "production_environment": False,
        }
        return await self._calls.make(repository, "deployments", data=body)

    async def deployment_status(self, repository: str, deployment: int, news: DeploymentNews) -> bool:
        """Add a status to a Deployment; False when it is gone."""
        links = {"environment_url": news.environment_url, "log_url": news.log_url}
        body = {"state": news.state.value, "description": news.description, **_given(links)}
        parts = ("deployments", str(deployment), "statuses")
        return await self._calls.change(repository, *parts, method="POST", data=body)

    async def commit_status(self, repository: str, commit: str, context: str, news: CommitNews) -> None:
        """Set a commit's status under a context."""
        link = _given({"target_url": news.target_url})
        body = {"state": news.state.value, "context": context, "description": news.description, **link}
        await self._calls.make(repository, "statuses", commit, data=body)

    async def _own_login(self) -> str:
        async with self._asking_login:
            if self._login is None:
                self._login = (await self._access.login()).lower()
            return self._login


@asynccontextmanager
async def open_github(
    settings: BridgeSettings,
    clock: Clock,
    rate_left: Callable[[int], None] = lambda requests: None,
    seconds: float = 10.0,
) -> AsyncIterator[GitHubClient | None]:
    """GitHub as the settings name it; None where they hold neither token nor App.

    Args:
        settings: GITHUB_API_URL, and GITHUB_TOKEN or GITHUB_APP_ID with GITHUB_APP_PRIVATE_KEY.
        clock: for the ends of tokens and of rate limits.
        rate_left: told after each answer how many requests are left.
        seconds: for one call at most.

    Raises:
        InvalidSpec (GitHubAccess): the settings contradict each other, or the address is not safe.
    """
    if not check(settings):
        yield None
        return

    def tell() -> None:
        if client.rate_left is not None:
            rate_left(client.rate_left)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        line = Line(session, settings.github_api_url.rstrip("/"), clock, seconds, on_answer=tell)
        client = GitHubClient(access_of(settings, line))
        yield client


def _given(links: dict[str, str]) -> dict[str, str]:
    return {name: url for name, url in links.items() if url}


def _decoded(content: answers.Content, what: str) -> bytes:
    try:
        if content.encoding != "base64":
            raise unavailable(what, f"it is encoded as {content.encoding[:20]}")
        return base64.b64decode(content.content)
    except binascii.Error:
        raise unavailable(what, "it is no base64") from None
