"""GitHub as the settings name it: by a token or as an App, over one session; contradictions end here.

async with open_github(settings, clock) as github: ...
"""

from __future__ import annotations

import jwt
from gidgethub.apps import get_jwt
from pydantic import SecretStr
from yarl import URL

from controller.api.errors import InvalidSpec
from webhook.github.access import Access, AppAccess, TokenAccess
from webhook.github.wire import Line
from webhook.settings import BridgeSettings

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def access_of(settings: BridgeSettings, line: Line) -> Access:
    """By what right GitHub is asked, once `check` says that there is one."""
    if settings.github_token is not None:
        return TokenAccess(line, settings.github_token.get_secret_value())
    assert settings.github_app_private_key is not None
    return AppAccess(line, settings.github_app_id, settings.github_app_private_key.get_secret_value())


def check(settings: BridgeSettings) -> bool:
    """Whether there is a token or an App.

    Raises:
        InvalidSpec (GitHubAccess): the settings contradict each other, or the address is not safe.
    """
    key, app = settings.github_app_private_key, settings.github_app_id
    if settings.github_token is not None and (app or key):
        raise _wrong("GITHUB_TOKEN and a GitHub App are both given; keep one of them")
    if bool(app) != (key is not None):
        raise _wrong("GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY go together; give both")
    if key is not None:
        _check_key(app, key)
    try:
        url = URL(settings.github_api_url)
        safe = url.scheme == "https" or (url.scheme == "http" and url.host in LOOPBACK)
        plain = bool(url.host) and not (url.user or url.password or url.query_string or url.fragment)
    except ValueError:
        safe = plain = False
    if not (safe and plain):
        raise _wrong("GITHUB_API_URL must be an https address, as in https://api.github.com")
    return settings.github_token is not None or bool(app)


def _check_key(app: str, key: SecretStr) -> None:
    try:
        get_jwt(app_id=app, private_key=key.get_secret_value())
    except (ValueError, TypeError, jwt.PyJWTError):
        raise _wrong("GITHUB_APP_PRIVATE_KEY is no private key (PEM, RSA) as GitHub gives it") from None


def _wrong(message: str) -> InvalidSpec:
    return InvalidSpec("GitHubAccess", f"{message}.")
