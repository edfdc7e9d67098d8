"""Inquiry: the facts about a pull request that GitHub and the cluster have to be asked for.

GitHub being down never delays a preview: what cannot be asked is taken from the signed delivery, and from
what was known before. Only a permission that cannot be asked for is none.
"""

from __future__ import annotations

from collections import OrderedDict

import structlog

from controller.api.errors import PreviewError
from controller.api.policy import PathFilter, Policy
from controller.api.preview_file import parse_preview_file
from webhook.cluster.protocol import Cluster, Purpose
from webhook.github.events import Permission, PullRequest
from webhook.github.protocol import GitHub
from webhook.intake.intent import BranchFacts, Consider, ConsiderBranch, Facts, Known, Rules
from webhook.subject import Subject

log = structlog.get_logger()

POLICIES_KEPT = 500
NO_FILTER = PathFilter()


class Inquiry:
    """Asks GitHub and the cluster; remembers the policies it read by commit."""

    def __init__(self, cluster: Cluster, github: GitHub | None, rules: Rules) -> None:
        self._cluster = cluster
        self._github = github
        self._rules = rules
        self._policies: OrderedDict[tuple[str, str], Policy] = OrderedDict()

    def known(self, subject: Subject) -> Known:
        """What is known of a subject without asking anyone."""
        return Known(self._cluster.of(subject), self._cluster.record(subject))

    async def facts(self, consider: Consider) -> Facts:
        """All that decides about a pull request; raises BackendUnavailable when the cluster is away."""
        answer = await self.pull_request(consider.subject)
        pull = answer or consider.pull
        repository = consider.subject.repository
        policy = await self._policy(repository, pull)
        return Facts(
            pull=pull,
            asked=answer is not None,
            known=self.known(consider.subject),
            policy=policy,
            files=await self._files(consider.subject, policy),
            approver=await self.permission(repository, consider.approver) if consider.approver else None,
            **await self._secrets(repository),
        )

    async def branch_facts(self, consider: ConsiderBranch) -> BranchFacts:
        """All that decides about a branch; raises BackendUnavailable when the cluster is away."""
        subject, asked, head = consider.subject, False, None
        if self._github is not None and subject.branch is not None:
            try:
                head = await self._github.branch_head(subject.repository, subject.branch)
                asked = True
            except PreviewError as error:
                _not_asked("branch", subject.identity, error)
        secrets = await self._secrets(subject.repository)
        return BranchFacts(self.known(subject), asked, head, **secrets)

    async def pull_request(self, subject: Subject) -> PullRequest | None:
        """The pull request as GitHub has it now, None where that cannot be known."""
        if self._github is None or subject.pull_request is None:
            return None
        try:
            return await self._github.pull_request(subject.repository, subject.pull_request)
        except PreviewError as error:
            _not_asked("pull request", subject.identity, error)
            return None

    async def permission(self, repository: str, login: str) -> Permission | None:
        """What somebody may do; None where that cannot be asked."""
        if self._github is None:
            return None
        try:
            return await self._github.permission(repository, login)
        except PreviewError as error:
            _not_asked("permission", repository, error)
            return None

    async def _secrets(self, repository: str) -> dict[str, str | None]:
        return {
            "git_secret": await self._cluster.secret_for(repository, Purpose.GIT),
            "registry_secret": await self._cluster.secret_for(repository, Purpose.REGISTRY),
        }

    async def _files(self, subject: Subject, policy: Policy) -> tuple[str, ...] | None:
        filtered = policy.paths != NO_FILTER or self._rules.paths != NO_FILTER
        if not filtered or self._github is None or subject.pull_request is None:
            return None
        try:
            return await self._github.changed_files(subject.repository, subject.pull_request)
        except PreviewError as error:
            _not_asked("changed files", subject.identity, error)
            return None

    async def _policy(self, repository: str, pull: PullRequest) -> Policy:
        """The policy at the base commit; where it cannot be read, the one that was read last."""
        if self._github is None:
            return Policy()
        key = (repository.lower(), pull.base.sha)
        if (found := self._policies.get(key)) is not None:
            self._policies.move_to_end(key)
            return found
        try:
            content = await self._github.file(repository, self._rules.config_path, pull.base.sha)
            policy = parse_preview_file(content, self._rules.config_path).policy if content else Policy()
        except PreviewError as error:
            _not_asked("policy", repository, error)
            return self._last_policy(repository)
        self._policies[key] = policy
        if len(self._policies) > POLICIES_KEPT:
            self._policies.popitem(last=False)
        return policy

    def _last_policy(self, repository: str) -> Policy:
        last = (
            policy for (name, _), policy in reversed(self._policies.items()) if name == repository.lower()
        )
        return next(last, Policy())


def _not_asked(what: str, of: str, error: PreviewError) -> None:
    log.warning("going on without asking", what=what, of=of, reason=error.reason, message=error.message)
