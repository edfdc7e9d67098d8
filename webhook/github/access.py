"""By what right GitHub is asked: a token, which is one account, or an App, which has one per installation.

repository ──▶ its installation (by the App's JWT) ──▶ a token of that (renewed before it ends) ──▶ account
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from webhook.github import answers
from webhook.github.wire import Account, GitHubRefusal, Line, path_of

log = structlog.get_logger()

EARLY = timedelta(minutes=5)
"""An installation's token is not used any more this long before it ends."""
KNOWN_FOR = timedelta(hours=1)
"""After this the installation of a repository is looked up again: it may have moved to another owner."""


class Access(Protocol):
    """Gives the account by which a repository is asked for."""

    async def account(self, repository: str) -> Account:
        """The account; raises as `Account.call`, GitHubRefusal 404 where the App is not installed."""

    def renew(self, repository: str) -> bool:
        """The account was refused with 401; True when another one may be had."""

    async def login(self) -> str:
        """Under which name GitHub shows what is written."""

    async def repositories(self) -> tuple[str, ...]:
        """The repositories that it is installed on."""

    def accounts(self) -> Iterator[Account]:
        """All accounts that were used so far."""


class TokenAccess:
    """A token: one account for all repositories."""

    def __init__(self, line: Line, token: str) -> None:
        self._account = Account(line, token=token)

    async def account(self, repository: str) -> Account:
        """The token's account."""
        return self._account

    def renew(self, repository: str) -> bool:
        """There is no other token."""
        return False

    async def login(self) -> str:
        """The token's user."""
        return answers.understood(answers.Account, await self._account.call("GET", "user"), "user").login

    async def repositories(self) -> tuple[str, ...]:
        """A token is installed nowhere."""
        return ()

    def accounts(self) -> Iterator[Account]:
        """The one account."""
        yield self._account


@dataclass
class _Installation:
    number: int
    account: Account
    ends: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class AppAccess:
    """An App: the accounts of its installations, each with a token that is fetched when it is needed."""

    def __init__(self, line: Line, app_id: str, private_key: str) -> None:
        self._line = line
        self._app = Account(line, app_id=app_id, key=private_key)
        self._installations: dict[int, _Installation] = {}
        self._numbers: dict[str, tuple[int, datetime]] = {}
        self._looking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def account(self, repository: str) -> Account:
        """The account of the repository's installation, with a token that lasts."""
        async with self._looking[repository.lower()]:
            number = await self._number(repository)
        return await self._ready(number)

    async def _number(self, repository: str) -> int:
        now = self._line.clock.now()
        known = self._numbers.get(repository.lower())
        if known is not None and now < known[1]:
            return known[0]
        owner, _, name = repository.partition("/")
        path = f"repos/{path_of(owner, name)}/installation"
        found = answers.understood(answers.Installation, await self._app.call("GET", path), path)
        self._numbers[repository.lower()] = (found.id, now + KNOWN_FOR)
        return found.id

    async def _ready(self, number: int) -> Account:
        installation = self._installations.get(number)
        if installation is None:
            installation = self._installations[number] = _Installation(number, Account(self._line))
        async with installation.lock:
            now = self._line.clock.now()
            if installation.ends is None or now >= installation.ends - EARLY:
                await self._fetch(installation)
        return installation.account

    async def _fetch(self, installation: _Installation) -> None:
        path = f"app/installations/{installation.number}/access_tokens"
        try:
            answer = await self._app.call("POST", path)
        except GitHubRefusal as refusal:
            if refusal.status != 404:
                raise
            # the App was taken away from there, and may have been installed anew under another number
            raise GitHubRefusal(f"POST {path}", 401, "the installation is gone") from None
        given = answers.understood(answers.InstallationToken, answer, path)
        installation.account.oauth_token = given.token.get_secret_value()
        installation.ends = given.expires_at

    def renew(self, repository: str) -> bool:
        """Forget the installation of a repository, and its token."""
        known = self._numbers.pop(repository.lower(), None)
        if known is not None and known[0] in self._installations:
            self._installations[known[0]].ends = None
        return known is not None

    async def login(self) -> str:
        """The App's bot."""
        return f"{answers.understood(answers.App, await self._app.call('GET', 'app'), 'app').slug}[bot]"

    async def repositories(self) -> tuple[str, ...]:
        """The repositories of all installations; one that refuses is left out, and that is logged."""
        found: list[str] = []
        for item in await self._app.items("app/installations"):
            installation = answers.understood(answers.Installation, item, "app/installations")
            if installation.suspended_at is not None:
                continue
            try:
                found += await self._repositories_of(installation.id)
            except GitHubRefusal as refusal:
                log.warning("an installation is left out", number=installation.id, message=refusal.message)
        return tuple(sorted(set(found)))

    async def _repositories_of(self, number: int) -> list[str]:
        account = await self._ready(number)
        items = await account.items("installation/repositories", key="repositories")
        names = [answers.understood(answers.Named, item, "a repository").full_name for item in items]
        until = self._line.clock.now() + KNOWN_FOR
        self._numbers.update({name.lower(): (number, until) for name in names})
        return names

    def accounts(self) -> Iterator[Account]:
        """The App's account and those of its installations."""
        yield self._app
        yield from (installation.account for installation in self._installations.values())
