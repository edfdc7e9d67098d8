"""Make a preview as it is asked for, or take it away; one request after the other per pull request or branch.

    PreviewRequest ──▶ GitHub's truth, where it can be asked ──▶ plan ──▶ Secrets ──▶ apply ──▶ redeploy?

A pipeline that ends late must not bring back what is over. With GitHub access its answer counts: a pull
request that is closed, or a branch that is gone, gets no preview, and one that is open gets one, whatever is
remembered. Without, a close that is remembered counts, unless the request says `reopen`.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from controller.api.errors import BackendUnavailable, Conflict, NotReady, PreviewError
from controller.api.names import REDEPLOY, PreviewKey
from controller.api.preview import Preview
from controller.api.status import Phase
from webhook.cluster.protocol import ORIGIN_LABEL, Origin, Purpose
from webhook.github.events import PullRequest
from webhook.rest.api import Api
from webhook.rest.models import PreviewRequest
from webhook.rest.refusals import WrongField
from webhook.rest.request import Facts, Plan, plan, subject_of
from webhook.rest.wishes import moment
from webhook.subject import Subject

log = structlog.get_logger()


@dataclass(frozen=True)
class Made:
    """The Preview as it is after a request."""

    preview: Preview
    created: bool
    changed: bool


async def upsert(api: Api, request: PreviewRequest) -> Made:
    """Make the Preview that is asked for.

    Raises:
        Conflict: MadeByOthers, PullRequestClosed, BranchDeleted, CommitOutdated.
        InvalidSpec: RepositoryNotAllowed, PullRequestUnknown, and as `plan` has it.
        NotReady: BeingDeleted, GitHubRateLimited. BackendUnavailable: cluster or GitHub do not answer.
    """
    _refuse_repository(api, request)
    subject = subject_of(request)
    async with api.turns.of(subject):
        existing = await _standing(api, subject)
        pull = await _truth(api, request, subject, existing)
        _refuse_outdated(request, existing, pull)
        facts = await _facts(api, request, subject, existing, pull)
        return await _carry_out(api, plan(request, existing, facts), existing)


async def remove(api: Api, preview: Preview) -> None:
    """Take a Preview away, and remember that somebody wanted that.

    Raises:
        Conflict: MadeByOthers. BackendUnavailable: the cluster does not answer.
    """
    refuse_foreign(preview)
    subject = Subject.of(preview.spec.source)
    async with api.turns.of(subject):
        await api.cluster.remember(subject, destroyed=api.clock.now(), spec=None, annotations={})
        await api.cluster.delete(preview)
        await api.cluster.delete_secrets(preview.metadata.name)
        await api.cluster.remember(subject, secrets=None)


async def settled(api: Api, preview: Preview) -> Preview:
    """The Preview once it has its slug, or as it is when that takes too long."""
    end = api.clock.monotonic() + api.slug_seconds
    while not preview.slug and (left := end - api.clock.monotonic()) > 0:
        await api.cluster.changed(preview.key, left)
        now = api.cluster.by_key(preview.key)
        if now is None or now.metadata.uid != preview.metadata.uid:
            break
        preview = now
    return preview


def refuse_foreign(preview: Preview) -> None:
    """Raises Conflict (MadeByOthers) for a Preview that the bridge did not make."""
    if ORIGIN_LABEL not in preview.metadata.labels:
        raise Conflict(
            "MadeByOthers",
            f"Preview {preview.key} was not made by the bridge; change or delete it where it was made.",
        )


def _refuse_repository(api: Api, request: PreviewRequest) -> None:
    allowed = {name.lower() for name in api.settings.github_repositories}
    if allowed and request.repository.lower() not in allowed:
        raise WrongField(
            "RepositoryNotAllowed",
            f"{request.repository} is none of the repositories that may have previews (GITHUB_REPOSITORIES).",
            "repoName",
        )


async def _standing(api: Api, subject: Subject) -> Preview | None:
    """The Preview that stands for a subject; one that is being deleted is waited for."""
    end = api.clock.monotonic() + api.slug_seconds
    while (preview := api.cluster.of(subject)) is not None:
        refuse_foreign(preview)
        if not preview.deleting:
            return preview
        left = end - api.clock.monotonic()
        if left <= 0:
            raise NotReady("BeingDeleted", f"Preview {preview.key} is still being deleted; try again.")
        await api.cluster.changed(preview.key, left)
    return None


async def _truth(
    api: Api, request: PreviewRequest, subject: Subject, existing: Preview | None
) -> PullRequest | None:
    """The pull request as GitHub has it; None where it cannot be asked, and for a branch.

    GitHub being away stops only what cannot be known without it: whether a pull request that has no Preview
    yet comes from a fork.
    """
    if api.github is None:
        _refuse_closed(api, request, subject)
        return None
    try:
        if subject.pull_request is None:
            await _refuse_deleted(api, subject)
            return None
        pull = await api.github.pull_request(subject.repository, subject.pull_request)
    except (BackendUnavailable, NotReady) as error:
        if existing is None and subject.pull_request is not None:
            raise
        log.warning("GitHub not asked", subject=str(subject), reason=error.reason, message=error.message)
        _refuse_closed(api, request, subject)
        return None
    if pull is None:
        raise WrongField(
            "PullRequestUnknown",
            f"GitHub shows no pull request {subject.pull_request} of {subject.repository}.",
            "prNumber",
        )
    if pull.state == "closed":
        raise Conflict("PullRequestClosed", f"{subject} is closed; reopen it on GitHub.")
    return pull


def _refuse_closed(api: Api, request: PreviewRequest, subject: Subject) -> None:
    if api.cluster.record(subject).closed is not None and not request.reopen:
        raise Conflict(
            "PullRequestClosed",
            f"{subject} was closed; send reopen: true when it is to have a preview again.",
        )


async def _refuse_deleted(api: Api, subject: Subject) -> None:
    if api.github is not None and subject.branch is not None:
        if await api.github.branch_head(subject.repository, subject.branch) is None:
            raise Conflict(
                "BranchDeleted", f"GitHub shows no branch {subject.branch} of {subject.repository}."
            )


def _refuse_outdated(request: PreviewRequest, existing: Preview | None, pull: PullRequest | None) -> None:
    """A pipeline of an older commit that ends after the newest one's must not take that back."""
    if existing is None or pull is None or existing.metadata.labels.get(ORIGIN_LABEL) != Origin.API:
        return
    if existing.spec.source.commit == pull.head.sha != request.commit_sha:
        raise Conflict(
            "CommitOutdated",
            f"The preview has commit {pull.head.sha[:12]} already, the newest of its pull request; "
            f"{request.commit_sha[:12]} would take it back.",
        )


async def _facts(
    api: Api, request: PreviewRequest, subject: Subject, existing: Preview | None, pull: PullRequest | None
) -> Facts:
    cluster = api.cluster
    return Facts(
        name=existing.metadata.name if existing is not None else subject.object_name,
        clone_base=api.settings.github_clone_url,
        pull=pull,
        git_secret=await cluster.secret_for(request.repository, Purpose.GIT),
        registry_secret=await cluster.secret_for(request.repository, Purpose.REGISTRY),
    )


async def _carry_out(api: Api, wished: Plan, existing: Preview | None) -> Made:
    """Secrets come first, so that nothing refers to one that is not there; what is let go of, last."""
    cluster, subject = api.cluster, wished.wanted.subject
    if wished.secrets and cluster.record(subject).secrets is None:
        # whoever takes the Preview away, its Secrets are found by this, and forgotten with the Record
        await cluster.remember(subject, secrets=wished.secrets[0].preview)
    try:
        stored = [await cluster.store_secret(secret) for secret in wished.secrets]
        preview = await cluster.apply(wished.wanted)
    except PreviewError:
        if existing is None:
            await _forget_secrets(api, PreviewKey(cluster.namespace, subject.object_name))
        raise
    for secret in wished.emptied:
        await cluster.store_secret(secret)
    created = existing is None or existing.metadata.uid != preview.metadata.uid
    moved = existing is not None and existing.metadata.generation != preview.metadata.generation
    again = not created and not moved and (any(stored) or _expired(preview))
    if again:
        await cluster.annotate(preview.key, {REDEPLOY: moment(api.clock, preview, REDEPLOY)})
    record = cluster.record(subject)
    if record.closed or record.destroyed or record.spec:
        await cluster.remember(subject, closed=None, destroyed=None, spec=None, annotations={})
    log.info("preview applied", subject=str(subject), commit=preview.spec.source.commit, origin="api")
    return Made(preview, created, moved or again or any(stored))


def _expired(preview: Preview) -> bool:
    """It was torn down; asking for it again brings it back, changed or not."""
    return preview.status.phase is Phase.EXPIRED


async def _forget_secrets(api: Api, key: PreviewKey) -> None:
    """Of a Preview that could not be made nothing stays behind; what hinders that is only logged."""
    try:
        await api.cluster.delete_secrets(key.name)
    except PreviewError as error:
        log.warning("Secrets stay behind", preview=str(key), reason=error.reason, message=error.message)
