"""Bodies and queries that GitHub's REST API documents for the calls that are known here.

Required fields must be there, unknown ones are refused, and so is what GitHub's own checks refuse.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Description = Annotated[str, StringConstraints(max_length=140)]
Address = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[^\s]+$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Body(BaseModel):
    """A JSON body; nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewComment(Body):
    """Create an issue comment, update an issue comment."""

    body: Annotated[str, StringConstraints(min_length=1, max_length=65536)]


class NewReaction(Body):
    """Create reaction for an issue comment."""

    content: Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]


class NewDeployment(Body):
    """Create a deployment; what GitHub would do by itself (merge, wait for checks) must be switched off."""

    ref: Name
    environment: Name
    auto_merge: Literal[False]
    required_contexts: Annotated[list[str], Field(max_length=0)]
    task: Annotated[str, StringConstraints(min_length=1, max_length=128)] = "deploy"
    payload: dict[str, object] | str = ""
    description: Description | None = ""
    transient_environment: bool = False
    production_environment: bool = False


class NewDeploymentStatus(Body):
    """Create a deployment status; `error` and `pending` are documented too, and not used by the bridge."""

    state: Literal["failure", "inactive", "in_progress", "queued", "success"]
    description: Description = ""
    environment: Name | None = None
    environment_url: Address | Literal[""] = ""
    log_url: Address | Literal[""] = ""
    target_url: Address | Literal[""] = ""
    auto_inactive: bool = True


class NewCommitStatus(Body):
    """Create a commit status."""

    state: Literal["error", "failure", "pending", "success"]
    context: Name = "default"
    description: Description | None = None
    target_url: Address | None = None


T = TypeVar("T", bound=Body)
QUERIES: dict[str, frozenset[str]] = {
    "pulls": frozenset({"state", "head", "base", "sort", "direction"}),
    "contents": frozenset({"ref"}),
    "deployments": frozenset({"sha", "ref", "task", "environment"}),
    "comments": frozenset({"since"}),
}
"""Query parameters by the last fixed word of the path, beside `page` and `per_page`."""


def read(model: type[T], text: bytes) -> T:
    """The body as the model.

    Raises:
        ValueError: says which field is wrong.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors())
        raise ValueError("; ".join(wrong)) from None
