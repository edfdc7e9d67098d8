"""From a request to the Preview that it asks for. Pure.

    PreviewRequest + existing Preview + Facts ──▶ plan ──▶ Plan (Wanted, Secrets to store, Secrets to empty)

Values of `env` are kept in the Secret `<preview>-env`, under `NAME` or `service.NAME`, and the resource
refers to them. A value with a reference such as `${DATABASE_URL}` stands in the resource as it is: the
operator resolves references there alone, and takes what is in a Secret literally. So a value must not mix a
reference with a secret of its own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from controller.api.errors import InvalidSpec
from controller.api.fields import Branch
from controller.api.preview import Preview, describe
from controller.api.preview_file import PreviewFile, parse_preview_file
from controller.api.references import references, resolve
from controller.api.spec import Access, Database, NamedDatabase, PreviewSpec, Source, Trust
from controller.api.variables import EnvVar, LocalSecretRef, SecretKeyRef, ValueFrom
from webhook.cluster.protocol import COMMENT_ANNOTATION, Origin, Wanted, WantedSecret
from webhook.github.events import PullRequest
from webhook.intake.order import trust
from webhook.rest.models import PreviewRequest
from webhook.rest.refusals import WrongField
from webhook.rest.services import merged
from webhook.subject import Subject

PASSWORD_KEY = "password"  # noqa: S105 - the name of a key
DOCKER_CONFIG = "kubernetes.io/dockerconfigjson"
DOCKER_CONFIG_KEY = ".dockerconfigjson"
_BRANCH: TypeAdapter[str] = TypeAdapter(Branch)


@dataclass(frozen=True)
class Facts:
    """What is known beside the request."""

    name: str
    """The Preview's name."""
    clone_base: str
    """Where repositories are cloned from when nothing says it."""
    pull: PullRequest | None = None
    """The pull request as GitHub has it; None where it cannot be asked, and for a branch."""
    git_secret: str | None = None
    registry_secret: str | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be done; Secrets are emptied after the Preview lets go of them."""

    wanted: Wanted
    secrets: tuple[WantedSecret, ...] = ()
    emptied: tuple[WantedSecret, ...] = ()


@dataclass(frozen=True)
class _Env:
    """Variables of one place, and those of their values that belong into the Secret."""

    variables: tuple[EnvVar, ...]
    kept: Mapping[str, str]


def subject_of(request: PreviewRequest) -> Subject:
    """What the Preview stands for; a pull request counts before its branch."""
    branch = request.branch if request.pr_number is None else None
    return Subject(request.repository, request.pr_number, branch)


def plan(request: PreviewRequest, existing: Preview | None, facts: Facts) -> Plan:
    """The Preview that is asked for.

    Args:
        request: what was asked.
        existing: the Preview that stands for it already; it keeps its repository's spelling and its branch.
        facts: what else decides.

    Raises:
        InvalidSpec: PreviewFileInvalid, ForkGetsNoSecret, UnknownReference, SpecInvalid.
    """
    file = _file(request)
    source = _source(request, existing, facts)
    password = request.password or (file.password if file else None)
    if source.trust is Trust.FORK:
        _refuse_secrets(request, password)
    secret = f"{facts.name}-env"
    common = _env(request.env, secret, "env", "")
    own = {
        name: _env(service.env, secret, f"services.{name}.env", f"{name}.")
        for name, service in (request.services or {}).items()
    }
    fields: dict[str, object] = {
        "source": source,
        "services": merged(request.services or {}, file, {name: env.variables for name, env in own.items()}),
        **_databases(request, file),
        "env": _over(file.env if file else (), common.variables),
    }
    if password:
        reference = SecretKeyRef(name=f"{facts.name}-access", key=PASSWORD_KEY)
        fields["access"] = Access(password_secret_ref=reference)
    kept = {**common.kept, **{key: text for env in own.values() for key, text in env.kept.items()}}
    subject = subject_of(request)
    wanted = Wanted(
        subject=Subject(source.repository, subject.pull_request, subject.branch),
        spec=_spec(fields),
        origin=Origin.API,
        annotations={} if request.comment else {COMMENT_ANNOTATION: "off"},
    )
    secrets = _secrets(facts.name, source.repository, kept, password, request)
    return Plan(wanted, secrets, _let_go(existing, facts.name, source.repository, secrets))


def _file(request: PreviewRequest) -> PreviewFile | None:
    text = request.preview_file
    return parse_preview_file(text.encode(), "previewFile") if text is not None else None


def _spec(fields: Mapping[str, object]) -> PreviewSpec:
    """A spec of what is not empty, so that nothing else is applied."""
    try:
        return PreviewSpec.model_validate({name: value for name, value in fields.items() if value})
    except ValidationError as error:
        raise InvalidSpec("SpecInvalid", describe(error)) from None


def _source(request: PreviewRequest, existing: Preview | None, facts: Facts) -> Source:
    known = existing.spec.source if existing is not None else None
    default = _default_clone_url(request, facts)
    clone_url = request.clone_url or default
    fields: dict[str, object | None] = {
        "repository": known.repository if known else request.repository,
        "clone_url": clone_url,
        "pull_request": request.pr_number,
        "branch": known.branch if known else _branch(request, facts),
        "commit": request.commit_sha,
        **_trust(request, known, facts),
    }
    if fields.get("trust") is not Trust.FORK:
        # the login is for this repository where it is known to be, not for whatever a caller points at
        git = facts.git_secret if _place(clone_url) == _place(default) else None
        registry = f"{facts.name}-registry" if request.registry else facts.registry_secret
        fields["credentials_secret_ref"] = LocalSecretRef(name=git) if git else None
        fields["image_pull_secret_ref"] = LocalSecretRef(name=registry) if registry else None
    return Source.model_validate({name: value for name, value in fields.items() if value is not None})


def _place(clone_url: str) -> tuple[str, str]:
    """Host and path of a repository, without regard to case and to how its address ends."""
    parts = urlsplit(clone_url.lower())
    return parts.netloc, parts.path.rstrip("/").removesuffix(".git")


def _default_clone_url(request: PreviewRequest, facts: Facts) -> str:
    base = facts.pull.base.repo if facts.pull is not None else None
    if base is not None and base.clone_url:
        return base.clone_url
    return f"{facts.clone_base.rstrip('/')}/{request.repository}.git"


def _branch(request: PreviewRequest, facts: Facts) -> str | None:
    """The name of the pull request's branch, where it is one that a Preview may have."""
    if request.pr_number is None or facts.pull is None:
        return request.branch
    try:
        return _BRANCH.validate_python(facts.pull.head.ref)
    except ValidationError:
        return request.branch


def _trust(request: PreviewRequest, known: Source | None, facts: Facts) -> dict[str, object | None]:
    """Whether the commit comes from a fork: as GitHub says, else as it is known, else not."""
    if request.pr_number is None:
        return {}
    config = known.config_commit if known else None
    fork = known is not None and known.trust is Trust.FORK
    if (pull := facts.pull) is not None:
        config = pull.base.sha
        fork = trust(pull) is Trust.FORK
    if not fork:
        return {"trust": Trust.TRUSTED}
    # whoever holds a token that may write vouches for this very commit
    return {"trust": Trust.FORK, "approved_commit": request.commit_sha, "config_commit": config}


def _refuse_secrets(request: PreviewRequest, password: str | None) -> None:
    given = {
        "env": request.env,
        **{f"services.{name}.env": service.env for name, service in (request.services or {}).items()},
        "password" if request.password else "previewFile": password,
        "registry": request.registry,
    }
    for field, value in given.items():
        if value:
            raise WrongField(
                "ForkGetsNoSecret",
                f"{field}: the pull request comes from a fork, which gets no Secret; leave it out.",
                field,
            )


def _env(values: Mapping[str, str], secret: str, where: str, prefix: str) -> _Env:
    """Variables as the resource has them: with references as they are, all others as keys of the Secret."""
    variables, kept = [], {}
    for name, value in values.items():
        try:
            refers = references(value)
        except ValueError as error:
            raise WrongField("UnknownReference", f"{where}.{name}: {error}", f"{where}.{name}") from None
        if refers:
            variables.append(EnvVar(name=name, value=value))
            continue
        key = f"{prefix}{name}"
        kept[key] = resolve(value, {})  # `$${` stands for `${`, which nobody resolves in a Secret
        reference = SecretKeyRef(name=secret, key=key)
        variables.append(EnvVar(name=name, value_from=ValueFrom(secret_key_ref=reference)))
    return _Env(tuple(variables), kept)


def _over(below: tuple[EnvVar, ...], above: tuple[EnvVar, ...]) -> tuple[EnvVar, ...]:
    return tuple({variable.name: variable for variable in (*below, *above)}.values())


def _databases(request: PreviewRequest, file: PreviewFile | None) -> dict[str, object]:
    named: dict[str, Database] = request.databases or {}
    if named:
        return {"databases": tuple(NamedDatabase(name=name, **dict(found)) for name, found in named.items())}
    if "database" in request.model_fields_set or request.databases is not None or file is None:
        return {"database": request.database}
    return {"database": file.database, "databases": file.databases}


def _secrets(
    name: str, repository: str, env: Mapping[str, str], password: str | None, request: PreviewRequest
) -> tuple[WantedSecret, ...]:
    secrets = []
    if env:
        secrets.append(WantedSecret(f"{name}-env", repository, name, env))
    if password:
        secrets.append(WantedSecret(f"{name}-access", repository, name, {PASSWORD_KEY: password}))
    if (login := request.registry) is not None:
        both = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
        auth = {"username": login.username, "password": login.password, "auth": both}
        data = {DOCKER_CONFIG_KEY: json.dumps({"auths": {login.server: auth}})}
        secrets.append(WantedSecret(f"{name}-registry", repository, name, data, DOCKER_CONFIG))
    return tuple(secrets)


def _let_go(
    existing: Preview | None, name: str, repository: str, wanted: tuple[WantedSecret, ...]
) -> tuple[WantedSecret, ...]:
    """Secrets of this Preview that its spec names until now, and that nothing needs any more: emptied."""
    if existing is None:
        return ()
    spec = existing.spec
    env = (*spec.env, *(variable for service in spec.services for variable in service.env))
    named = {variable.value_from.secret_key_ref.name for variable in env if variable.value_from}
    references = (spec.access.password_secret_ref, spec.source.image_pull_secret_ref)
    named |= {reference.name for reference in references if reference is not None}
    gone = named - {secret.name for secret in wanted}
    empty = (
        WantedSecret(f"{name}-env", repository, name, {}),
        WantedSecret(f"{name}-access", repository, name, {}),
        WantedSecret(
            f"{name}-registry", repository, name, {DOCKER_CONFIG_KEY: '{"auths": {}}'}, DOCKER_CONFIG
        ),
    )
    return tuple(secret for secret in empty if secret.name in gone)
