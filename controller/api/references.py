"""References such as `${DATABASE_URL}` in values, and the environment that a service ends up with.

    platform_values(...) ──▶ names and values ──▶ environment(secrets, env, platform, service_env)

`$${NAME}` stands for a literal `${NAME}`. What a reference gives is never looked through again. The value of
a Secret is no text of ours: `literal` protects it from being resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controller.api.errors import InvalidSpec
from controller.api.nearest import hint, shown
from controller.api.spec import Source

_SECRET = re.compile(r"(?:[A-Z0-9]+_)?DATABASE_URL")
DATABASE_NAMES = ("DATABASE_URL", "DATABASE_TYPE")
PREVIEW_NAMES = (
    "PREVIEW_URL",
    "PREVIEW_ID",
    "PR_NUMBER",
    "BRANCH",
    "COMMIT_SHA",
    "REPO_OWNER",
    "REPO_NAME",
    "SERVICE_NAME",
)

_TOKEN = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")


@dataclass(frozen=True)
class PlatformService:
    """A service as its siblings refer to it; `url` None: not public, `port` None: not known yet."""

    name: str
    url: str | None
    port: int | None


@dataclass(frozen=True)
class PlatformDatabase:
    """A database as services refer to it; the only one has no label."""

    label: str
    type: str
    url: str = field(repr=False)


def is_secret(name: str) -> bool:
    """Whether a name's value holds a secret: never in a build argument, never in a message."""
    return _SECRET.fullmatch(name) is not None


def database_names(label: str) -> tuple[str, str]:
    """The variables with a database's URL and type: `MAIN_DATABASE_URL`, for the only one `DATABASE_URL`."""
    prefix = f"{label.upper()}_" if label else ""
    return (f"{prefix}DATABASE_URL", f"{prefix}DATABASE_TYPE")


def variable(service: str) -> str:
    """A service's name as part of a variable's: upper case, `-` becomes `_`."""
    return service.upper().replace("-", "_")


def url_name(service: str) -> str:
    """The variable with a service's public URL."""
    return f"{variable(service)}_URL"


def internal_url_name(service: str) -> str:
    """The variable with the URL under which siblings reach a service."""
    return f"{variable(service)}_INTERNAL_URL"


def platform_values(  # noqa: PLR0913 - one argument per source of names, all by keyword
    *,
    slug: str,
    source: Source,
    services: Iterable[PlatformService],
    preview_url: str | None,
    service: str,
    databases: tuple[PlatformDatabase, ...] = (),
) -> dict[str, str]:
    """Every name that the platform sets for one service, and its value.

    What does not exist is left out (the URL of a service that is not public, the database of a preview
    without one); PR_NUMBER, BRANCH and PREVIEW_URL are empty where there is none, since one application
    serves both kinds of preview.
    """
    owner, _, name = source.repository.partition("/")
    values = {
        "PREVIEW_URL": preview_url or "",
        "PREVIEW_ID": slug,
        "PR_NUMBER": "" if source.pull_request is None else str(source.pull_request),
        "BRANCH": source.branch or "",
        "COMMIT_SHA": source.commit,
        "REPO_OWNER": owner,
        "REPO_NAME": name,
        "SERVICE_NAME": service,
    }
    for sibling in services:
        if sibling.url is not None:
            values[url_name(sibling.name)] = sibling.url
        if sibling.port is not None:
            values[internal_url_name(sibling.name)] = f"http://{sibling.name}:{sibling.port}"
    for database in databases:
        labels = {database.label, ""} if len(databases) == 1 else {database.label}
        for url_of, type_of in map(database_names, sorted(labels)):
            values |= {url_of: database.url, type_of: database.type}
    return values


def references(text: str) -> list[str]:
    """The names that a text refers to, in order; raises ValueError when a reference is not closed."""
    found = []
    for match in _TOKEN.finditer(text):
        if match[1] is None:
            continue
        if not match[2]:
            raise ValueError("a '${' is not closed; write '$${' for a literal one")
        found.append(match[1])
    return found


def literal(text: str) -> str:
    """The text in a form that resolves to itself."""
    return text.replace("${", "$${")


def problem(name: str, valid: Iterable[str]) -> str:
    """What to say about a reference to a name that is not there."""
    if name in DATABASE_NAMES:
        return f"${{{name}}} needs a database: add a database section with a type"
    return f"unknown reference {shown(name)}{hint(name, valid)} (a literal one is written '$${{')"


def resolve(
    text: str, values: Mapping[str, str], *, where: str = "value", secrets_allowed: bool = True
) -> str:
    """The text with every reference replaced by its value.

    Args:
        text: may hold references.
        values: what `platform_values` gave.
        where: the field, for messages.
        secrets_allowed: False for build arguments, which stay readable in the image.

    Raises:
        InvalidSpec: UnknownReference, naming the nearest valid name; SecretInBuildArg.
    """
    try:
        names = references(text)
    except ValueError as error:
        raise InvalidSpec("UnknownReference", f"{where}: {error}") from None
    for name in names:
        if is_secret(name) and not secrets_allowed:
            raise InvalidSpec("SecretInBuildArg", f"{where}: {secret_sentence(name)}")
        if name not in values:
            raise InvalidSpec("UnknownReference", f"{where}: {problem(name, values)}")
    return _TOKEN.sub(lambda match: "${" if match[1] is None else values[match[1]], text)


def secret_sentence(name: str) -> str:
    """Why a secret is refused in a build argument, and what to do instead."""
    return f"${{{name}}} holds a secret and would stay readable in the image; use it in env instead"


def environment(
    *,
    secrets: Mapping[str, str],
    env: Mapping[str, str],
    platform: Mapping[str, str],
    service_env: Mapping[str, str],
) -> dict[str, str]:
    """A service's environment: secrets < env < the platform's variables < the service's own env.

    References in `env` and `service_env` are resolved, secrets are taken as they are.

    Raises:
        InvalidSpec: UnknownReference, naming the variable.
    """
    service = platform.get("SERVICE_NAME", "")
    common = {name: resolve(text, platform, where=f"env.{name}") for name, text in env.items()}
    own = {
        name: resolve(text, platform, where=f"services.{service}.env.{name}")
        for name, text in service_env.items()
    }
    return {**secrets, **common, **platform, **own}
