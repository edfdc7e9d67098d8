"""What a repository's `previewcloud:` section asks of the bridge: for which pull requests there are previews.

Read from the base branch, so that a pull request cannot change what decides about it. The operator only
checks it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from controller.api.model import Model
from controller.api.rules import matching

LabelName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=50),
    matching(r"^[^\x00-\x1f\x7f]+$", "must be the name of a label"),
]
Glob = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    matching(
        r"^[^/\\\x00-\x1f\x7f][^\\\x00-\x1f\x7f]*$",
        "must be a pattern such as src/** or *.md, without '/' in front",
    ),
]


class PathFilter(Model):
    """Which changed files matter."""

    include: tuple[Glob, ...] = Field(
        default=(), max_length=64, description="A preview only when one of these changed; empty: any file."
    )
    exclude: tuple[Glob, ...] = Field(
        default=(), max_length=64, description="Changes to these alone make no preview."
    )


class Policy(Model):
    """For which pull requests and branches there are previews."""

    draft: bool | None = Field(
        default=None, description="Previews of draft pull requests; the installation's setting when left out."
    )
    labels: tuple[LabelName, ...] = Field(
        default=(), max_length=32, description="A preview only with one of these labels; empty: always."
    )
    paths: PathFilter = Field(default_factory=PathFilter, description="Which changed files matter.")
    branches: tuple[Glob, ...] = Field(
        default=(),
        max_length=64,
        description="Only pull requests into these branches; empty: into any.",
    )
