"""Policy: for which pull requests there are previews, by a repository's wish and the installation's settings.

The policy comes from the preview file at the base branch. It stands above the settings, key by key.
"""

from __future__ import annotations

from controller.api.policy import PathFilter, Policy
from webhook.github.events import PullRequest
from webhook.intake.globs import Globs
from webhook.intake.intent import Nothing, Rules

FILES_LISTED = 3000
"""GitHub lists no more files of a pull request than that (REST API, List pull requests files)."""
CHARACTERS_READ = 1_000_000
"""Of the names of all files; a list longer than this is as good as cut."""


def wanted_by_policy(
    pull: PullRequest, files: tuple[str, ...] | None, policy: Policy, rules: Rules
) -> Nothing | None:
    """Why a pull request has no preview; None when it has one.

    Args:
        pull: the pull request.
        files: the paths that it changes; None where they could not be asked for, which counts as matching.
        policy: of the preview file at the base branch; what it leaves out is up to the rules.
        rules: the installation's.
    """
    said = policy.model_fields_set
    drafts = rules.draft if policy.draft is None else policy.draft
    labels = policy.labels if "labels" in said else rules.labels
    paths = policy.paths if "paths" in said else rules.paths
    if pull.draft and not drafts:
        return Nothing("Draft", "Draft pull requests have no previews here; mark it as ready for review.")
    if policy.branches and not Globs(policy.branches).match(pull.base.ref):
        return Nothing("BaseNotWanted", "Pull requests into this branch have no previews here.")
    if labels and not pull.label_names.intersection(labels):
        return Nothing("LabelMissing", "The pull request carries none of the labels that ask for a preview.")
    if files is not None and not touched(files, paths):
        return Nothing("PathsUntouched", "No file that matters to the preview was changed.")
    return None


def touched(files: tuple[str, ...], paths: PathFilter) -> bool:
    """A change to these files matters. A list that may be cut, or is too long to be read, counts as such."""
    if not paths.include and not paths.exclude:
        return True
    if len(files) >= FILES_LISTED or sum(map(len, files)) > CHARACTERS_READ:
        return True
    if not files:
        return not paths.include
    include, exclude = Globs(paths.include), Globs(paths.exclude)
    return any((not paths.include or include.match(file)) and not exclude.match(file) for file in files)
