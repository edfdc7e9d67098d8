"""Passes: signed words that open one log for a while, for those who have no token of the API.

    link   in the comment on a pull request; opens the log page, for days
    ticket given to a page or a client that was let in; opens a stream, for seconds

They are JSON Web Tokens like the API's (RFC 7519, HS256), signed with the same keys, and made for audiences
of their own, so that none passes for another, nor for an API token. The same in is the same out: a link does
not change while its end does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import jwt
from pydantic import ValidationError

from controller.api.model import Observed
from controller.api.names import LogKey
from controller.clock import Clock
from webhook.tokens import ALGORITHM, TOKEN_MAX, Keys, checked_key

TICKET_SECONDS = 30


class Use(StrEnum):
    """What a pass is good for."""

    LINK = "log-link"
    TICKET = "log-ticket"


@dataclass(frozen=True)
class Pass:
    """What a pass opens."""

    key: LogKey
    preview_id: str
    expires: datetime


class PassRefused(Exception):
    """A pass is not accepted; the message says why, for whoever shows it."""


class _Claims(Observed):
    repository: str
    incarnation: str
    preview: str
    exp: int


class Passes:
    """Makes and checks passes.

    Args:
        keys: gives those that count now: the current key first, then the one before it.
        audience: of the API's tokens; those of passes follow from it.
        clock: what time it is.

    Raises:
        InvalidSpec: ApiKeyTooShort.
    """

    def __init__(self, keys: Keys, audience: str, clock: Clock) -> None:
        self._keys = keys
        for key in filter(None, keys()):
            checked_key(key)
        self._audience = audience
        self._clock = clock

    def issue(self, use: Use, key: LogKey, preview_id: str, expires: datetime) -> str:
        """A new pass, good until then."""
        claims = {
            "aud": f"{self._audience}/{use}",
            "repository": key.repository,
            "incarnation": key.incarnation,
            "preview": preview_id,
            "exp": int(expires.timestamp()),
        }
        return jwt.encode(claims, self._keys()[0], algorithm=ALGORITHM)

    def check(self, use: Use, token: str) -> Pass:
        """What a pass opens; raises PassRefused."""
        claims = self._claims(use, token)
        expires = datetime.fromtimestamp(claims.exp, UTC)
        if expires <= self._clock.now():
            raise PassRefused("It has expired; take a new one from the comment on the pull request.")
        key = LogKey(claims.repository, claims.incarnation)
        return Pass(key, claims.preview, expires)

    def _claims(self, use: Use, token: str) -> _Claims:
        for key in filter(None, self._keys()) if len(token) <= TOKEN_MAX else ():
            try:
                decoded = jwt.decode(
                    token,
                    key,
                    algorithms=[ALGORITHM],
                    audience=f"{self._audience}/{use}",
                    options={"require": ["exp", "aud"], "verify_exp": False},
                )
                return _Claims.model_validate(decoded)
            except (jwt.PyJWTError, ValidationError, ValueError, TypeError, OverflowError):
                continue
        raise PassRefused("It is not one that this installation made.")
