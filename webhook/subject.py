"""What a Preview stands for: one pull request, or one branch, of one repository; and its names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from controller.api.names import short_hash, slug_candidates, source_identity
from controller.api.spec import Source

NAME_MAX = 63
_PLAIN_OWNER = re.compile(r"[a-z0-9]+")
_PLAIN_NAME = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True)
class Subject:
    """A pull request, or else a branch, of a repository (owner/name)."""

    repository: str
    pull_request: int | None = None
    branch: str | None = None

    @classmethod
    def of(cls, source: Source) -> Subject:
        """What a Preview's source stands for; a pull request counts before its branch."""
        branch = source.branch if source.pull_request is None else None
        return cls(source.repository, source.pull_request, branch)

    @property
    def identity(self) -> str:
        """`acme/shop#42` or `acme/shop#branch:main`, in the repository's lower case."""
        return source_identity(self.repository, self.pull_request, self.branch)

    @property
    def object_name(self) -> str:
        """The name of the Preview that the bridge makes: `acme-shop-pr-42`.

        Two subjects never share one: where owner and name cannot be told apart in it, or it grows too long,
        it carries a hash of the repository.
        """
        repository = self.repository.lower()
        owner, _, name = repository.partition("/")
        tail = slug_candidates(repository, self.pull_request, self.branch)[0]
        plain = _PLAIN_OWNER.fullmatch(owner) and _PLAIN_NAME.fullmatch(name) and not name.endswith("-")
        if plain and len(f"{owner}-{name}-{tail}") <= NAME_MAX:
            return f"{owner}-{name}-{tail}"
        mark = short_hash(repository, 8)
        letters = re.sub(r"[^a-z0-9]+", "-", repository).strip("-")
        return f"{letters[: NAME_MAX - len(tail) - len(mark) - 2].strip('-')}-{mark}-{tail}"

    def __str__(self) -> str:
        return self.identity
