"""What GitHub's API answers, beside the objects of deliveries; all that is not named is ignored."""

from __future__ import annotations

from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, SecretStr, ValidationError

from controller.api.errors import BackendUnavailable
from controller.api.fields import Commit, Repository
from webhook.github.events import GitHubModel, Login, User

M = TypeVar("M", bound=BaseModel)


class Made(GitHubModel):
    """Something that was created."""

    id: int


class ChangedFile(GitHubModel):
    """A file of a pull request."""

    filename: str
    previous_filename: str | None = None


class Content(GitHubModel):
    """What a path of a repository is."""

    type: str
    size: int = 0
    encoding: str = ""
    content: str = ""


class Target(GitHubModel):
    """What a reference points at."""

    sha: Commit


class Reference(GitHubModel):
    """A branch."""

    object: Target


class Collaborator(GitHubModel):
    """What somebody may do; `permission` knows fewer words than `role_name`, which may be an own role."""

    permission: str
    role_name: str = ""


class FoundComment(GitHubModel):
    """A comment."""

    id: int
    body: str | None = None
    user: User | None = None


class FoundDeployment(GitHubModel):
    """A Deployment."""

    id: int
    creator: User | None = None


class Account(GitHubModel):
    """A token's user."""

    login: Login


class App(GitHubModel):
    """The App itself."""

    slug: Login


class Installation(GitHubModel):
    """An installation of the App; suspended ones give no tokens."""

    id: int
    suspended_at: AwareDatetime | None = None


class InstallationToken(GitHubModel):
    """A token of an installation."""

    token: SecretStr
    expires_at: AwareDatetime


class Named(GitHubModel):
    """A repository's name."""

    full_name: Repository


def understood(model: type[M], answer: object, what: str) -> M:
    """An answer as the model; what was wrong is told without the answer's values.

    Raises:
        BackendUnavailable (GitHubUnavailable): it is something else.
    """
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise BackendUnavailable(
            "GitHubUnavailable",
            f"GitHub's answer for {what} makes no sense ({place}: {first['msg']}); it is tried again.",
        ) from None
