"""The stand-in's state: what there is, who may ask, what was seen, and the switches that break it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web

from controller.clock import Clock, WallClock
from tests.standin import github_answers as answers
from tests.standin.github_identity import Identities, Identity
from webhook.github.memory_hub import Hub, HubComment, HubDeployment


@dataclass(frozen=True)
class Seen:
    """A request that came in."""

    method: str
    path: str
    identity: str
    """token, app, installation, or empty for one that was not let in."""


@dataclass(frozen=True)
class Limit:
    """A rate limit that is used up until then."""

    until: datetime
    secondary: bool


class Standin:
    """The state, the switches, and what was seen; see `tests.standin.github`."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or WallClock()
        self.hub = Hub(self.clock)
        self.identities = Identities(self.now)
        self.url = ""
        self.violations: list[str] = []
        self.requests: list[Seen] = []
        self.forbidden: set[str] = set()
        self.hidden: set[str] = set()
        self.limit: Limit | None = None
        self.delay = 0.0
        self.broken: str | None = None
        self.instead: Callable[[web.Request], web.StreamResponse | None] | None = None
        """Asked before everything else: an answer of the test's own making, or None."""
        self.remaining = 5000
        self.at_once = self.most_at_once = 0
        self.numbers: dict[str, int] = {}

    def now(self) -> datetime:
        """The time of day."""
        return self.clock.now().astimezone(UTC)

    def down(self) -> None:
        """Answer 502 with a page, whatever is asked."""
        self.broken = "502"

    def cut(self) -> None:
        """Close every connection in place of an answer."""
        self.broken = "cut"

    def up(self) -> None:
        """Let everything work again: not down, not limited, not slow."""
        self.broken, self.limit, self.delay, self.instead = None, None, 0.0, None
        self.remaining = 5000

    def limit_primary(self, seconds: float) -> None:
        """Let the hour's requests be used up for so long."""
        self.limit = Limit(self.now() + timedelta(seconds=seconds), secondary=False)

    def limit_secondary(self, seconds: float) -> None:
        """Say for so long that too much was asked at a time."""
        self.limit = Limit(self.now() + timedelta(seconds=seconds), secondary=True)

    def slow(self, seconds: float) -> None:
        """Let every answer take so long."""
        self.delay = seconds

    def forbid(self, repository: str) -> None:
        """Answer 403 for everything about a repository."""
        self.forbidden.add(self.hub.key(repository))

    def hide(self, repository: str) -> None:
        """Answer 404 for everything about a repository, as where a token may not see it."""
        self.hidden.add(self.hub.key(repository))

    def rename(self, old: str, new: str) -> None:
        """Give a repository a new name; the old one is answered with redirects."""
        self.hub.rename_repository(old, new)

    def install(self, *repositories: str) -> None:
        """Install the App on repositories."""
        for repository in repositories:
            self.hub.add_repository(repository)
            self.identities.install(self.hub.key(repository))

    def environment(self, app: bool = False) -> dict[str, str]:
        """The bridge's settings for this GitHub, as variables: with the token, or as the App."""
        address = {"GITHUB_API_URL": self.url}
        if not app:
            return {**address, "GITHUB_TOKEN": self.identities.token}
        key = self.identities.private_key
        return {**address, "GITHUB_APP_ID": self.identities.app_id, "GITHUB_APP_PRIVATE_KEY": key}

    @property
    def own_logins(self) -> tuple[str, ...]:
        """Under whose names the bridge writes: the token's user, and the App's bot."""
        return (self.identities.login, f"{self.identities.slug}[bot]")

    def comments(self, repository: str, number: int) -> tuple[HubComment, ...]:
        """The bridge's own comments on a pull request, the oldest first."""
        found = self.hub.comments_on(repository, number)
        return tuple(comment for comment in found if comment.author in self.own_logins)

    def deployments(self, repository: str, environment: str | None = None) -> tuple[HubDeployment, ...]:
        """The Deployments of a repository, or of one of its environments, the oldest first."""
        return self.hub.deployments_of(repository, environment)

    def number_of(self, key: str) -> int:
        """The number of a repository, which outlives its name."""
        return self.numbers.setdefault(key, 9001 + len(self.numbers))

    def pull_json(self, repository: str, number: int) -> answers.Json:
        """A pull request as deliveries carry it."""
        key = self.hub.key(repository)
        return answers.pull_request(self.hub.pulls[key, number], self.number_of(key))

    def repository_json(self, repository: str) -> answers.Json:
        """A repository as deliveries carry it."""
        key = self.hub.key(repository)
        return answers.repository(self.hub.repositories[key], self.number_of(key))


STATE = web.AppKey("state", Standin)
IDENTITY = web.RequestKey("identity", Identity)
"""Who asks."""
KEY = web.RequestKey("key", str)
"""By what the repository of the path is found in the hub."""


class Problem(Exception):
    """An answer in place of the route's; `violation` says what the request should not have been."""

    def __init__(
        self, status: int, message: str, violation: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.violation = status, message, violation
        self.headers = headers or {}
