"""The API token of `.local/env`, for all repositories: a key goes in, the token kept in a file comes out.

It stays the same while the bridge would accept it for a month to come: `make up` twice changes nothing.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

from controller.clock import Clock
from webhook.tokens import ALL_REPOSITORIES, Scope, TokenRefused, Verifier, issue

AUDIENCE = "previewcloud"
VALID = timedelta(days=365)
LEFT = timedelta(days=30)


def kept(path: Path, key: str, clock: Clock) -> str:
    """Return the token in the file, made anew when the key is another or its time comes to an end."""
    token = path.read_text() if path.exists() else ""
    if not _holds(token, key, clock):
        token = _issued(key, clock)
        path.touch(mode=0o600)
        path.write_text(token)
    return token


def _holds(token: str, key: str, clock: Clock) -> bool:
    try:
        claims = Verifier(lambda: [key], AUDIENCE, clock).claims(token)
    except TokenRefused:
        return False
    return claims.exp > (clock.now() + LEFT).timestamp()


def _issued(key: str, clock: Clock) -> str:
    return issue(
        key=key,
        audience=AUDIENCE,
        subject="local",
        scope=Scope.WRITE,
        repositories=[ALL_REPOSITORIES],
        ttl=VALID,
        clock=clock,
        jti=secrets.token_urlsafe(12),
    )
