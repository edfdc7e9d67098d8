"""Wanted: the whole Preview that a pull request or a branch gets from the bridge."""

from __future__ import annotations

from datetime import datetime

from controller.api.preview import Preview
from controller.api.spec import PreviewSpec, Source, Trust
from controller.api.variables import LocalSecretRef
from webhook.cluster.protocol import EVENT_TIME, Origin, Wanted
from webhook.cluster.records import Record
from webhook.github.events import PullRequest
from webhook.intake.intent import BranchFacts, ConsiderBranch, Facts, Rules
from webhook.intake.order import live, trust, written
from webhook.subject import Subject


def for_pull_request(
    subject: Subject, pull: PullRequest, approved: str | None, facts: Facts, rules: Rules
) -> Source | None:
    """The source of a pull request's Preview; None when nobody says where to clone from.

    What can never change is kept as an existing Preview has it: the repository's spelling, and a branch. The
    branch of a pull request is not told otherwise; it may be renamed.

    Args:
        subject: the pull request.
        pull: as it is now.
        approved: the commit of a fork that somebody approved.
        facts: the existing Preview and the names of Secrets, which a fork never gets.
        rules: the installation's.
    """
    preview, whose, base = live(facts.known), trust(pull), pull.base.repo
    fields = _common(subject, preview, base.clone_url if base is not None else None, rules)
    if fields is None:
        return None
    fields |= {"pull_request": pull.number, "commit": pull.head.sha, "trust": whose}
    if preview is not None and preview.spec.source.branch is not None:
        fields["branch"] = preview.spec.source.branch
    if whose is Trust.FORK:
        fields["config_commit"] = pull.base.sha
        if approved is not None:
            fields["approved_commit"] = approved
    else:
        fields |= _secrets(facts.git_secret, facts.registry_secret)
    return Source.model_validate(fields)


def for_branch(intent: ConsiderBranch, head: str, facts: BranchFacts, rules: Rules) -> Source | None:
    """The source of a branch's Preview at a commit; None when nobody says where to clone from."""
    preview, subject = live(facts.known), intent.subject
    fields = _common(subject, preview, intent.push.repository.clone_url, rules)
    if fields is None:
        return None
    fields |= {"branch": subject.branch, "commit": head, "trust": Trust.TRUSTED}
    return Source.model_validate(fields | _secrets(facts.git_secret, facts.registry_secret))


def wanted(subject: Subject, source: Source, at: datetime | None) -> Wanted:
    """A Preview of this source alone: all else stands in the preview file.

    Args:
        subject: what it stands for.
        source: its source.
        at: the time of the newest event that was handled.
    """
    annotations = {} if at is None else {EVENT_TIME: written(at)}
    return Wanted(subject, PreviewSpec(source=source), Origin.WEBHOOK, annotations)


def forgotten(record: Record) -> dict[str, object]:
    """What a Record must not hold any more when a Preview is made again; the close stays, it is older."""
    held = {"destroyed": record.destroyed, "spec": record.spec, "annotations": record.annotations}
    return {name: None for name, value in held.items() if value}


def _common(
    subject: Subject, preview: Preview | None, clone_url: str | None, rules: Rules
) -> dict[str, object] | None:
    existing = preview.spec.source if preview is not None else None
    clone_url = clone_url or (existing.clone_url if existing is not None else None)
    if clone_url is None:
        return None
    same = existing is not None and existing.repository.lower() == subject.repository.lower()
    return {
        "repository": existing.repository if existing is not None and same else subject.repository,
        "clone_url": clone_url,
        "config_path": rules.config_path,
    }


def _secrets(git: str | None, registry: str | None) -> dict[str, object]:
    named = {"credentials_secret_ref": git, "image_pull_secret_ref": registry}
    return {field: LocalSecretRef(name=name) for field, name in named.items() if name is not None}
