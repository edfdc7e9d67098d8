"""The in-memory source: commits are given as dictionaries and pass the same checks as those fetched by git.

MemorySource({"acme/shop": {commit: {"preview.yaml": b"..."}}})
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.source.clone_url import check_clone_url, check_credentials
from controller.source.limits import SourceLimits
from controller.source.listing import LINK, REGULAR, Entry, Listing, check_entries, text
from controller.source.protocol import SourceRef
from controller.source.tree import ListedTree


@dataclass(frozen=True)
class MemoryFile:
    """A file with git's mode (`listing.LINK`, `EXECUTABLE`, `SUBMODULE`); a link's content is its target."""

    content: bytes
    mode: int = REGULAR


Files = Mapping[str, bytes | MemoryFile]


@dataclass(frozen=True)
class MemoryBlobs:
    """The contents of one commit."""

    files: Mapping[str, MemoryFile]

    async def read(self, paths: tuple[str, ...]) -> AsyncGenerator[bytes, None]:
        """See `tree.Blobs`."""
        for path in paths:
            yield self.files[path].content


class MemorySource:
    """A `SourceStore` without git.

    Args:
        repositories: repository -> commit -> path -> content; more can be added with `add`.
        limits: as for the real one.
        allowed_hosts: None accepts any clone URL.
    """

    def __init__(
        self,
        repositories: Mapping[str, Mapping[str, Files]] | None = None,
        limits: SourceLimits | None = None,
        allowed_hosts: frozenset[str] | None = None,
    ) -> None:
        self._limits = limits or SourceLimits()
        self._allowed_hosts = allowed_hosts
        self._commits: dict[tuple[str, str], dict[str, MemoryFile]] = {}
        self._trees: dict[tuple[str, str], ListedTree] = {}
        self.unavailable = False
        """While True, what was not fetched before fails with BackendUnavailable."""
        self.fetched: list[SourceRef] = []
        """Every fetch that was asked for, in order."""
        for repository, commits in (repositories or {}).items():
            for commit, files in commits.items():
                self.add(repository, commit, files)

    def add(self, repository: str, commit: str, files: Files) -> None:
        """Make one more commit known, or replace it."""
        self._commits[repository, commit] = {
            path: MemoryFile(file) if isinstance(file, bytes) else file for path, file in files.items()
        }
        self._trees.pop((repository, commit), None)

    async def fetch(self, ref: SourceRef) -> ListedTree:
        """Make one commit readable; see `SourceStore.fetch`."""
        self.fetched.append(ref)
        if self._allowed_hosts is not None:
            check_credentials(
                check_clone_url(ref.clone_url, self._allowed_hosts, allow_http=True), ref.credentials
            )
        key = (ref.repository, ref.commit)
        if key not in self._trees:
            self._trees[key] = self._load(ref)
        return self._trees[key]

    def _load(self, ref: SourceRef) -> ListedTree:
        if self.unavailable:
            raise BackendUnavailable("GitUnavailable", f"The git server of {ref.repository} does not answer.")
        files = self._commits.get((ref.repository, ref.commit))
        if files is None:
            raise InvalidSpec(
                "CommitMissing", f"{ref.repository} has no commit {ref.commit}; push it, or name another."
            )
        what = f"{ref.repository} at {ref.commit[:12]}"
        entries = tuple(Entry(path, file.mode, len(file.content)) for path, file in files.items())
        check_entries(what, entries, self._limits)
        targets = {path: text(what, file.content) for path, file in files.items() if file.mode == LINK}
        return ListedTree(ref.commit, Listing(what, entries, targets), MemoryBlobs(files))
