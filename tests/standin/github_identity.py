"""Who may ask the stand-in: a token, the App by its JWT, an installation by a token that was given to it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import count

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

APP_LIFETIME = 600
"""Seconds that an App's JWT may still be valid at most."""
TOKEN_LIFETIME = timedelta(hours=1)


@cache
def app_key() -> RSAPrivateKey:
    """The key of every stand-in's App: making one takes a while."""
    return generate_private_key(public_exponent=65537, key_size=2048)


class Refused(Exception):
    """Not let in; says why."""


@dataclass(frozen=True)
class Identity:
    """Who asks: `kind` is token, app or installation; `installation` its number."""

    kind: str
    login: str
    installation: int = 0

    @property
    def bot(self) -> bool:
        return self.kind != "token"


@dataclass(frozen=True)
class Given:
    """A token of an installation, and when it ends."""

    installation: int
    expires: datetime


class Identities:
    """A token with its user, and an App with its installations: one per owner, on some repositories."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.token = f"ghp_{secrets.token_hex(18)}"
        self.login = "previewcloud-ci"
        self.app_id = "424242"
        self.slug = "previewcloud"
        self.installations: dict[int, set[str]] = {}
        """Keys of repositories by the installation's number."""
        self.owners: dict[str, int] = {}
        self.given: dict[str, Given] = {}
        self._numbers = count(7001)

    @property
    def private_key(self) -> str:
        """The App's private key, PEM."""
        return (
            app_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
        )

    def install(self, key: str) -> int:
        """Install the App on a repository; gives the installation's number."""
        owner = key.partition("/")[0]
        if owner not in self.owners:
            self.owners[owner] = next(self._numbers)
        number = self.owners[owner]
        self.installations.setdefault(number, set()).add(key)
        return number

    def uninstall(self, owner: str) -> None:
        """Take the App away from all repositories of an owner; its tokens end."""
        number = self.owners.pop(owner)
        del self.installations[number]
        self.revoke()

    def revoke(self) -> None:
        """Let all tokens that were given end now."""
        self.given.clear()

    def give(self, installation: int) -> tuple[str, datetime]:
        """A new token for an installation, and when it ends."""
        token, expires = f"ghs_{secrets.token_hex(18)}", self._now() + TOKEN_LIFETIME
        self.given[token] = Given(installation, expires)
        return token, expires

    def installation_of(self, key: str) -> int | None:
        """The installation that holds a repository."""
        return next((number for number, keys in self.installations.items() if key in keys), None)

    def who(self, authorization: str | None) -> Identity:
        """Who a request's Authorization stands for.

        Raises:
            Refused: says what is wrong with it.
        """
        scheme, _, value = (authorization or "").partition(" ")
        if scheme.lower() not in ("bearer", "token") or not value:
            raise Refused("Authorization must be 'Bearer' or 'token' with a value")
        if value == self.token:
            return Identity("token", self.login)
        if value in self.given:
            return self._installation(self.given[value])
        if value.count(".") == 2 and scheme.lower() == "bearer":
            self._check_app(value)
            return Identity("app", f"{self.slug}[bot]")
        raise Refused("Authorization holds no token that was given")

    def _installation(self, given: Given) -> Identity:
        if given.expires <= self._now():
            raise Refused("the installation's token has expired")
        return Identity("installation", f"{self.slug}[bot]", given.installation)

    def _check_app(self, token: str) -> None:
        required = ["iss", "iat", "exp"]
        try:
            claims = jwt.decode(
                token,
                app_key().public_key(),
                algorithms=["RS256"],
                issuer=self.app_id,
                options={"require": required},
            )
        except jwt.InvalidTokenError as error:
            raise Refused(f"the App's JWT is not valid: {error}") from None
        if claims["exp"] > time.time() + APP_LIFETIME:
            raise Refused("the App's JWT lives for more than 10 minutes")
