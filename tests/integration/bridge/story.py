"""A pull request of its own repository: what its author does, what GitHub delivers, what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.names import PreviewKey
from controller.source.memory import MemoryFile
from tests.integration.bridge.bridge import Bridge, Json
from tests.integration.operator.app import files
from tests.integration.operator.polling import until
from tests.integration.operator.space import NUMBERS, READY_SECONDS, Seen, Space, visit
from tests.standin.github import Standin
from tests.unit.webhook.payload_parts import user
from webhook.github.events import Permission
from webhook.github.memory_hub import HubComment
from webhook.subject import Subject

Files = Mapping[str, bytes | MemoryFile]
MAINTAINER = "ada"


class Story:
    """One pull request."""

    def __init__(self, space: Space, github: Standin, bridge: Bridge) -> None:
        self.space, self.github, self.bridge = space, github, bridge
        self.repository = space.repository()
        self.number = next(NUMBERS)
        info = github.hub.add_repository(self.repository.name)
        key = github.hub.key(self.repository.name)
        github.hub.repositories[key] = info.model_copy(update={"clone_url": self.repository.url})
        github.hub.allow(self.repository.name, MAINTAINER, Permission.WRITE)

    @property
    def key(self) -> PreviewKey:
        """Of the Preview that the bridge makes."""
        return self.space.key(Subject(self.repository.name, self.number).object_name)

    async def open(self, tree: Files | None = None, fork: str | None = None, deliver: bool = True) -> str:
        """Open the pull request with a commit of these files; gives the commit."""
        tree = tree if tree is not None else files()
        base = self.repository.commit(tree)
        commit = self.repository.commit({**tree, "opened": b"1"})
        name = self.repository.name
        self.github.hub.open_pull(name, self.number, commit=commit, base_commit=base, fork=fork)
        if deliver:
            await self.happens("opened")
        return commit

    async def push(self, tree: Files | None = None, deliver: bool = True) -> str:
        """Push another commit; gives it."""
        found = tree if tree is not None else files()
        commit = self.repository.commit({**found, "pushed": str(next(NUMBERS)).encode()})
        self.github.hub.push(self.repository.name, self.number, commit)
        if deliver:
            await self.happens("synchronize")
        return commit

    async def close(self, deliver: bool = True) -> None:
        """Close it."""
        self.github.hub.close_pull(self.repository.name, self.number)
        if deliver:
            await self.happens("closed")

    async def label(self, name: str, by: str = MAINTAINER) -> None:
        """Set a label."""
        self.github.hub.label(self.repository.name, self.number, name)
        await self.happens("labeled", by, label={"name": name})

    async def say(self, text: str, by: str = MAINTAINER) -> Json:
        """Write a comment."""
        comment = self.github.hub.comment(self.repository.name, self.number, text, by)
        said = self.github.hub.comments[comment]
        payload = {
            "action": "created",
            "issue": {"number": self.number, "state": "open", "pull_request": {}},
            "comment": {
                "id": comment,
                "body": text,
                "user": user(by),
                "created_at": self.github.hub.now().isoformat(),
            },
            "repository": self.github.repository_json(self.repository.name),
            "sender": user(by),
        }
        assert said.body == text
        return await self.bridge.deliver("issue_comment", payload)

    async def happens(self, action: str, by: str = "mona", **more: object) -> Json:
        """Deliver an event about the pull request as it is now."""
        return await self.bridge.deliver("pull_request", self.event(action, by, **more))

    def event(self, action: str, by: str = "mona", **more: object) -> Json:
        """An event about the pull request as it is now."""
        return {
            "action": action,
            "number": self.number,
            "pull_request": self.github.pull_json(self.repository.name, self.number),
            "repository": self.github.repository_json(self.repository.name),
            "sender": user(by),
            **more,
        }

    async def look(self) -> Seen | None:
        """The Preview as it is now."""
        return await self.space.look(self.key.name)

    async def serves(self, commit: str, seconds: float = READY_SECONDS) -> str:
        """Wait until this commit is served, and visit it; gives the URL."""
        seen = await until(
            self.look, seconds, lambda s: s is not None and s.ready() and s.status["commit"] == commit
        )
        assert seen is not None
        url: str = seen.status["url"]
        answer = await visit(url)
        assert (answer.status, answer.body) == (200, f"web {commit}")
        return url

    async def gone(self, seconds: float = READY_SECONDS) -> None:
        """Wait until there is no Preview, and nothing of it on the engine."""
        await until(self.look, seconds, lambda seen: seen is None)
        assert self.space.engine.containers(self.key) == []

    async def comment(self, *words: str, seconds: float = 60) -> HubComment:
        """Wait until the bridge's one comment holds these words."""

        def found() -> HubComment | None:
            comments = self.github.comments(self.repository.name, self.number)
            assert len(comments) <= 1, comments
            return comments[0] if comments and all(word in comments[0].body for word in words) else None

        comment = await until(found, seconds, told=lambda: str(self._told()))
        assert comment is not None
        return comment

    def _told(self) -> list[str]:
        return [one.body for one in self.github.comments(self.repository.name, self.number)]
