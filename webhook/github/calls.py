"""Calls about one repository: by the account that may ask for it, once more when that was taken away.

What is named in a path (a login, a label, a branch) is a part of its own, and never leads elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlencode

from webhook.github import answers
from webhook.github.access import Access
from webhook.github.wire import Account, GitHubRefusal, path_of

NOT_FOUND = 404
UNAUTHORIZED = 401
T = TypeVar("T")


class Calls:
    """Asks about repositories (owner/name); every call raises as `Account.call`."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def ask(
        self, repository: str, *parts: str, method: str = "GET", data: object = b"", **query: str
    ) -> object:
        """The answer for a path below the repository."""
        path = _path(repository, parts)
        url = f"{path}?{urlencode(query)}" if query else path
        return await self._as_account(repository, lambda account: account.call(method, url, data))

    async def find(
        self,
        repository: str,
        *parts: str,
        method: str = "GET",
        data: object = b"",
        absent: tuple[int, ...] = (NOT_FOUND,),
        **query: str,
    ) -> object | None:
        """The answer; None where it is refused because there is no such thing."""
        try:
            return await self.ask(repository, *parts, method=method, data=data, **query)
        except GitHubRefusal as refusal:
            if refusal.status not in absent:
                raise
            return None

    async def items(self, repository: str, *parts: str, **query: str) -> list[object]:
        """All items of a list."""
        path = _path(repository, parts)
        return await self._as_account(repository, lambda account: account.items(path, **query))

    async def make(self, repository: str, *parts: str, data: object) -> int:
        """Create something; gives its id, which GitHub answers for everything that is created."""
        answer = await self.ask(repository, *parts, method="POST", data=data)
        return answers.understood(answers.Made, answer, f"{'/'.join(parts)} of {repository}").id

    async def change(self, repository: str, *parts: str, method: str, data: object) -> bool:
        """Change something; False where it is not there."""
        answer = await self.find(repository, *parts, method=method, data=data)
        if answer is None:
            return False
        answers.understood(answers.Made, answer, f"{'/'.join(parts)} of {repository}")
        return True

    async def _as_account(self, repository: str, act: Callable[[Account], Awaitable[T]]) -> T:
        try:
            return await act(await self._access.account(repository))
        except GitHubRefusal as refusal:
            if refusal.status != UNAUTHORIZED or not self._access.renew(repository):
                raise
        return await act(await self._access.account(repository))


def _path(repository: str, parts: tuple[str, ...]) -> str:
    owner, _, name = repository.partition("/")
    return path_of("repos", owner, name, *parts)
