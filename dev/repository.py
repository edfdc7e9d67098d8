"""The sample's git repository: the files under examples/shop in, one commit of a bare repository out.

The commit depends on the files alone (author and date are fixed), and is made only when they differ from
the last one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dev import commands
from dev.progress import StepFailed
from dev.site import Site

REPOSITORY = "acme/shop"
BRANCH = "refs/heads/main"
PULL_REQUEST = "refs/pull/1/head"
IDENTITY = {
    "GIT_AUTHOR_NAME": "Acme",
    "GIT_AUTHOR_EMAIL": "shop@acme.example",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "Acme",
    "GIT_COMMITTER_EMAIL": "shop@acme.example",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
SETTINGS = {
    "uploadpack.allowReachableSHA1InWant": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "http.receivepack": "false",
    "gc.auto": "0",
}


@dataclass(frozen=True)
class Repository:
    """A bare repository on disk."""

    path: Path

    def git(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run git in it and return the output, stripped; raises StepFailed."""
        return commands.run(
            ["git", "--git-dir", self.path, *arguments], env={**IDENTITY, **(env or {})}
        ).strip()


def root_of(site: Site) -> Path:
    """Return the directory that the git server serves."""
    return site.state / "git"


def ensure(site: Site, files: Path) -> str:
    """Make the repository's branch and pull request stand at exactly these files; return the commit.

    Raises:
        StepFailed: there are no such files.
    """
    if not files.is_dir():
        raise StepFailed(f"{files} is missing: check out the whole repository")
    repository = Repository(root_of(site) / f"{REPOSITORY}.git")
    if not (repository.path / "HEAD").exists():
        repository.path.mkdir(parents=True, exist_ok=True)
        repository.git("init", "--quiet", "--bare", "--initial-branch=main")
    for name, value in SETTINGS.items():
        repository.git("config", name, value)
    tree = _tree(repository, files, ignored=site.checkout / ".gitignore")
    head = repository.git("for-each-ref", "--format=%(objectname)", BRANCH)
    if head and repository.git("rev-parse", f"{head}^{{tree}}") == tree:
        return head
    parents = ("-p", head) if head else ()
    commit = repository.git("commit-tree", tree, *parents, "-m", "The shop")
    repository.git("update-ref", BRANCH, commit)
    repository.git("update-ref", PULL_REQUEST, commit)
    return commit


def _tree(repository: Repository, files: Path, ignored: Path) -> str:
    index = {"GIT_INDEX_FILE": str(repository.path / "sample-index")}
    (repository.path / "sample-index").unlink(missing_ok=True)
    excludes = ("-c", f"core.excludesFile={ignored}")
    repository.git(*excludes, "--work-tree", str(files), "-C", str(files), "add", "--all", ".", env=index)
    return repository.git("write-tree", env=index)
