"""Orders: who gave a command, whether they may, what it comes down to, and the reaction to it."""

from __future__ import annotations

import structlog

from controller.api.errors import PreviewError
from webhook.github.events import Permission, PullRequest
from webhook.github.protocol import GitHub
from webhook.intake.effects import effect
from webhook.intake.inquiry import Inquiry
from webhook.intake.intent import Command, Effect, Run

log = structlog.get_logger()


class Orders:
    """Asks what is needed to judge a command."""

    def __init__(self, github: GitHub | None, inquiry: Inquiry) -> None:
        self._github = github
        self._inquiry = inquiry

    async def effect(self, order: Run) -> tuple[Effect, PullRequest | None]:
        """What the command comes down to, and the pull request as it is now where it was needed.

        Times are counted from the comment's, so that carrying it out again changes nothing.
        """
        command, permission, pull = order.command, None, None
        if isinstance(command, Command) and command.name.needs_write:
            permission = await self._permission(order)
            pull = await self._inquiry.pull_request(order.subject)
        known = self._inquiry.known(order.subject)
        return effect(command, order.login, permission, known, pull, order.at), pull

    async def react(self, order: Run, found: Effect) -> None:
        """React to the comment; its author sees the notice too, so that a failure is only logged."""
        if self._github is None:
            return
        try:
            await self._github.react(order.subject.repository, order.comment, found.reaction)
        except PreviewError as error:
            log.warning("no reaction", subject=str(order.subject), reason=error.reason, message=error.message)

    async def _permission(self, order: Run) -> Permission | None:
        return await self._inquiry.permission(order.subject.repository, order.login)
