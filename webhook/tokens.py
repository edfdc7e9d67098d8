"""API tokens: JSON Web Tokens (RFC 7519, HS256), signed with the installation's key; made and checked here.

    key, subject, scope, repositories, ttl ──▶ issue ──▶ token ──▶ Verifier.claims ──▶ Claims

The algorithm is never read from the token (RFC 8725, section 3.1). While the key is being changed, tokens of
the key before it are accepted too.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import jwt
import typer
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from controller.api.durations import duration
from controller.api.errors import InvalidSpec, PreviewError
from controller.api.fields import Repository
from controller.api.model import Observed
from controller.api.preview import describe
from controller.clock import Clock, WallClock
from webhook.settings import BridgeSettings

ALGORITHM = "HS256"
KEY_BYTES = 32  # RFC 7518, section 3.2: a key of the same size as the hash output or larger
LEEWAY_SECONDS = 5
TOKEN_MAX = 7000
"""Characters; more does not fit into a request's header."""
TTL_MAX = timedelta(days=3660)
ALL_REPOSITORIES = "*"
USAGE = 2

_REPOSITORY: TypeAdapter[str] = TypeAdapter(Repository)
_Seconds = Annotated[int, Field(ge=0, le=253402300799, strict=True)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x20-\x7e]+$")]


Keys = Callable[[], Sequence[str]]
"""The keys that count now."""


class Scope(StrEnum):
    """What a token is good for; `write` includes `read`."""

    READ = "read"
    WRITE = "write"

    def includes(self, needed: Scope) -> bool:
        """Whether this scope is enough where another is needed."""
        return self is Scope.WRITE or self is needed


class Claims(Observed):
    """What a token says, once its signature, audience and times were found right."""

    sub: _Name
    scope: Scope
    repositories: tuple[Annotated[str, StringConstraints(min_length=1, max_length=140)], ...] = Field(
        min_length=1, max_length=100
    )
    exp: _Seconds
    iat: _Seconds
    nbf: _Seconds = 0
    jti: _Name

    def sees(self, repository: str) -> bool:
        """Whether the token is good for a repository (owner/name, letters of any case)."""
        wanted = repository.lower()
        return any(entry in (ALL_REPOSITORIES, wanted) for entry in map(str.lower, self.repositories))


class TokenRefused(Exception):
    """A token is not accepted; the message says why and holds nothing of it."""


class Verifier:
    """Checks tokens.

    Args:
        keys: gives those that count now: the current key first, then the one before it; empty ones are left
            out.
        audience: the audience that tokens must be made for.
        clock: what time it is.

    Raises:
        InvalidSpec: ApiKeyTooShort, ApiKeyMissing.
    """

    def __init__(self, keys: Keys, audience: str, clock: Clock) -> None:
        self._keys = keys
        if not [checked_key(key) for key in keys() if key]:
            raise InvalidSpec("ApiKeyMissing", "API tokens need a key that signs them: set API_KEY.")
        self._audience = audience
        self._clock = clock

    def claims(self, token: str) -> Claims:
        """What a token says; raises TokenRefused."""
        if len(token) > TOKEN_MAX:
            raise TokenRefused("The token is too long.")
        try:
            found = Claims.model_validate(self._decoded(token))
        except ValidationError:
            raise TokenRefused(
                "The token lacks a claim, or has one of a wrong form; make a new one with "
                "python -m webhook token."
            ) from None
        now = self._clock.now().timestamp()
        if found.exp <= now - LEEWAY_SECONDS:
            raise TokenRefused("The token has expired; make a new one with python -m webhook token.")
        if max(found.iat, found.nbf) > now + LEEWAY_SECONDS:
            raise TokenRefused("The token is from the future; compare the clocks.")
        return found

    def _decoded(self, token: str) -> object:
        """The claims, signature and audience checked; times are compared with our own clock."""
        for key in filter(None, self._keys()):
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=[ALGORITHM],
                    audience=self._audience,
                    options={
                        "require": ["sub", "aud", "exp", "iat", "jti"],
                        "verify_exp": False,
                        "verify_iat": False,
                        "verify_nbf": False,
                    },
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidAudienceError:
                raise TokenRefused("The token is made for another audience.") from None
            except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
                break
        raise TokenRefused("The token is not one that this installation made.")


def checked_key(key: str) -> str:
    """Hand a key back; raises InvalidSpec (ApiKeyTooShort)."""
    if len(key.encode()) < KEY_BYTES:
        raise InvalidSpec(
            "ApiKeyTooShort",
            f"API_KEY and API_KEY_PREVIOUS must have at least {KEY_BYTES} bytes; "
            "make one with: openssl rand -hex 32",
        )
    return key


def issue(  # noqa: PLR0913 - one argument per claim, all by keyword
    *,
    key: str,
    audience: str,
    subject: str,
    scope: Scope,
    repositories: Sequence[str],
    ttl: timedelta,
    clock: Clock,
    jti: str,
) -> str:
    """A new token.

    Args:
        key: signs it.
        audience: whom it is made for.
        subject: who will use it; shown in logs.
        scope: what it is good for.
        repositories: owner/name each, or `*` for all.
        ttl: how long it is good.
        clock: what time it is.
        jti: its own id, of which no two are alike.

    Raises:
        InvalidSpec: ApiKeyTooShort; TokenInvalid, a value that no token may have.
    """
    if not timedelta(0) < ttl <= TTL_MAX:
        raise InvalidSpec(
            "TokenInvalid", f"A token is good for at most {TTL_MAX.days} days, and not for none."
        )
    now = int(clock.now().timestamp())
    claims = {
        "sub": subject,
        "scope": str(scope),
        "repositories": list(repositories),
        "aud": audience,
        "iat": now,
        "exp": now + int(ttl.total_seconds()),
        "jti": jti,
    }
    try:
        Claims.model_validate(claims)
        for repository in repositories:
            if repository != ALL_REPOSITORIES:
                _REPOSITORY.validate_python(repository)
    except ValidationError as error:
        raise InvalidSpec("TokenInvalid", f"No such token can be made: {describe(error)}.") from None
    token = jwt.encode(claims, checked_key(key), algorithm=ALGORITHM)
    if len(token) > TOKEN_MAX:
        raise InvalidSpec("TokenInvalid", "The token gets too long: name fewer repositories, or use '*'.")
    return token


def token(
    subject: Annotated[str, typer.Option(help="Who will use it; shown in logs.")],
    repository: Annotated[list[str], typer.Option(help="owner/name, or '*' for all; may be repeated.")],
    scope: Annotated[Scope, typer.Option(help="read, or write, which includes it.")] = Scope.READ,
    ttl: Annotated[str, typer.Option(help="How long it is good, as in 90d or 12h.")] = "90d",
) -> None:
    """Print a new API token; API_KEY signs it, from the environment or a file in SECRETS_DIR."""
    try:
        settings = BridgeSettings(_secrets_dir=os.environ.get("SECRETS_DIR") or None)
        typer.echo(_issued(settings, subject, repository, scope, ttl))
    except ValidationError as error:
        raise _refused(f"The environment holds a wrong setting: {describe(error)}") from None
    except PreviewError as error:
        raise _refused(error.message) from None


def _issued(
    settings: BridgeSettings, subject: str, repositories: Sequence[str], scope: Scope, ttl: str
) -> str:
    if settings.api_key is None:
        raise InvalidSpec("ApiKeyMissing", "No key signs tokens: set API_KEY as the bridge has it.")
    try:
        span = duration(ttl)
    except ValueError as error:
        raise InvalidSpec("TokenInvalid", f"--ttl {error}") from None
    return issue(
        key=settings.api_key.get_secret_value(),
        audience=settings.api_audience,
        subject=subject,
        scope=scope,
        repositories=repositories,
        ttl=span,
        clock=WallClock(),
        jti=secrets.token_urlsafe(12),
    )


def _refused(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(USAGE)
